"""``audit handback``: a Word file comes back edited."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, WALK, AsJson, Command, Home, KeyPath, answer, opened
from audit.records import BadInput


def handback(
    file: Annotated[Path, typer.Argument(help="The delivered Word document (DOCX) as its editor saved it.")],
    by: Annotated[str, typer.Option(help="Who answers for the edited words; printed beside them.")],
    device: Annotated[
        Path | None, typer.Option(help="Your own device.yaml: the words are written beside it as well.")
    ] = None,
    home: Home = EVIDENCE,
    key: KeyPath = None,
    as_json: AsJson = False,
) -> None:
    """Takes the edited declared texts of FILE over, so that the next `audit dossier` prints them in every format.

    Edited results, edited words of a template and figures that read like results are named, and then nothing is taken
    over (exit code 1). Tracked changes are read as accepted.
    """
    from audit.verifying.handing_back import hand_back

    if not by.strip():
        raise BadInput("--by is empty; name who answers for the edited words.")
    done = hand_back(file, home, by.strip(), device, opened(key))
    lines = [f"{one.thing}: {one.explanation} Delivered: {one.expected}. Found: {one.found}." for one in done.refused]
    lines += [f"declared.{one.requirement}: {one.file}, by {by.strip()}" for one in done.taken]
    head = f"{file}: no declared text was edited; nothing to take over."
    if done.refused:
        head = f"{file}: nothing was taken over; {len(done.refused)} edits cannot be."
    elif done.taken:
        where = f"and beside {device}" if device else "(not beside your own device.yaml: give --device)"
        head = (
            f"{file}: {len(done.taken)} declared texts taken over into audit {done.audit} {where}; now: audit dossier"
        )
    answer(asdict(done), as_json, "\n".join([head, *(f"- {line}" for line in lines)]))
    raise typer.Exit(1 if done.refused else 0)


ENTRY = Command("handback", handback, 17, WALK)
