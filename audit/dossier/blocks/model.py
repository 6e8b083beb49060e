"""The versions under audit: registry name, files by digest, training run and training set."""

from __future__ import annotations

from collections.abc import Iterator

from audit.dossier.block import Block, Parameters
from audit.dossier.citing import fact
from audit.dossier.content import Column, Node, Row, Runs, Table, Text, text
from audit.dossier.view import DETERMINISM, MODEL, AuditView
from audit.dossier.words import version_label, with_role

FIELDS = (
    ("uri", "Registry address", "mono"),
    ("kind", "Format", "plain"),
    ("outputs", "Outputs", "plain"),
    ("preprocessing", "Preprocessing outside the network", "plain"),
    ("training_run", "Training run (MLflow)", "mono"),
    ("training_set_digest", "Training set digest", "mono"),
)

UNLISTED = "The SHA-256 of each file of this version stands in the evidence, in the statement about the model."


class ModelParameters(Parameters):
    """``files``: whether every file of a version is listed with its digest."""

    files: bool = True


def _build(view: AuditView, given: ModelParameters) -> tuple[Node, ...]:
    return (*(_table(view, version, given.files) for version in view.versions), *_repeated(view))


def _golden(view: AuditView, version: str) -> Runs:
    """How far the outputs for the golden images lie from those stored with the version, on opening it."""
    if view.versions[version].golden is None:
        return text("none stored with the version", "quiet")
    images, tolerance, worst = (
        fact(view, MODEL, version, "golden", name) for name in ("images", "tolerance", "largest_difference")
    )
    return (images, Text(" images; largest difference "), worst, Text(", tolerated "), tolerance)


def _repeated(view: AuditView) -> Iterator[Node]:
    """The largest difference between two passes over the same cases, per version and target."""
    rows = [
        Row(
            (
                text(f"{version_label(view, str(each['version']))}, {str(each['target']).replace('_', ' ')}"),
                (fact(view, DETERMINISM, "results", place, "compared"),),
                (fact(view, DETERMINISM, "results", place, "unequal"),),
                (fact(view, DETERMINISM, "results", place, "largest_difference"),),
                (fact(view, DETERMINISM, "results", place, "tolerance"),),
                (fact(view, DETERMINISM, "results", place, "within"),),
            )
        )
        for place, each in enumerate(view.determinism)
    ]
    heads = ("Cases compared", "Answer in one pass only", "Largest difference", "Tolerated", "Within")
    columns = (Column("Version, target", 2), *(Column(head, 1) for head in heads))
    if rows:
        yield Table("Two passes over the same cases", columns, tuple(rows))


def _table(view: AuditView, version: str, files: bool) -> Table:
    own = view.versions[version]
    rows = [
        Row((text(label), (fact(view, MODEL, version, name, style="mono" if style == "mono" else "plain"),)))
        for name, label, style in FIELDS
    ]
    if own.kind != "recorded":
        rows.append(Row((text("Golden images on opening"), _golden(view, version))))
    for name in own.digests if files else ():
        rows.append(Row((text(f"SHA-256 of {name}"), (fact(view, MODEL, version, "digests", name, style="mono"),))))
    for name in own.parameters:
        rows.append(
            Row((text(f"Parameter {name.replace('_', ' ')}"), (fact(view, MODEL, version, "parameters", name),)))
        )
    columns = (Column("Fact", 1.2), Column("As recorded", 3))
    note = text("" if files or not own.digests else UNLISTED)
    return Table(f"Version under audit: {with_role(view, version)}", columns, tuple(rows), note)


ENTRY = Block("model", ModelParameters, _build)
