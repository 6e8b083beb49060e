"""A resolved document as JSON: the same tree, the same bytes every time; pictures stand by path and SHA-256."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

from audit.datafolders import data_folder
from audit.dossier.content import Document, Value

FORMAT = "imaging-audit document, edition 2"
SCHEMA = "document.schema.json"


def to_json(document: Document) -> bytes:
    """UTF-8 JSON of the document with the list of its printed results; validates against ``document_schema``."""
    tree = {"format": FORMAT, **_opened(document), "values": document.values}
    options: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    return (json.dumps(tree, default=_opened, **options) + "\n").encode()


def _opened(part: Any) -> Any:
    """One part of the tree by its fields; the encoder asks for what lies deeper, so that no second tree is made."""
    if isinstance(part, bytes):
        return hashlib.sha256(part).hexdigest()
    names = _fields(part.__class__)
    if names is None:
        raise TypeError(f"a document holds no {type(part).__name__}")
    found: dict[str, Any] = {} if isinstance(part, Document) else {"type": type(part).__name__}
    for name in names:
        found[name] = _finite(getattr(part, name))
    if isinstance(part, Value):
        found["reference"] = part.reference
    return found


def _finite(part: Any) -> Any:
    """The same, infinities by name."""
    if isinstance(part, float) and not math.isfinite(part):
        return "infinity" if part > 0 else "-infinity"
    if isinstance(part, tuple) and part and isinstance(part[0], float | tuple):
        return [_finite(item) for item in part]
    return part


@cache
def _fields(kind: type) -> tuple[str, ...] | None:
    """Names of the fields of one of the tree's types; None for a plain value."""
    return tuple(each.name for each in fields(kind)) if is_dataclass(kind) else None


def document_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``to_json``, as it is packaged."""
    text = (data_folder("templates") / SCHEMA).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
