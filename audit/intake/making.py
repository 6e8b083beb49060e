"""Files -> records -> cases, streaming: a killed intake goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from audit.intake import pool
from audit.intake.assembling import Case, VolumeTask, finish_volume, plan_stack, unique
from audit.intake.drawing import Canvas, canvas_of, refers_to
from audit.intake.gathering import Gathered
from audit.intake.masks import claimed
from audit.intake.scanning import FileRecord, scan
from audit.intake.sources import SOURCE, named_by
from audit.intake.stacking import by_series, stacks_of, write_volume
from audit.intake.tables import Table
from audit.intake.work import CHUNK, Work

BATCH = 128


def read_files(work: Work, table: Table | None) -> None:
    """A record of every file that has none yet; of the files that the table names where the source is a table."""
    wanted = named_by(table, work.source, work.out) if work.source.table and table else None
    work.store.enlist(e for e in work.source.files(work.out) if wanted is None or e.path in wanted)
    total = work.store.count()
    done = total - work.store.count("")
    work.report("reading files", done, total)
    tasks = ((work.source.root, name, size, work.key) for name, size in work.store.waiting())
    chunk: list[dict[str, Any]] = []
    for record in work.run(scan, tasks, _lost, CHUNK):
        chunk.append(record.as_dict())
        done += 1
        if len(chunk) == CHUNK or done == total:
            work.store.keep(chunk)
            chunk = []
            work.report("reading files", done, total)
    work.store.keep(chunk)


def _lost(task: pool.Task, reason: str) -> FileRecord:
    return FileRecord(task[1], task[2], reason=reason)


def make_cases(work: Work) -> tuple[Gathered, list[Canvas], dict[str, dict[str, Any]]]:
    """Cases of all image files in order of series and path; what each reference object refers to, and the canvases of
    the cases that they name."""
    work.store.forget_outcomes()
    references = _read_references(work)
    named = {name for r in references.values() for name in (*r["series"], *r["instances"])}
    gathered, canvases = Gathered(), []
    for case in unique(_assembled(work), work.store.times):
        if case.grid is None:
            case.row["image"] = f"{SOURCE}/{case.row['image']}"
        gathered.add(case)
        for member in case.members:
            work.store.note(member["path"], "case" if case.grid is None else "slice", case.case_id)
        if named and (case.first["series"] in named or named.intersection(m["instance"] for m in case.members)):
            canvases.append(canvas_of(case))
    return gathered, canvases, references


def _read_references(work: Work) -> dict[str, dict[str, Any]]:
    paths = [str(r["path"]) for r in work.store.records("reference")]
    tasks = ((work.source.root, path, work.key) for path in paths)
    found: dict[str, dict[str, Any]] = {}
    if paths:
        for result in work.run(refers_to, tasks, lambda task, why: {"path": task[1], "problem": why}):
            if "problem" in result:
                work.note("references refused", result["path"], result["problem"])
                work.store.note(result["path"], "refused", "", result["problem"])
            else:
                found[result["path"]] = result
    return dict(sorted(found.items()))


def _assembled(work: Work) -> Iterator[Case]:
    """Cases as they are made; volumes are written by the workers, a batch at a time, and come in order."""
    total, done = work.store.count("image"), 0
    batch: list[Case | VolumeTask] = []
    for series in by_series(_images(work)):
        batch += _of_series(work, series)
        done += len(series)
        if len(batch) >= BATCH:
            yield from _finished(work, batch)
            batch = []
            work.report("making cases", done, total)
    yield from _finished(work, batch)
    work.report("making cases", total, total)


def _images(work: Work) -> Iterator[dict[str, Any]]:
    """Records of images, without the masks that the patterns claim."""
    is_mask = claimed(work.options.masks)
    for record in work.store.records("image"):
        if is_mask(record["path"]):
            work.store.note(record["path"], "reference", "", "a mask by --mask")
        else:
            yield record


def _of_series(work: Work, series: list[dict[str, Any]]) -> Iterator[Case | VolumeTask]:
    for stack in stacks_of(series):
        singles, volume, flaw = plan_stack(stack, work.out, work.options.slices)
        yield from singles
        if volume:
            yield volume
        if flaw:
            _leave_out(work, stack.members, flaw)
        for double in stack.doubles:
            work.store.note(double["path"], "double", "", "the same pixels at the same place in its series")
            work.note("doubles", double["path"])


def _finished(work: Work, batch: list[Case | VolumeTask]) -> Iterator[Case]:
    volumes = [item for item in batch if isinstance(item, VolumeTask)]
    made = _written(work, volumes) if volumes else {}
    for item in batch:
        if isinstance(item, Case):
            yield item
        elif "flaw" in made[item.target.name]:
            _leave_out(work, item.case.members, made[item.target.name]["flaw"])
        else:
            yield finish_volume(item, made[item.target.name])


def _written(work: Work, volumes: list[VolumeTask]) -> dict[str, dict[str, Any]]:
    """What is known of each volume after it was written, now or by an intake before this one."""
    made = {name: known for name, known in work.store.volumes().items() if "flaw" not in known}
    open_ = [v for v in volumes if v.target.name not in made or not v.target.is_file()]
    tasks = ((work.source.root, v.target, v.files, v.affine) for v in open_)
    for result in work.run(write_volume, tasks, lambda task, why: {"target": task[1].name, "flaw": why}):
        work.store.keep_volume(result)
        made[result["target"]] = result
    return made


def _leave_out(work: Work, members: Iterable[dict[str, Any]], reason: str) -> None:
    for member in members:
        work.store.note(member["path"], "left out", "", reason)
        work.note("series", member["path"], reason)
