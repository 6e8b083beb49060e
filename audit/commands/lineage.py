"""``audit lineage``: the path behind a number, a file or an audit."""

from __future__ import annotations

from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, USES, AsJson, Command, Home, answer


def lineage(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[AUDIT|BUNDLE|FILE|VALUE]", help="VALUE: an estimate's key, or an address as printed."),
    ] = None,
    audit: Annotated[str | None, typer.Option(help="Audit id that VALUE belongs to; default: the latest.")] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Where does it come from? Prints the path behind a number, a delivered file or an audit as a tree.

    Down to the shards of the pass, plan, validation set, model files, training run, training data and code.
    """
    from audit.verifying.tracing import lineage

    found = lineage(what, home, audit)
    answer(found.as_dict(), as_json, found.as_text())


ENTRY = Command("lineage", lineage, 31, USES)
