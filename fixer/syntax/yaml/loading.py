"""YAML as plain values, by ruamel.yaml's own safe loader: the second reader, which shares no code with the tree."""

from __future__ import annotations

from typing import Any

from fixer.errors import Unreadable

# The C parser follows YAML 1.1, where `{image: nginx:1.25}` is none: there a colon ends a text in a flow collection.
# Kubernetes and ruamel.yaml's own parser, which is slower, follow YAML 1.2, where it does so in front of a blank alone.
COLON = "found unexpected ':'"


def load_stream(text: str) -> list[Any]:
    """The documents of a stream as plain values; a value with a tag of its own is a pair of tag and value.

    Raises:
        Unreadable: when the loader refuses the stream, with one sentence.
    """
    from ruamel.yaml.error import YAMLError

    try:
        try:
            return list(_loader().load_all(text))
        except YAMLError as error:
            if getattr(error, "problem", None) != COLON:
                raise
            return list(_loader(pure=True).load_all(text))
    except YAMLError as error:
        problem = getattr(error, "problem", None) or type(error).__name__
        raise Unreadable("syntax", f"a second YAML reader refuses the file ({problem})") from error
    except (ValueError, RecursionError, TypeError, AttributeError, OverflowError) as error:
        raise Unreadable("syntax", f"a second YAML reader refuses the file ({type(error).__name__})") from error


def _loader(pure: bool = False) -> Any:
    """A safe loader that takes the last of duplicate keys, and knows what a tag of somebody else's stands on.

    `pure` takes the parser that follows YAML 1.2.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import SafeConstructor
    from ruamel.yaml.nodes import MappingNode, SequenceNode

    class Constructor(SafeConstructor):
        def tagged(self, node: Any) -> Any:
            if isinstance(node, MappingNode):
                return (str(node.tag), self.construct_mapping(node, deep=True))
            if isinstance(node, SequenceNode):
                return (str(node.tag), self.construct_sequence(node, deep=True))
            return (str(node.tag), node.value)

    Constructor.add_constructor(None, Constructor.tagged)
    loader = YAML(typ="safe", pure=pure)
    loader.Constructor = Constructor
    loader.allow_duplicate_keys = True
    return loader
