"""Every lock and run on the set, aborted ones too."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import cite
from audit.dossier.content import Column, Node, Row, Runs, Table, text
from audit.dossier.pointers import pointer
from audit.dossier.view import ACCESS, AuditView

COLUMNS = (
    Column("Time", 1.9), Column("Event", 1), Column("Audit", 1.5), Column("Plan digest", 1.1),
    Column("Who", 1), Column("Note", 1.8),
)  # fmt: skip
NAMES = ("at", "event", "audit", "plan_sha256", "who", "note")


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if len(view.accesses) == 0:
        return nothing("No access to the set is on record.")
    frame = view.accesses.astype(object).where(view.accesses.notna(), None)
    rows = []
    for index, row in enumerate(frame[list(NAMES)].itertuples(index=False)):
        rows.append(Row(tuple(_cell(view, index, name, value) for name, value in zip(NAMES, row, strict=True))))
    return (Table("Accesses to the set", COLUMNS, tuple(rows)),)


def _cell(view: AuditView, index: int, name: str, value: object) -> Runs:
    if value is None:
        return text("–", "quiet")
    shown = str(value)[:12] if name == "plan_sha256" else str(value)
    return (cite(view, ACCESS, pointer("rows", index, name), shown, "mono" if name == "plan_sha256" else "plain"),)


ENTRY = Block("accesses", NoParameters, _build)
