"""The JSON Schema of a resolved document, made from the content tree's own types, so that neither can leave the other.

``templates/document.schema.json`` is what this gives, packaged for whoever reads the documents' JSON.
"""

from __future__ import annotations

import types
from dataclasses import fields, is_dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from audit.dossier.content import Document, Value

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
ENDLESS = {"enum": ["infinity", "-infinity"]}
PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"}, int: {"type": "integer"}, bool: {"type": "boolean"}, type(None): {"type": "null"},
    bytes: SHA256, float: {"anyOf": [{"type": "number"}, ENDLESS]},
}  # fmt: skip


def made_schema(format_: str) -> dict[str, Any]:
    """JSON Schema (2020-12); no further key is allowed anywhere. ``format_`` names the edition of the format."""
    known: dict[str, Any] = {}
    document = _object(Document, known, named=False)
    values = {"type": "array", "items": _of(Value, known)}
    document["properties"] |= {"format": {"const": format_}, "values": values}
    document["required"] += ["format", "values"]
    return {"$schema": DIALECT, "title": format_, **document, "$defs": dict(sorted(known.items()))}


def _object(kind: type[Any], known: dict[str, Any], named: bool = True) -> dict[str, Any]:
    hints = get_type_hints(kind)
    properties = {each.name: _of(hints[each.name], known) for each in fields(kind)}
    if named:
        properties["type"] = {"const": kind.__name__}
    if kind is Value:
        properties |= {"statement": SHA256, "reference": {"type": "string", "pattern": "^audit:[0-9a-f]{12}#/"}}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _of(kind: Any, known: dict[str, Any]) -> dict[str, Any]:
    if kind in PLAIN:
        return PLAIN[kind]
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in known:
            known[kind.__name__] = {}
            known[kind.__name__] = _object(kind, known)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_of(each, known) for each in inner]}
    assert origin is tuple, f"no schema for {kind}"
    return _tuple(inner, known)


def _tuple(inner: tuple[Any, ...], known: dict[str, Any]) -> dict[str, Any]:
    if inner[-1] is Ellipsis:
        return {"type": "array", "items": _of(inner[0], known)}
    items = [_of(each, known) for each in inner]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
