"""``audit verify``: recomputes, checks every digest, names what differs."""

from __future__ import annotations

from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, Command, Home, answer


def verify(
    what: Annotated[str | None, typer.Argument(metavar="[AUDIT|FILE]", help="Default: the latest audit.")] = None,
    home: Home = EVIDENCE,
    anchor: Annotated[
        str | None,
        typer.Option(help="What you hold against a rebuilt forgery: a ledger root, a key's fingerprint, a public key."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recomputes every estimate from stored predictions, checks every digest, and names exactly what differs.

    FILE: a delivered document; says whether it is, byte for byte, the one an audit of this home delivered.
    Exit code 1 when anything differs.
    """
    from audit.checking import verify_anything

    checked = verify_anything(what, home, anchor)
    answer(checked.as_dict(), as_json, checked.as_text())
    raise typer.Exit(1 if checked.differences else 0)


ENTRY = Command("verify", verify, 40, TRUST)
