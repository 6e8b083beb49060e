"""The order of an intake: read files, make cases, join references, check. Writing it down is ``writing``.

What comes out is the same whatever the number of workers. A file that cannot be read never stops an intake; a source,
table or option that cannot be used does, before anything is written to the set.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.cases.concerns import Concern
from audit.catalogue import entries
from audit.intake.assembling import Case
from audit.intake.check import Check, Intake, MaskFacts, Training
from audit.intake.describing import missing_reasons
from audit.intake.gathering import Gathered
from audit.intake.joining import rows_as_cases
from audit.intake.making import make_cases, read_files
from audit.intake.predictions import read_predictions
from audit.intake.pseudonyms import read_or_make_key
from audit.intake.referring import draw_references, join_table, place_boxes, place_predictions, read_masks
from audit.intake.sources import open_source
from audit.intake.store import Store
from audit.intake.tables import Table, read
from audit.intake.training import read_training
from audit.intake.work import WORK, Options, Progress, Work
from audit.records import BadInput

SEVERITIES = ("stop", "major", "minor")


@dataclass
class Taken:
    """A finished intake, before it is written: (check, concern) gravest first, and (check, why it could not look)."""

    work: Work
    intake: Intake
    concerns: list[tuple[str, Concern]]
    not_assessed: list[tuple[str, str]]


def take_in(source: Path, out: Path, options: Options, report: Progress) -> Taken:
    """Everything but the writing; ``out`` is the folder of the set, its key lies beside it."""
    opened = open_source(source, out, report)
    key = read_or_make_key(options.key or out.with_name(f"{out.name}.key"))
    table_path = options.table or opened.table
    table = read(table_path) if table_path else None
    training = [read_training(path, key) for path in options.training]
    predictions = read_predictions(options.predictions)
    work = Work(opened, out, key, options, Store(out / WORK / "scan.sqlite", opened.described), report)
    try:
        return judged(work, _followed(work, table, training, predictions))
    except BaseException:  # what was read so far is kept, whatever stopped the intake
        work.store.close()
        raise


def _followed(work: Work, table: Table | None, training: list[Training], predictions: dict[str, Table]) -> Intake:
    """Files, cases, references, in this order."""
    read_files(work, table)
    gathered, canvases, references = make_cases(work)
    if not len(gathered):
        gathered = _rows_only(work, table)
    frame = gathered.frame()
    join_table(work, frame, table)
    draw_references(work, frame, canvases, references)
    read_masks(work, frame)
    place_boxes(work, frame)
    place_predictions(work, frame, predictions)
    frame["missing"] = missing_reasons(frame)
    return gathered.intake(
        frame,
        elements=gathered.elements,
        masks=[MaskFacts(**{k: v for k, v in mask.items() if k != "path"}) for mask in work.masks],
        training=training,
        notes=work.notes,
        references=work.references,
    )


def judged(work: Work, intake: Intake) -> Taken:
    """Every check of the room put to the intake."""
    checks: dict[str, Check] = {e.name: e for e in entries("intake").values() if isinstance(e, Check)}
    found = [(name, concern) for name, check in checks.items() for concern in check.find(intake)]
    found.sort(key=lambda pair: SEVERITIES.index(pair[1].severity))
    silent = [(name, reason) for name, check in checks.items() if (reason := check.not_assessed(intake))]
    return Taken(work, intake, found, silent)


def _rows_only(work: Work, table: Table | None) -> Gathered:
    """Cases of a table whose rows name no image, for recorded predictions."""
    unreadable = work.source.table is None and work.store.count("refused") > 0
    if table is None or unreadable:
        raise BadInput(f"{work.source.described}: {_nothing(work)}")
    gathered = Gathered()
    for row in rows_as_cases(table):
        gathered.add(Case(row, []))
    work.assumed.append("the table names no image: each of its rows is a case without an image")
    return gathered


def _nothing(work: Work) -> str:
    first = next(work.store.records("refused"), None)
    if first is None:
        return f"none of its {work.store.count()} files is an image; give a folder, table or archive with images."
    return f"none of its {work.store.count()} files could be read; the first, {first['path']}: {first['reason']}"
