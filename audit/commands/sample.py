"""``audit sample``: draws a validation set from a pool."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import DATA, AsJson, Command, answer


def sample(
    pool: Annotated[Path, typer.Argument(help="Folder of the pool: a validation set with set.yaml and manifest.")],
    targets: Annotated[Path, typer.Argument(help="What to draw (YAML): seed, strata, patients per cell.")],
    out: Annotated[Path, typer.Option(help="Folder of the new set; must not exist.")],
    copy: Annotated[bool, typer.Option(help="Copy the images; otherwise they stay where the pool has them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Draws a validation set from a pool to the numbers in TARGETS, by patient, seeded and recorded.

    Exit code 1 when a cell falls short of its number.
    """
    from audit.planning.sample import sample

    made = sample(pool, targets, out, copy)
    cells = [
        {"where": each.cell.where, "wanted": each.cell.patients, "drawn": each.drawn, "shortfall": each.shortfall}
        for each in made.cells
    ]
    result = {"folder": str(made.folder), "sha256": made.sha256, "patients": made.n_patients, "cases": made.n_cases}
    answer(result | {"cells": cells}, as_json, made.as_text())
    raise typer.Exit(1 if made.short else 0)


ENTRY = Command("sample", sample, 21, DATA)
