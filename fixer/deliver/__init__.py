"""How a person gets the result: written files."""
