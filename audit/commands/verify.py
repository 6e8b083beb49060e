"""``audit verify``: recomputes, checks every digest, names what differs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, Command, Home, answer


def verify(
    what: Annotated[
        str | None, typer.Argument(metavar="[AUDIT|BUNDLE|FILE]", help="Default: the latest audit.")
    ] = None,
    home: Home = EVIDENCE,
    anchor: Annotated[
        str | None,
        typer.Option(
            help="What you hold against a rebuilt forgery: a ledger root, a delivered PDF or Word document (its foot "
            "has the root), a key's fingerprint or file, a time stamp (FILE.tsr, with --tsa)."
        ),
    ] = None,
    tsa: Annotated[
        Path | None,
        typer.Option(help="Root certificate of the stamping authority; alone: checks the stamps kept."),
    ] = None,
    sets: Annotated[
        Path | None, typer.Option(help="Folder that the plan's sets are named from; default: here, beside the home.")
    ] = None,
    device: Annotated[
        Path | None,
        typer.Option(help="Your device.yaml: names declared words changed since; default: the prose beside the home."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recomputes every estimate from stored predictions, checks every digest, and names exactly what differs.

    BUNDLE: a file made by `audit bundle`. FILE: a delivered document; says whether it is, byte for byte, the one an
    audit of this home delivered.
    Exit code 1 when anything differs.
    """
    from audit.verifying.checking import verify_anything

    checked = verify_anything(what, home, anchor, tsa, sets, device)
    answer(checked.as_dict(), as_json, checked.as_text())
    raise typer.Exit(1 if checked.differences else 0)


ENTRY = Command("verify", verify, 40, TRUST)
