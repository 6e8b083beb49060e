"""What a check of this room declares, and what it looks at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.cases.concerns import Concern


@dataclass(frozen=True)
class Training:
    """What is known of a training set: patients, file and pixel digests, fingerprints (uint64, 4 words each)."""

    name: str
    patients: frozenset[str]
    digests: frozenset[str]
    fingerprints: NDArray[np.uint64]


@dataclass(frozen=True)
class MaskFacts:
    """One reference mask as read: ``problem`` says why it cannot be used; ``voxels`` inside it; ``grid`` as text."""

    case_id: str
    column: str
    sha256: str
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    voxels: int
    problem: str = ""
    grid: str = ""


@dataclass
class Intake:
    """Everything a check may look at. ``cases``: one row per case, manifest columns; arrays follow its order.

    ``thumbs`` uint8 (n, 16, 16), ``fingerprints`` uint64 (n, 4); ``clipped`` share of pixels clipped at the highest
    value, -1 without an image; ``levels`` values that occur; ``lettering`` lines of writing; ``ranges`` (n, 2) lowest
    and highest value. ``elements``: header element that identifies -> cases that hold it; ``notes``: kind -> (case or
    file, about what) seen on the way; ``references``: columns that are references.
    """

    cases: pd.DataFrame
    thumbs: NDArray[np.uint8]
    fingerprints: NDArray[np.uint64]
    clipped: NDArray[np.float32]
    levels: NDArray[np.int16]
    lettering: NDArray[np.int16]
    ranges: NDArray[np.float32]
    elements: Mapping[str, Sequence[str]] = field(default_factory=dict)
    masks: Sequence[MaskFacts] = ()
    training: Sequence[Training] = ()
    notes: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    references: Sequence[str] = ()

    def ids(self, where: Any) -> tuple[str, ...]:
        """Case ids of the rows that ``where`` (bool array or positions) picks."""
        return tuple(map(str, self.cases["case_id"].to_numpy()[np.asarray(where)]))


@dataclass(frozen=True, slots=True)
class Check:
    """One question put to every set: ``find`` yields a concern for each flaw and nothing for clean data.

    ``looks_for`` is printed; ``limits`` says what the check cannot see; ``source`` the rule or paper followed.
    """

    name: str
    looks_for: str
    find: Callable[[Intake], Iterator[Concern]]
    source: str
    limits: str = ""
    not_assessed: Callable[[Intake], str] = lambda _: ""
