"""``audit register``: puts the version that a plan names into the MLflow home, with its golden pair."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from audit.cases.images import read_image
from audit.home import open_home
from audit.model_refs import RecordedPredictions, Registered, RegisteredModel
from audit.models.golden import Golden, read_golden
from audit.models.registering_files import register_files
from audit.models.stored import versions
from audit.plan import read_plan
from audit.records import BadInput, ModelVersion, Pixels


def register_for_plan(
    plan_path: Path,
    role: str,
    source: Path | None,
    card: Path | None,
    golden: Path | None,
    examples: Sequence[Path],
    home: Path,
) -> ModelVersion:
    """Registers ``source`` as the plan's candidate or comparator (``role``).

    The golden pair is the file ``golden``, or ``examples``, image files of one size, with the outputs that the version
    gives for them now. Raises ``BadInput`` where the plan's number is not the next one of that name.
    """
    ref = _reference(plan_path, role)
    pair = _golden(golden, examples)
    due = str(max((int(number) for _, number in versions(open_home(home), ref.name)), default=0) + 1)
    if ref.version != due:
        raise BadInput(
            f"{plan_path.name}: {role} is {ref.name} version {ref.version}, but the next one of that name is {due}; "
            "correct the plan, or choose another home with --home."
        )
    return register_files(ref, source, card, pair, home)


def _reference(plan_path: Path, role: str) -> Registered:
    plan = read_plan(plan_path).plan
    ref = plan.comparator if role == "comparator" else plan.model
    if ref is None:
        raise BadInput(f"{plan_path.name}: the plan names no comparator; add it, or register the candidate.")
    if isinstance(ref, RecordedPredictions):
        raise BadInput(f"{plan_path.name}: recorded predictions are not registered; the plan names their file.")
    if isinstance(ref, RegisteredModel):
        raise BadInput(
            f"{plan_path.name}: a torch network is registered from Python (audit.models.registering.register), which "
            "exports it as pt2; files are registered under kinds onnx, torchscript, monai_bundle, pickle and command."
        )
    return ref


def _golden(golden: Path | None, examples: Sequence[Path]) -> Golden | Pixels:
    if golden is not None and examples:
        raise BadInput("give either --golden or --example: the pair, or images whose outputs are taken now.")
    if golden is not None:
        pair = read_golden(golden)
        if pair is None:
            raise BadInput(f"{golden}: there is no such file; a golden pair (.npz) was expected.")
        return pair
    if not examples:
        raise BadInput(
            "a version needs golden images: give --golden pair.npz, or --example IMAGE, once for each image."
        )
    images = [read_image(path, None).pixels for path in examples]
    if len({image.shape for image in images}) > 1:
        raise BadInput("the example images differ in size; give images of one size.")
    return np.stack(images)[:, None].astype(np.float32)
