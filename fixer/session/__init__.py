"""`fixer fix -i`: one finding after the other, for a person at a terminal. Nothing is written before the end."""
