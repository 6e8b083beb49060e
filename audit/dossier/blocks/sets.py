"""What is known about each validation set, from its set.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import fact
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import SET, AuditView, SetView

HIDDEN = {"columns", "references", "manifest", "images_folder", "name", "version", "licence"}


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    return tuple(_table(view, each) for each in view.sets)


def _table(view: AuditView, each: SetView) -> Table:
    rows = [
        Row(
            (
                text("Name, version"),
                (fact(view, SET, each.name, "name"), *text(" "), fact(view, SET, each.name, "version")),
            )
        ),
        Row((text("Licence"), (fact(view, SET, each.name, "licence"),))),
        Row((text("Content digest (SHA-256)"), (fact(view, SET, each.name, "sha256", style="mono"),))),
    ]
    for tokens in _leaves({key: value for key, value in each.facts.items() if key not in HIDDEN}):
        label = ", ".join(token.replace("_", " ") for token in tokens)
        rows.append(Row((text(label[:1].upper() + label[1:]), (fact(view, SET, each.name, "facts", *tokens),))))
    return Table(f"Data set {each.name}", (Column("Fact", 1.2), Column("As stated in set.yaml", 3)), tuple(rows))


def _leaves(facts: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from ((key, *rest) for rest in _leaves(value))
        else:
            yield (key,)


ENTRY = Block("sets", NoParameters, _build)
