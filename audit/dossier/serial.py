"""A resolved document as JSON: the same tree, the same bytes every time; pictures stand by path and SHA-256."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import fields, is_dataclass
from typing import Any

from audit.dossier.content import Document, Value

FORMAT = "imaging-audit document, edition 1"


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
    """JSON Schema (2020-12) of ``to_json``."""
    words = {"type": "string"}
    nodes = {"type": "array", "items": {"$ref": "#/$defs/node"}}
    value = _object(
        {"type": {"const": "Value"}, "text": words, "statement": _HEX, "pointer": words, "reference": words}
    )
    answer = _object(
        {"requirement": words, "clause": words, "status": {"enum": list(_STATUSES)}, "missing": words, "owner": words}
    )
    section = _object({"key": words, "title": words, "answers": {"type": "array", "items": answer}, "nodes": nodes})
    top = {
        name: words for name in ("id", "title", "instrument", "edition", "audit_id", "run_id", "ledger_root", "created")
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_object(
            {
                "format": {"const": FORMAT}, **top, "page": {"enum": ["A4", "Letter"]},
                "simulated": {"type": "boolean"}, "public": {"type": "boolean"},
                "vocabulary": {"enum": ["eu", "fda", "both"]}, "front": nodes, "appendix": nodes,
                "sections": {"type": "array", "items": section}, "values": {"type": "array", "items": value},
            }
        ),
        "$defs": {"node": {"type": "object", "required": ["type"], "properties": {"type": {"enum": list(_NODES)}}}},
    }  # fmt: skip


_HEX = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_STATUSES = ("evidenced", "partly evidenced", "declared", "missing", "not applicable")
_NODES = (
    "Heading", "Paragraph", "Table", "ForestPlot", "AgreementPlot", "BarPlot", "CurvePlot", "FrocPlot", "FlowChart",
    "LineageChart", "Picture", "StatusBox",
    "Signature", "Contents", "NewPage",
)  # fmt: skip


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}
