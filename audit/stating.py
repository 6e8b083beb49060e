"""Declared facts into the evidence: device.yaml, and each prose file with author, date and the clauses it serves."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audit.dossier.declared_texts import DEVICE_FILE
from audit.dossier.device import Declaration, Device, prose_files, read_device
from audit.dossier.prose_figures import refuse_typed_figures
from audit.dossier.view import GAPS
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore
from audit.measures.choice import known_measures
from audit.records import BadInput, Statement
from audit.tables import ESTIMATES
from audit.tabulating import stored_plan

PROSE, DEVICE, HANDED_BACK = "prose", "device", "handed back"


def state_device(store: AuditStore, path: Path, handed_back: bool = False) -> list[Statement]:
    """States the facts in ``path`` and the prose files beside it; what the audit holds already is not stated again.

    ``handed_back``: by a writer, who may return to earlier words; a file of before an edit may not.
    Raises ``BadInput``, before anything is stated, for facts that cannot be read, for a date in the future and for a
    figure that reads like a result.
    """
    device = read_device(path)
    check_declared(store, device, path)
    if not handed_back:
        _refuse_reverting(store, device, path)
    files = prose_files(device)
    stated = [_prose(store, path.parent / name, name, *each) for name, each in files.items()]
    data = path.read_bytes()
    return [*stated, _once(store, DEVICE, DEVICE_FILE, data, {"prose": list(files)} if files else {}, stated)]


def check_declared(store: AuditStore, device: Device, where: Path) -> None:
    """Raises ``BadInput`` for a date in the future and for a figure that reads like a result of the audit."""
    latest = datetime.date.fromisoformat(store.clock()[:10]) + datetime.timedelta(days=1)  # it is tomorrow already east
    for name, each in device.declared.items():
        if each.date > latest:
            raise BadInput(
                f"{where}: declared.{name}.date: {each.date} lies in the future; give the day on which the text was "
                "written or approved."
            )
    refuse_typed_figures(device, measure_names(store))


def _refuse_reverting(store: AuditStore, device: Device, path: Path) -> None:
    """Raises ``BadInput`` where a declaration holds again the very words that somebody edited and handed back."""
    edits = [(each, one.body) for one in store.statements(HANDED_BACK) for each in one.body["texts"]]
    replaced = {each["before"]: (each, body) for each, body in edits}
    standing = {each["requirement"]: each["after"] for each, _ in edits}
    for name, declaration in device.declared.items():
        text, body = replaced.get(declaration.sha256, ({}, {}))
        returned = standing.get(name) == declaration.sha256  # by the last edit, to words of before an earlier one
        if text.get("requirement") == name and not returned and declaration.date.isoformat() <= str(body["date"]):
            raise BadInput(
                f"{path}: declared.{name}: holds the words that {body['by']} edited and handed back on {body['date']}; "
                "take the edited ones ('audit init' writes them out), or give a later date to return to these."
            )


def measure_names(store: AuditStore) -> list[str]:
    """What the measures among the audit's estimates are called in documents; none before there are estimates."""
    if not store.has(f"tables/{ESTIMATES.name}.parquet"):
        return []
    known = {each.name: (each.title, each.agreement_title) for each in known_measures(stored_plan(store))}
    known |= {name: (facts.title, "") for name, facts in GAPS.items()}
    used = store.read_table(ESTIMATES)["measure"].astype(str).unique()
    return [title for name in used for title in known.get(name, ()) if title]


def _prose(store: AuditStore, path: Path, name: str, declaration: Declaration, clauses: tuple[str, ...]) -> Statement:
    body = {"author": declaration.author, "date": declaration.date.isoformat(), "clauses": list(clauses)}
    if declaration.figures_from:
        body["figures_from"] = declaration.figures_from
    return _once(store, PROSE, name, path.read_bytes(), body, [])


def _once(
    store: AuditStore, kind: str, name: str, data: bytes, body: Mapping[str, Any], inputs: list[Statement]
) -> Statement:
    """States ``data``, unless the audit holds just these bytes under just this statement already."""
    known = store.subjects().get(name)
    if known is None or known.subjects[name] != sha256(data) or not store.has(name):
        return store.put_bytes(kind, name, data, inputs, body)
    if dict(known.body) == dict(body) and list(known.inputs) == [each.id for each in inputs]:
        return known
    return store.put_bytes(kind, name, data, inputs, body)
