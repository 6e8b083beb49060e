"""``audit intake``: a validation set from what a hospital has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import DATA, AsJson, Command, Reporter, answer


def intake(
    source: Annotated[Path, typer.Argument(metavar="FOLDER|CSV|ZIP", help="What the hospital has.")],
    out: Annotated[Path, typer.Option(help="Folder of the validation set to write; its key lies beside it.")],
    table: Annotated[
        Path | None, typer.Option(help="Table of patients, attributes and references of the images.")
    ] = None,
    reference: Annotated[list[str] | None, typer.Option(help="Column of the table that is a reference.")] = None,
    mask: Annotated[
        list[str] | None, typer.Option(help="Reference masks: NAME=PATTERN, for example lesion=masks/{stem}.nii.gz.")
    ] = None,
    boxes: Annotated[
        list[Path] | None, typer.Option(help="Reference boxes: COCO JSON, or a CSV with x, y, w, h.")
    ] = None,
    predictions: Annotated[
        list[Path] | None, typer.Option(help="Recorded predictions of a device; written by case id, for a plan.")
    ] = None,
    training: Annotated[list[Path] | None, typer.Option(help="Manifest or set of the training data.")] = None,
    patient: Annotated[str | None, typer.Option(help="Patient from the path: expression with one group.")] = None,
    key: Annotated[
        Path | None, typer.Option(help="Key of the pseudonyms; the same for sets that are compared.")
    ] = None,
    slices: Annotated[bool, typer.Option("--slices", help="Each slice stays a case; no volumes are made.")] = False,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; default: one for each processor.")] = None,
    as_json: AsJson = False,
) -> None:
    """Makes a validation set of whatever a hospital has: manifest, set.yaml to correct, report of concerns.

    DICOM, NIfTI, PNG, JPEG, TIFF; series become volumes by geometry; references from a table, masks, SEG, RTSTRUCT or
    boxes. Files that cannot be read are refused by name, the rest goes on; an interrupted intake goes on where it
    stopped. Exit code 1 where training data was found in the set.
    """
    from audit.intake.taking_in import take_in
    from audit.intake.work import Options, processors
    from audit.intake.writing import write

    options = Options(
        table=table,
        masks=tuple(mask or ()),
        boxes=tuple(boxes or ()),
        training=tuple(training or ()),
        predictions=tuple(predictions or ()),
        references=tuple(reference or ()),
        patient=patient,
        key=key,
        slices=slices,
        workers=workers or processors(),
    )
    with Reporter(as_json) as report:
        written = write(take_in(source, out, options, report))
    answer(written.report, as_json, written.text)
    raise typer.Exit(1 if any(c["severity"] == "stop" for c in written.report["concerns"]) else 0)


ENTRY = Command("intake", intake, 20, DATA)
