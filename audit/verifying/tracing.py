"""``audit lineage``: from a number, a document or an audit back to rows, code, model version and MLflow runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audit.dossier.pointers import look_up
from audit.evidence.bundled import as_home
from audit.evidence.statements import MISSHAPEN
from audit.evidence.store import AuditStore, list_audits, open_audit
from audit.evidence.tree import Node, tree_of
from audit.evidence.verification import verify_file
from audit.records import BadInput, ModelVersion, Statement
from audit.tables import ANALYSES, ESTIMATES, IMPORTANCE, Table

KEYED: Mapping[str, tuple[Table, str]] = {
    "E": (ESTIMATES, "estimate_id"),
    "A": (ANALYSES, "analysis_id"),
    "I": (IMPORTANCE, "importance_id"),
}
SHOWN = ("value", "low", "high", "undefined")


@dataclass(frozen=True, slots=True)
class Lineage:
    """What was asked about, the audit it belongs to, and the path behind it."""

    what: str
    audit_id: str
    tree: Node

    def as_text(self) -> str:
        """The tree for people."""
        return "\n".join(self.tree.lines())

    def as_dict(self) -> dict[str, Any]:
        """The tree for machines."""
        return {"what": self.what, "audit": self.audit_id, "lineage": _plain(self.tree)}


def lineage(what: str | None, home: Path, audit: str | None = None) -> Lineage:
    """The path behind ``what``: an audit id (None: the latest), a delivered file, or a value.

    A bundle stands for its audit, as ``what`` or as ``home``. A value is named by its key (an estimate's 'E…', an
    analysis's 'A…') or by the address that a document prints ('1a2b3c4d5e6f#/pointer'). Raises ``BadInput`` for what no
    audit of the home holds.
    """
    with as_home(what, home) as (place, named):
        return _lineage(named, place, audit)


def _lineage(what: str | None, home: Path, audit: str | None) -> Lineage:
    if what is not None and Path(what).is_file():
        return _of_file(Path(what), home)
    if what is not None and ("#" in what or what[:1] in KEYED):
        return _of_value(what, open_audit(home, audit))
    return _of_audit(open_audit(home, what or audit))


def _of_audit(store: AuditStore) -> Lineage:
    ends = store.statements("document") or store.statements("findings") or store.statements()[-1:]
    latest = {tuple(sorted(one.subjects)): one for one in ends}
    known = _known(store)
    children = tuple(tree_of(one, known) for one in latest.values())
    return Lineage(f"audit {store.audit_id}", store.audit_id, _headed(store, f"audit {store.audit_id}", children))


def _of_file(path: Path, home: Path) -> Lineage:
    found = verify_file(home, path)
    if found.statement is None or found.audit_id is None:
        raise BadInput(f"{path}: no audit of {home}/ delivered this file; run 'audit verify {path}' to learn more.")
    store = open_audit(home, found.audit_id)
    top = _headed(store, f"{path.name} (SHA-256 {found.sha256[:12]})", (tree_of(found.statement, _known(store)),))
    return Lineage(str(path), store.audit_id, top)


def _of_value(what: str, store: AuditStore) -> Lineage:
    statement, address = _addressed(what, store) if "#" in what else _keyed(what, store)
    printed = _value_at(store, statement, address)
    label = f"{what}: {printed}" if printed else what
    return Lineage(what, store.audit_id, _headed(store, label, (tree_of(statement, _known(store)),)))


def _addressed(what: str, store: AuditStore) -> tuple[Statement, str]:
    short, _, address = what.removeprefix("audit:").partition("#")
    fitting = [one for one in store.statements() if short and one.id.startswith(short)]
    if len(fitting) != 1:
        raise BadInput(
            f"'{what}': {len(fitting)} statements of audit {store.audit_id} begin with '{short}'; give more."
        )
    return fitting[0], address


def _keyed(what: str, store: AuditStore) -> tuple[Statement, str]:
    table, column = KEYED[what[:1]]
    frame = store.read_table(table)
    keys = frame.loc[frame[column].str.startswith(what), column]
    if len(keys) != 1:
        audits = ", ".join(one.audit_id for one in list_audits(store.home)[-5:])
        raise BadInput(
            f"'{what}': {len(keys)} rows of the {table.name} of audit {store.audit_id} have this key; give a key as "
            f"printed, or another audit with --audit ({audits})."
        )
    return store.subjects()[f"tables/{table.name}.parquet"], f"/{keys.iloc[0]}"


def _value_at(store: AuditStore, statement: Statement, address: str) -> str:
    tables = {table.name: table for table, _ in KEYED.values()}
    if statement.kind in tables and address.count("/") == 1:
        return _row(store.read_table(tables[statement.kind]), address[1:])
    try:
        payload: Any = (
            store.read_table(tables[statement.kind])
            if statement.kind in tables
            else json.loads(store.read_bytes(next(iter(statement.subjects))))
        )
        return str(look_up(payload, address))
    except (StopIteration, BadInput, *MISSHAPEN):
        return ""


def _row(frame: pd.DataFrame, key: str) -> str:
    column = next(name for _, name in KEYED.values() if name in frame)
    row = frame.loc[frame[column] == key].iloc[0]
    about = [str(row[name]) for name in ("version", "measure", "target", "attribute", "level") if name in row]
    values = [f"{name} {row[name]}" for name in SHOWN if name in row and pd.notna(row[name])]
    return f"{', '.join(about)}: {', '.join(values)}"


def _headed(store: AuditStore, label: str, children: tuple[Node, ...]) -> Node:
    made = store.statements()[-1].producer
    code = Node(f"code: {made.get('package')} {made.get('version')}, commit {made.get('commit') or 'unknown'}")
    return Node(label, (*children, *_versions(store), code, Node(f"MLflow run {store.run_id}")))


def _versions(store: AuditStore) -> tuple[Node, ...]:
    if not store.has("model.json"):
        return ()
    stated = json.loads(store.read_bytes("model.json"))
    return tuple(_version(role, ModelVersion(**facts)) for role, facts in stated.items())


def _version(role: str, model: ModelVersion) -> Node:
    digest = model.training_set_digest
    below = [
        Node(f"training run {model.training_run}" if model.training_run else "training run: not stated"),
        Node(f"training data SHA-256 {digest[:12]}" if digest else "training data: not stated"),
    ]
    return Node(f"{role}: {model.label}, {model.uri}", tuple(below))


def _known(store: AuditStore) -> dict[str, Statement]:
    return {one.id: one for one in store.statements()}


def _plain(node: Node) -> dict[str, Any]:
    return {"label": node.label, "from": [_plain(child) for child in node.children]}
