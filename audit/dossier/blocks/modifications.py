"""The planned modifications of a predetermined change control plan: list, impact, trace to methods."""

from __future__ import annotations

from typing import Literal

from audit.dossier.block import Block, Parameters, nothing
from audit.dossier.content import Column, Mark, Node, Row, Runs, Table, text
from audit.dossier.device import Modification
from audit.dossier.view import AuditView

MISSING = (
    "Missing: the modifications. State each in device.yaml under 'modifications' with id, what, rationale, type, "
    "implementation, extent, frequency, data_management, retraining, evaluation, update, benefits and risks. "
    "From: Regulatory affairs and Development team."
)


class ModificationsParameters(Parameters):
    """``show``: the 'list', the 'impact' (benefits and risks), or the 'traceability' table of the guidance."""

    show: Literal["list", "impact", "traceability"]


LAYOUTS: dict[str, tuple[str, tuple[tuple[str, str, float], ...]]] = {
    "list": (
        "Planned modifications",
        (("what", "Modification", 2.6), ("rationale", "Rationale", 2.3), ("type", "Type", 1.2),
         ("implementation", "Carried out", 0.95), ("extent", "Extent", 0.7), ("frequency", "Frequency", 1.0)),
    ),
    "impact": ("Benefits and risks of each modification", (("benefits", "Benefits", 3.0), ("risks", "Risks", 3.0))),
    "traceability": (
        "Traceability: modification and method",
        (("data_management", "Data management", 2.0), ("retraining", "Re-training", 2.0),
         ("evaluation", "Performance evaluation", 2.0), ("update", "Update procedure", 2.0)),
    ),
}  # fmt: skip


def _build(view: AuditView, given: ModificationsParameters) -> tuple[Node, ...]:
    planned = view.device.modifications if view.device else ()
    if not planned:
        return nothing(MISSING)
    caption, fields = LAYOUTS[given.show]
    columns = (Column("Id", 0.5), *(Column(title, share) for _, title, share in fields))
    rows = tuple(Row((text(each.id, "strong"), *(_stated(each, name) for name, _, _ in fields))) for each in planned)
    note = text("Declared by the manufacturer in device.yaml. A modification outside this list is outside the plan.")
    return (Table(caption, columns, rows, note),)


def _stated(each: Modification, name: str) -> Runs:
    words = str(getattr(each, name))
    return text(words) if words else (Mark("missing", "bad"),)


ENTRY = Block("modifications", ModificationsParameters, _build)
