"""A resolved document as JSON: the same tree, the same bytes every time; pictures stand by path and SHA-256."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import fields, is_dataclass
from typing import Any

from audit.datafolders import data_folder
from audit.dossier.content import Document, Value

FORMAT = "imaging-audit document, edition 2"
SCHEMA = "document.schema.json"


def to_json(document: Document) -> bytes:
    """UTF-8 JSON of the document with the list of its printed results; validates against ``document_schema``."""
    tree = {"format": FORMAT, **_plain(document), "values": [_plain(value) for value in document.values]}
    return (json.dumps(tree, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n").encode()


def _plain(part: Any) -> Any:
    if is_dataclass(part) and not isinstance(part, type):
        named = {} if isinstance(part, Document) else {"type": type(part).__name__}
        extra = {"reference": part.reference} if isinstance(part, Value) else {}
        return {**named, **{each.name: _plain(getattr(part, each.name)) for each in fields(part)}, **extra}
    if isinstance(part, tuple | list):
        return [_plain(item) for item in part]
    if isinstance(part, bytes):
        return hashlib.sha256(part).hexdigest()
    if isinstance(part, float) and not math.isfinite(part):
        return "infinity" if part > 0 else "-infinity"
    return part


def document_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``to_json``, as it is packaged."""
    text = (data_folder("templates") / SCHEMA).read_text(encoding="utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema
