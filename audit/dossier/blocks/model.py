"""The versions under audit: registry name, files by digest, training run and training set."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import fact
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import MODEL, AuditView
from audit.dossier.words import with_role

FIELDS = (
    ("uri", "Registry address", "mono"),
    ("kind", "Kind", "plain"),
    ("outputs", "Outputs", "plain"),
    ("training_run", "Training run (MLflow)", "mono"),
    ("training_set_digest", "Training set digest", "mono"),
)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    return tuple(_table(view, version) for version in view.versions)


def _table(view: AuditView, version: str) -> Table:
    own = view.versions[version]
    rows = [
        Row((text(label), (fact(view, MODEL, version, name, style="mono" if style == "mono" else "plain"),)))
        for name, label, style in FIELDS
    ]
    for name in own.digests:
        rows.append(Row((text(f"SHA-256 of {name}"), (fact(view, MODEL, version, "digests", name, style="mono"),))))
    for name in own.parameters:
        rows.append(
            Row((text(f"Parameter {name.replace('_', ' ')}"), (fact(view, MODEL, version, "parameters", name),)))
        )
    return Table(
        f"Version under audit: {with_role(view, version)}", (Column("Fact", 1.2), Column("As recorded", 3)), tuple(rows)
    )


ENTRY = Block("model", NoParameters, _build)
