"""YAML: documents of a stream, a tree whose every node knows its place, and values as Kubernetes reads them.

This package is the one place that imports ruamel.yaml. It knows nothing of Kubernetes but how it reads a scalar.
"""

from fixer.syntax.yaml.loading import load_stream
from fixer.syntax.yaml.slices import AnyOf, Slice, slices
from fixer.syntax.yaml.tree import Alias, Document, Entry, Map, Node, Scalar, Seq, parse, parse_slice, values

__all__ = [
    "Alias",
    "AnyOf",
    "Document",
    "Entry",
    "Map",
    "Node",
    "Scalar",
    "Seq",
    "Slice",
    "load_stream",
    "parse",
    "parse_slice",
    "slices",
    "values",
]
