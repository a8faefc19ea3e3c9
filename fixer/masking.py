"""Secrets, so that none of them is ever shown: who reads one registers it, and what is printed goes through `mask`.

A secret is also known in the forms in which it travels: base64 (alone, and as a part of something longer, as in
`user:token`), quoted for a URL, and with the escapes of JSON.
"""

from __future__ import annotations

MASK = "***"
_LEAST_FORM = 6  # fewer characters of base64 may be part of any word
_forms: set[str] = set()


def register(secret: str) -> None:
    """Let a secret be masked from now on, whatever form it takes.

    Args:
        secret: a token, a password or a private key; its lines count one by one too. An empty one is none.
    """
    for one in {secret, secret.strip(), *(line.strip() for line in secret.splitlines() if len(line.strip()) > 8)}:
        if one.strip():
            _forms.update(_written(one))


def _written(secret: str) -> set[str]:
    import json
    from urllib.parse import quote, quote_plus

    data = secret.encode("utf-8", "surrogatepass")
    quoted = {quote(data, safe=""), quote(data), quote_plus(data)}
    lowered = {_lower_escapes(text) for text in quoted}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return {secret, *quoted, *lowered, *escaped, *_encoded(data)}


def _lower_escapes(text: str) -> str:
    first, *rest = text.split("%")
    return "%".join([first, *(piece[:2].lower() + piece[2:] for piece in rest)])


def _encoded(data: bytes) -> set[str]:
    """Base64 as it looks wherever the secret begins: what neighbours change of the outermost characters is left out."""
    import base64

    found: set[str] = set()
    for before in range(3):
        text = base64.b64encode(b"\0" * before + data).decode()
        start = -(-before * 8 // 6)
        # with something behind it, and at the end
        for core in (text[start : (before + len(data)) * 8 // 6], text[start:].rstrip("=")):
            if len(core) >= _LEAST_FORM:
                found |= {core, core.replace("+", "-").replace("/", "_")}
    return found


def mask(text: str) -> str:
    """A text in which `***` stands for each registered secret, in whatever form."""
    if not _forms:
        return text
    spans = sorted(span for form in _forms for span in _found(text, form))
    pieces, at = [], 0
    for start, end in spans:
        if start >= at:
            pieces += [text[at:start], MASK]
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def _found(text: str, form: str) -> list[tuple[int, int]]:
    spans, start = [], text.find(form)
    while start >= 0:
        spans.append((start, start + len(form)))
        start = text.find(form, start + 1)
    return spans


def forget() -> None:
    """Mask nothing any more: for who runs several times in one process, with other secrets each time."""
    _forms.clear()
