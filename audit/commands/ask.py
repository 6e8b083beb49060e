"""``audit ask``: how does it do on one group?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, USES, AsJson, Command, Home, Role, Who, answer, now, user


def ask(
    conditions: Annotated[list[str] | None, typer.Argument(metavar="[ATTRIBUTE=LEVEL]...")] = None,
    audit: Annotated[str | None, typer.Option(help="Audit id; default: the latest.")] = None,
    home: Home = EVIDENCE,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for pictures of detection cases: reference standard and marks.")
    ] = None,
    sets: Annotated[Path | None, typer.Option(help="Folder in which the validation sets stand, for pictures.")] = None,
    role: Role = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """How does it do on ...? Estimates, intervals and counts of one group, with its pictures.

    For example `audit ask sex=F "age_band=≥60" "manufacturer=Cedar Systems"`. Post hoc and descriptive: no verdict.
    """
    from audit.evidence.store import open_audit
    from audit.sharing.asking import ask

    found = ask(open_audit(home, audit), conditions or [], role, who or user(), now(), pictures, sets)
    answer(found.as_dict(), as_json, found.as_text())


ENTRY = Command("ask", ask, 30, USES)
