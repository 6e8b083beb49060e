"""The device beside its predicate, characteristic by characteristic, as device.yaml states both."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.content import Column, Mark, Node, Row, Runs, Table, text
from audit.dossier.device import Device, Predicate
from audit.dossier.view import AuditView

COLUMNS = (
    Column("Characteristic", 1.5),
    Column("This device", 2.3),
    Column("Predicate", 2.3),
    Column("Same", 0.8),
)
EXPECTED = (
    "indications for use", "intended users", "intended population", "anatomy", "modality", "algorithm",
    "input", "output", "automation", "place in the workflow",
)  # fmt: skip
"""Characteristics that a reader looks for; one that device.yaml does not state is printed as missing."""


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    own = view.device
    if own is None or own.predicate is None:
        return nothing(
            "Missing: the predicate. State in device.yaml under 'predicate' its name, manufacturer, number, "
            "regulation, product code and characteristics. From: Regulatory affairs."
        )
    names = dict.fromkeys((*EXPECTED, *own.characteristics, *own.predicate.characteristics))
    rows = (*_identity(own, own.predicate), *(_row(name, own, own.predicate) for name in names))
    note = text("Declared by the manufacturer. Same: word for word. A difference needs a reason.")
    return (Table("Comparison with the predicate", COLUMNS, rows, note),)


def _identity(own: Device, predicate: Predicate) -> tuple[Row, ...]:
    facts = (
        ("Name", f"{own.name} {own.version}", predicate.name),
        ("Manufacturer", own.manufacturer, predicate.manufacturer),
        ("Number", "subject of this submission", predicate.number),
        ("Regulation (21 CFR)", own.regulation or "", predicate.regulation),
        ("Product code", own.product_code, predicate.product_code),
    )
    return tuple(Row((text(label), _stated(ours), _stated(theirs), ())) for label, ours, theirs in facts)


def _row(name: str, own: Device, predicate: Predicate) -> Row:
    ours, theirs = _own(name, own), predicate.characteristics.get(name, "")
    mark: Runs = ()
    if ours and theirs:
        mark = (Mark("same", "good") if ours.strip() == theirs.strip() else Mark("differs", "part"),)
    return Row((text(f"{name[:1].upper()}{name[1:]}"), _stated(ours), _stated(theirs), mark))


def _own(name: str, own: Device) -> str:
    """What device.yaml states under ``characteristics``, or under the fact of that name."""
    return own.characteristics.get(name) or str(getattr(own, name.replace(" ", "_"), "") or "")


def _stated(words: str) -> Runs:
    return text(words) if words else (Mark("missing", "bad"),)


ENTRY = Block("predicate", NoParameters, _build)
