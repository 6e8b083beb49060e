"""Opens a registered version: digests first, then its format's own checks, then its golden pair.

Nothing is unpickled and no code stored with a model is run, unless the plan names the digest of the file that may.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch

from audit.catalogue import entry
from audit.model_refs import Registered
from audit.models.card import CARD, VersionCard, read_card
from audit.models.golden import GOLDEN, Golden, check_golden, read_golden
from audit.models.model import Loaded, OpenModel
from audit.models.preprocessing import preprocessing
from audit.models.stored import (
    FILES_TAG,
    FLAVOR,
    PROGRAM,
    PROGRAM_TAG,
    TRAINING_SET_TAG,
    StoredVersion,
    find_stored,
    folder_digests,
)
from audit.plan import Target
from audit.records import BadInput, ModelVersion


def open_version(ref: Registered, home: Path, device: str) -> OpenModel:
    """The registered version on ``device`` ('cpu', 'cuda'), its stored bytes digested and checked.

    Raises ``BadInput`` when it is not registered, is stored in another format than the plan names, when one of its
    files is not the one that was registered, when it brings code or a pickle that the plan does not allow, or when its
    golden images give other outputs than those stored with it.
    """
    determinism(device)
    stored = find_stored(ref, home)
    digests = folder_digests(stored.folder)
    _refuse_changed(stored, digests)
    _refuse_other_format(stored, digests)
    model, golden, card = open_folder(ref, stored.folder, device)
    if folder_digests(stored.folder) != digests:
        raise BadInput(f"{_label(stored)}: a file changed while it was being read; run again.")
    model.version = _version(stored, digests, model, card)
    if golden is not None:
        model.version = replace(model.version, golden=check_golden(model, golden, card.golden_tolerance))
    return model


def open_folder(ref: Registered, folder: Path, device: str) -> tuple[OpenModel, Golden | None, VersionCard]:
    """The version in ``folder`` with its golden pair and its card; neither digests nor the golden pair are checked."""
    card, golden = read_card(folder / CARD), read_golden(folder / GOLDEN)
    loaded = _with_card(entry("models", ref.kind, "model.kind").load(ref, folder, device), card, f"{ref.name}: {CARD}")
    names = tuple(loaded.rules or ()) or loaded.outputs or tuple(golden.outputs if golden else ())
    facts = ModelVersion(ref.name, ref.version, ref.kind, f"models:/{ref.name}/{ref.version}", {}, names)
    return OpenModel(replace(facts, preprocessing=loaded.preprocessing.words), loaded, device), golden, card


def _with_card(loaded: Loaded, card: VersionCard, where: str) -> Loaded:
    if card.preprocessing:
        loaded = replace(loaded, preprocessing=preprocessing(card.preprocessing, where))
    if card.axes == "x_first":
        loaded = replace(loaded, x_first=True)
    loaded = replace(loaded, mark_axes=card.marks)
    return replace(loaded, rules=card.outputs) if card.outputs else loaded


def require_outputs(version: ModelVersion, targets: Mapping[str, Target]) -> None:
    """Raises ``BadInput`` where a target names an output that the version does not give."""
    for name, target in targets.items():
        if target.output not in version.outputs:
            raise BadInput(
                f"target '{name}' names output '{target.output}'; {version.label} gives "
                f"{', '.join(version.outputs) or 'outputs without names'}; correct 'output' in the plan."
            )


def determinism(device: str) -> dict[str, bool | str | int]:
    """Asks torch for repeatable kernels (no autotuning, no TF32) and tells what was set, for the evidence.

    On a CPU half of the cores are used: small networks gain little from more, and lose much where cores are shared.
    """
    if device == "cpu":
        torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return {
        "device": device,
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn_benchmark": torch.backends.cudnn.benchmark,
        "tf32": torch.backends.cuda.matmul.allow_tf32,
        "threads": torch.get_num_threads(),
    }


def _refuse_changed(stored: StoredVersion, digests: Mapping[str, str]) -> None:
    """Names the first file that is not the one registered; versions logged with MLflow alone tell their program's."""
    registered = json.loads(stored.tags.get(FILES_TAG, "{}"))
    if PROGRAM_TAG in stored.tags:
        registered |= {PROGRAM: stored.tags[PROGRAM_TAG]}
    for name, expected in registered.items():
        found = digests.get(name, "no file")
        if found != expected:
            raise BadInput(
                f"{_label(stored)}: {name} has SHA-256 {found}, but {expected} was registered; the stored "
                "file was changed: restore it or register a new version."
            )


def _refuse_other_format(stored: StoredVersion, digests: Mapping[str, str]) -> None:
    flavors = stored.description().get("flavors", {})
    if flavors.get("pytorch", {}).get("code"):
        raise BadInput(f"{_label(stored)} brings code of its own; register it without code_paths.")
    kind = flavors.get(FLAVOR, {}).get("kind")
    if kind is not None and kind != stored.ref.kind:
        raise BadInput(f"{_label(stored)} is stored as '{kind}'; the plan says kind '{stored.ref.kind}'; correct it.")
    if stored.ref.kind == "mlflow" and PROGRAM not in digests:
        raise BadInput(
            f"{_label(stored)} is not stored as an exported program ({PROGRAM} expected, found "
            f"{', '.join(name for name in digests if name.startswith('data/')) or 'no data'}); pickled models are not "
            "loaded: log it with serialization_format='pt2', or name its digest in the plan (kind: pickle)."
        )


def _version(stored: StoredVersion, digests: Mapping[str, str], model: OpenModel, card: VersionCard) -> ModelVersion:
    return replace(
        model.version,
        digests=digests,
        training_run=stored.run_id,
        training_set_digest=stored.run_tags.get(TRAINING_SET_TAG, card.training_set_sha256),
        parameters=stored.parameters or {name: str(value) for name, value in card.parameters.items()},
        operating_points=stored.operating_points or card.operating_points,
    )


def _label(stored: StoredVersion) -> str:
    return f"model {stored.ref.name} version {stored.ref.version}"


def cuda_present() -> bool:
    """Whether a CUDA device can be used here."""
    return torch.cuda.is_available()
