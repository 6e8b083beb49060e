"""Values that cross a room. Each is frozen and valid by construction; none knows files or clocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Pixels = NDArray[np.float32]


class BadInput(ValueError):
    """One sentence for the person at the keyboard: what, where, what was expected, what to do.

    The command prints it without a traceback and leaves with exit code 2.
    """


@dataclass(frozen=True, slots=True)
class Undefined:
    """A quantity that has no value here, and why; printed as ``undefined: reason``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interval:
    """Two-sided confidence limits and the name of the method that gave them.

    ``low`` and ``high`` are in the unit of the quantity; an infinite limit is a true infinity.
    ``method`` is a short readable name, for example ``Wilson`` or ``DeLong, logit``.
    """

    low: float
    high: float
    method: str
    confidence: float = 0.95

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise ValueError(f"interval limits out of order: {self.low}, {self.high} ({self.method})")
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence must lie between 0 and 1, got {self.confidence}")


Direction = Literal["higher", "lower", "nearer"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Observations of one target as plain arrays, one entry per case.

    ``patient`` holds dense patient indices 0..P-1 over the *whole* analysis set (so that every group and every
    version meets the same resamples); ``columns`` the task's columns (float64, NaN = not available). What a case has
    several of (lesions, marks) is a column with a second axis, padded with NaN: a case stays one entry, so that groups,
    versions and resamples treat marks as they treat scores.
    """

    patient: IntArray
    columns: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return int(self.patient.shape[0])

    def where(self, keep: BoolArray) -> Rows:
        """The same rows restricted to ``keep`` (bool, one entry per case)."""
        return Rows(self.patient[keep], {name: values[keep] for name, values in self.columns.items()})

    @property
    def n_patients(self) -> int:
        return distinct(self.patient)


def distinct(indices: IntArray) -> int:
    """How many different non-negative integers occur; much faster than sorting them."""
    return int(np.count_nonzero(np.bincount(indices)))


Display = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Image:
    """One decoded case: ``pixels`` float32 (rows, columns) or (slices, rows, columns), modality units, never windowed.

    ``spacing_mm`` has one entry per axis in the same order, or None where the file does not say. ``header`` holds
    the declared, identifier-free attributes that the file itself carries (for example ``manufacturer``).
    ``origin_mm`` and ``directions`` say where the voxels lie (``grids.Grid``), None where the file does not.
    ``display``: how the file asks to be shown, as rising pixel values and the brightness (0 to 1) of each.
    """

    pixels: Pixels
    spacing_mm: tuple[float, ...] | None
    header: Mapping[str, str | float] = field(default_factory=dict)
    origin_mm: tuple[float, ...] | None = None
    directions: tuple[tuple[float, ...], ...] | None = None
    display: Display | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One case's image file for a device that reads files itself: ``suffix`` ('.dcm', '.nii.gz') and bytes."""

    suffix: str
    data: bytes


ModelKind = Literal["mlflow", "onnx", "torchscript", "monai_bundle", "pickle", "command", "recorded"]


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """The frozen version under audit. ``digests`` maps each stored file to its SHA-256; None fields are gaps.

    ``golden`` tells of the check on opening: images, tolerance and the largest difference found between the outputs
    stored with the version and those it gives now.
    """

    name: str
    version: str
    kind: ModelKind
    uri: str
    digests: Mapping[str, str]
    outputs: tuple[str, ...]
    training_run: str | None = None
    training_set_digest: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    operating_points: Mapping[str, Any] = field(default_factory=dict)
    preprocessing: tuple[str, ...] = ()
    golden: Mapping[str, float] | None = None

    @property
    def label(self) -> str:
        return f"{self.name} version {self.version}"


Verdict = Literal["met", "failed", "not shown", "not assessed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One endpoint's answer: the estimate it rests on, the criterion, the verdict and, in words, why.

    In a claim family that adjusts, ``alone`` is the verdict without the family, ``family`` says how it was adjusted and
    over how many claims, ``adjusted_id`` names the row of ANALYSES with the limits at the adjusted level.
    """

    endpoint: str
    role: str
    title: str
    criterion: str
    verdict: Verdict
    reason: str
    estimate_id: str | None
    alone: Verdict | None = None
    family: str = ""
    adjusted_id: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One product of an audit, as it stands in the ledger.

    ``id`` is the SHA-256 of the stored payload bytes; ``subjects`` maps each product's name to its SHA-256;
    ``inputs`` holds the ids of the statements it was made from; ``body`` what a reader needs to interpret it.
    """

    id: str
    kind: str
    subjects: Mapping[str, str]
    inputs: tuple[str, ...]
    producer: Mapping[str, Any]
    created: str
    body: Mapping[str, Any]


Status = Literal["evidenced", "partly evidenced", "declared", "missing", "not applicable"]


SignOffState = Literal["valid", "revoked", "replaced", "erased"]


@dataclass(frozen=True, slots=True)
class SignOff:
    """One person's signature under a document (or under the whole audit), as it stands today.

    ``files`` maps each signed file to the SHA-256 that was signed; ``key`` is the signer's fingerprint, None where the
    name was typed without one. ``state``: *valid*; *revoked* (``note`` says when, by whom, why); *replaced* (the
    document has other bytes since); *erased* (its files were taken out with a patient's data). ``four_eyes``: whether
    author and approver had to be different people when it was signed.
    """

    id: str
    document: str
    files: Mapping[str, str]
    role: str
    meaning: str
    name: str
    at: str
    key: str | None
    four_eyes: bool
    state: SignOffState = "valid"
    note: str = ""
