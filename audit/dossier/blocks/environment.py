"""Software and hardware of the run, as recorded by it."""

from __future__ import annotations

from collections.abc import Mapping

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.citing import fact
from audit.dossier.content import Column, Node, Paragraph, Row, Run, Runs, Table, Text, text
from audit.dossier.view import ENVIRONMENT, AuditView

LABELS = {
    "commit": "Version of the code (commit)", "cpu": "Processor", "cpu_count": "Processor cores",
    "dependencies": "Packages", "determinism": "Settings that make runs repeatable", "device": "Computed on",
    "dirty": "Code changed since that commit", "gpu": "Graphics processor", "os": "Operating system",
    "package": "Software", "platform": "Operating system", "python": "Python", "torch": "PyTorch",
    "version": "Version of the software",
}  # fmt: skip


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if not view.environment:
        return nothing("Software and hardware of the run are not recorded.")
    rows = []
    for name, value in view.environment.items():
        words = str(name).replace("_", " ")
        label = LABELS.get(str(name), words[:1].upper() + words[1:])
        rows.append(Row((text(label), _value(view, str(name), value))))
    columns = (Column("Item", 1.2), Column("As recorded", 3))
    return (Table("Software and hardware of the run", columns, tuple(rows)), *_bill(view))


def _bill(view: AuditView) -> tuple[Node, ...]:
    if not any(one.kind == "sbom" for one in view.ledger):
        return ()
    words = (
        "Every installed package with version and licence, the audited versions and the validation sets with their "
        "digests are listed in the audit's bill of materials, sbom.cdx.json (CycloneDX 1.6), which stands in the "
        "evidence and in each bundle of it."
    )
    return (Paragraph(text(words), "note"),)


def _value(view: AuditView, name: str, value: object) -> Runs:
    if not isinstance(value, Mapping):
        return (fact(view, ENVIRONMENT, name),)
    runs: list[Run] = []
    for key in value:
        runs += [Text(("; " if runs else "") + f"{str(key).replace('_', ' ')} "), fact(view, ENVIRONMENT, name, key)]
    return tuple(runs)


ENTRY = Block("environment", NoParameters, _build)
