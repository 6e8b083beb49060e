"""The one pass, in this process: images in fixed order, batches with fixed boundaries, one shard at a time.

A batch's neighbours can change the last bits of a result, so the boundaries follow from the order of the cases alone;
a pass that was killed and resumed gives the same rows and masks as one that was not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.engines.classes import inside
from audit.engines.files import ReadFiles, file_outputs
from audit.engines.marks import filled_slots
from audit.engines.shards import Half, Shard, masks_file, quantised
from audit.grids import Grid
from audit.plan import Target
from audit.records import BadInput, Image, Pixels, StoredFile
from audit.tables import MARKS, PREDICTIONS

Perturb = Callable[[Image, np.random.Generator], Image]


@dataclass(frozen=True, slots=True)
class Arm:
    """One version run over the cases, on the images as they are or perturbed.

    A version that reads files itself has ``read_files`` and no ``predict``.
    """

    version: str
    predict: Callable[[Pixels], Mapping[str, NDArray[Any]]] | None
    targets: Mapping[str, Target]
    perturb: Perturb | None = None
    read_files: ReadFiles | None = None


@dataclass(frozen=True, slots=True)
class _Answer:
    """What one arm gave for one case: a score, a mask or marks per target, or why not."""

    scores: Mapping[str, float]
    masks: Mapping[str, Half]
    errors: Mapping[str, str]
    seconds: float | None = None
    marks: Mapping[str, Sequence[Mapping[str, float]]] = field(default_factory=dict)
    grid: Grid | None = None

    def grid_of(self, target: str) -> str | None:
        """The image's grid for a mask of its size; of a mask of another size the size alone is known."""
        mask = self.masks.get(target)
        if mask is None:
            return None
        return (self.grid if self.grid and self.grid.shape == mask.shape else Grid(mask.shape)).text()


_Answers = dict[tuple[int, str], _Answer]


@dataclass(frozen=True, slots=True)
class _Pass:
    """What stays the same during the pass."""

    load: Callable[[str], Image]
    arms: Sequence[Arm]
    batch_size: int
    progress: Callable[[int], None]
    seed: int
    clock: Callable[[], float]
    load_file: Callable[[str], StoredFile] | None


def run_pass(
    cases: Sequence[str],
    load: Callable[[str], Image],
    arms: Sequence[Arm],
    batch_size: int,
    shard_size: int,
    skip: Container[int],
    sink: Callable[[Shard], None],
    progress: Callable[[int], None],
    *,
    seed: int,
    clock: Callable[[], float],
    load_file: Callable[[str], StoredFile] | None = None,
) -> None:
    """Runs every arm over ``cases`` (ids in fixed order) and hands each finished shard to ``sink``.

    ``load`` gives a case's decoded image, ``load_file`` its file, for arms that read files.

    Shards whose index is in ``skip`` are not run. ``progress`` gets the number of cases newly done (all arms),
    skipped ones included. ``clock`` gives seconds. A case that cannot be read or predicted is a row with its reason.
    Images of different size never share a batch. Raises ``BadInput`` where an arm lacks a target's output.
    """
    work = _Pass(load, arms, batch_size, progress, seed, clock, load_file)
    for index, start in enumerate(range(0, len(cases), shard_size)):
        part = cases[start : start + shard_size]
        if index in skip:
            progress(len(part))
        else:
            sink(_shard(index, part, arms, _answers(work, part) | _file_answers(work, part)))


def shard_count(cases: int, shard_size: int) -> int:
    """Number of shards that ``run_pass`` makes of so many cases."""
    return -(-cases // shard_size)


def case_generator(seed: int, version: str, case_id: str) -> np.random.Generator:
    """The random generator of one arm on one case, independent of the order and number of the cases."""
    digest = hashlib.sha256(f"{seed}\n{version}\n{case_id}".encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def _file_answers(work: _Pass, cases: Sequence[str]) -> _Answers:
    answers: _Answers = {}
    for i, arm in enumerate(work.arms):
        if arm.read_files is None or work.load_file is None:
            continue
        begin = work.clock()
        found = file_outputs(cases, work.load_file, arm.read_files)
        seconds = (work.clock() - begin) / len(cases)
        for case, outputs in found.items():
            given = None if isinstance(outputs, str) else _one(arm, outputs, seconds, _grid_of(work, case))
            answers[i, case] = given or _failed(arm, str(outputs))
    return answers


def _one(arm: Arm, outputs: Mapping[str, NDArray[Any]], seconds: float, grid: Grid | None) -> _Answer:
    """The answer of a version that read the case's file; ``grid``: of the image, where this process can decode it."""
    _require_outputs(arm, outputs)
    arrays = {name: np.asarray(value)[None] for name, value in outputs.items()}
    axes = len(grid.shape) if grid else max(value.ndim - 1 for value in arrays.values())
    return replace(_answer(arm, arrays, 0, seconds, axes), grid=grid)


def _grid_of(work: _Pass, case: str) -> Grid | None:
    try:
        return _grid(work.load(case))
    except Exception:  # the device read the file; that this process cannot leaves its grid unknown
        return None


def _grid(image: Image) -> Grid:
    return Grid(image.pixels.shape, image.spacing_mm, image.origin_mm, image.directions)


def _answers(work: _Pass, cases: Sequence[str]) -> _Answers:
    if all(arm.predict is None for arm in work.arms):
        work.progress(len(cases))
        return {}
    answers: _Answers = {}
    waiting: dict[tuple[int, ...], list[tuple[str, Image]]] = {}
    for case in cases:
        try:
            image = _finite(work.load(case))
        except Exception as error:
            answers.update({(i, case): _failed(arm, _reason(error)) for i, arm in enumerate(work.arms)})
            work.progress(1)
            continue
        batch = waiting.setdefault(image.pixels.shape, [])
        batch.append((case, image))
        if len(batch) == work.batch_size:
            answers.update(_run_batch(work, waiting.pop(image.pixels.shape)))
    for shape in sorted(waiting):
        answers.update(_run_batch(work, waiting[shape]))
    return answers


def _run_batch(work: _Pass, batch: Sequence[tuple[str, Image]]) -> _Answers:
    answers: _Answers = {}
    for i, arm in enumerate(work.arms):
        if arm.predict is not None:
            answers.update({(i, case): answer for case, answer in _run_arm(work, arm, batch).items()})
    work.progress(len(batch))
    return answers


def _run_arm(work: _Pass, arm: Arm, batch: Sequence[tuple[str, Image]]) -> dict[str, _Answer]:
    ready: dict[str, Pixels] = {}
    answers: dict[str, _Answer] = {}
    for case, image in batch:
        try:
            ready[case] = _perturbed(arm, image, case, work.seed).pixels
        except Exception as error:
            answers[case] = _failed(arm, _reason(error))
    if ready:
        grids = {case: _grid(image) for case, image in batch}
        found = _predict(arm, ready, work.clock)
        answers.update({case: replace(answer, grid=grids[case]) for case, answer in found.items()})
    return answers


def _perturbed(arm: Arm, image: Image, case: str, seed: int) -> Image:
    if arm.perturb is None:
        return image
    return _finite(arm.perturb(image, case_generator(seed, arm.version, case)))


def _predict(arm: Arm, ready: Mapping[str, Pixels], clock: Callable[[], float]) -> dict[str, _Answer]:
    """Answers for one batch; a batch that fails is tried case by case, so that one case cannot take others along."""
    begin = clock()
    assert arm.predict is not None
    try:
        outputs = arm.predict(np.stack(list(ready.values()))[:, None].astype(np.float32, copy=False))
    except Exception as error:
        if len(ready) == 1:
            return {case: _failed(arm, _reason(error)) for case in ready}
        parts = [_predict(arm, {case: pixels}, clock) for case, pixels in ready.items()]
        return {case: answer for part in parts for case, answer in part.items()}
    seconds = (clock() - begin) / len(ready)
    _require_outputs(arm, outputs)
    axes = next(iter(ready.values())).ndim
    return {case: _answer(arm, outputs, row, seconds, axes) for row, case in enumerate(ready)}


def _answer(arm: Arm, outputs: Mapping[str, NDArray[Any]], row: int, seconds: float, axes: int) -> _Answer:
    scores: dict[str, float] = {}
    masks: dict[str, Half] = {}
    errors: dict[str, str] = {}
    marks: dict[str, Sequence[Mapping[str, float]]] = {}
    for name, target in arm.targets.items():
        value = np.asarray(outputs[target.output][row])
        if target.localisation is not None:
            try:
                marks[name] = filled_slots(value, target.output, boxes=target.localisation.rule == "iou")
            except BadInput as error:
                errors[name] = str(error)
        elif not np.isfinite(value).all():
            errors[name] = f"the model's output '{target.output}' is not finite"
        elif target.task == "segmentation":
            try:
                masks[name] = quantised(inside(value, target.label, axes, target.output))
            except BadInput as error:
                errors[name] = str(error)
        elif value.size == 1:
            scores[name] = float(value.reshape(-1)[0])
        else:
            errors[name] = f"the model's output '{target.output}' is no single score (shape {value.shape})"
    return _Answer(scores, masks, errors, seconds, marks)


def _require_outputs(arm: Arm, outputs: Mapping[str, NDArray[Any]]) -> None:
    for name, target in arm.targets.items():
        if target.output not in outputs:
            raise BadInput(
                f"target '{name}' names output '{target.output}'; the {arm.version} gives {', '.join(outputs)}."
            )


def _finite(image: Image) -> Image:
    if not np.isfinite(image.pixels).all():
        raise BadInput("the image holds pixels that are not finite")
    return image


def _failed(arm: Arm, reason: str) -> _Answer:
    return _Answer({}, {}, dict.fromkeys(arm.targets, reason))


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or "no further reason"
    return text if isinstance(error, BadInput) else f"{type(error).__name__}: {text}"


def _shard(index: int, cases: Sequence[str], arms: Sequence[Arm], answers: _Answers) -> Shard:
    masks, places = _gather_masks(cases, arms, answers)
    rows = [
        _row(arm, case, name, answers[i, case], places.get((i, case, name)), index)
        for i, arm in enumerate(arms)
        for case in cases
        for name in arm.targets
    ]
    table = PREDICTIONS.conform(pd.DataFrame(rows, columns=list(PREDICTIONS.columns)))
    return Shard(index, table, masks, _marks_table(cases, arms, answers))


def _marks_table(cases: Sequence[str], arms: Sequence[Arm], answers: _Answers) -> pd.DataFrame:
    rows = [
        {"version": arm.version, "case_id": case, "target": name, "mark": number, **mark}
        for i, arm in enumerate(arms)
        for case in cases
        for name in arm.targets
        for number, mark in enumerate(answers[i, case].marks.get(name, ()), start=1)
    ]
    return MARKS.conform(pd.DataFrame(rows, columns=list(MARKS.columns)))


def _gather_masks(
    cases: Sequence[str], arms: Sequence[Arm], answers: _Answers
) -> tuple[dict[str, Half], dict[tuple[int, str, str], str]]:
    shapes = {mask.shape for answer in answers.values() for mask in answer.masks.values()}
    found: dict[str, list[Half]] = {}
    places: dict[tuple[int, str, str], str] = {}
    for i, arm in enumerate(arms):
        for case in cases:
            for name, mask in answers[i, case].masks.items():
                size = f"/{'x'.join(map(str, mask.shape))}" if len(shapes) > 1 else ""
                key = f"{arm.version}/{name}{size}"
                places[i, case, name] = f"{key}[{len(found.setdefault(key, []))}]"
                found[key].append(mask)
    return {key: np.stack(values) for key, values in found.items()}, places


def _row(arm: Arm, case: str, name: str, answer: _Answer, place: str | None, index: int) -> dict[str, Any]:
    return {
        "version": arm.version,
        "case_id": case,
        "target": name,
        "score": answer.scores.get(name),
        "artifact": f"{masks_file(index)}#{place}" if place else None,
        "seconds": answer.seconds,
        "error": answer.errors.get(name),
        "grid": answer.grid_of(name),
    }
