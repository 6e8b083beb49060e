"""One image that counts twice, and the same image with two answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.cases.concerns import Concern, said_of
from audit.intake.check import Check, Intake
from audit.intake.similar import LEAST_CORRELATION, close_pairs, correlation, groups


def find(intake: Intake) -> Iterator[Concern]:
    """Twins pixel for pixel, look-alikes under different patients, and twins whose references differ."""
    twins = _twins(intake)
    alike = _alike(intake, twins)
    if twins:
        yield _concern(intake, twins, "share their pixels with another case")
    if alike:
        yield _concern(intake, alike, "look the same as a case of another patient (re-encoded, rescaled or rewindowed)")
    differing = _differing(intake, [*twins, *alike])
    for column, rows in differing.items():
        what = f"{said_of(rows, 'case', 'show the same image as another case')}, but their '{column}' differs."
        yield Concern("major", what, intake.ids(rows), "Find out which reference is right, and keep one case.")


def _concern(intake: Intake, found: Sequence[Sequence[int]], what: str) -> Concern:
    rows = [i for group in found for i in group]
    patients = _patients(intake)
    several = sum(len(set(patients[list(group)])) > 1 for group in found)
    under = "stands under several patients" if several == 1 else "stand under several patients"
    apart = f"; {several} of the {len(found)} images {under}" if several else ""
    text = f"{said_of(rows, 'case', what)}{apart}: the evidence counts twice."
    return Concern("major", text, intake.ids(rows), "Keep one case for each image, or say why an image stands twice.")


def _patients(intake: Intake) -> NDArray[np.intp]:
    """A number for each patient."""
    return pd.factorize(intake.cases["patient_id"])[0]


def _twins(intake: Intake) -> list[list[int]]:
    """Groups of cases with one digest of pixels, in order of the digests."""
    codes, digests = pd.factorize(intake.cases["pixel_sha256"])
    often = np.flatnonzero(np.bincount(codes[codes >= 0], minlength=len(digests)) > 1)
    rows = np.flatnonzero(np.isin(codes, often))
    found: dict[int, list[int]] = {}
    for row, code in zip(rows.tolist(), codes[rows].tolist(), strict=True):
        found.setdefault(code, []).append(row)
    return [found[code] for code in sorted(found, key=lambda code: str(digests[code]))]


def _alike(intake: Intake, twins: Sequence[Sequence[int]]) -> list[list[int]]:
    """Groups of look-alikes of different patients; one patient's neighbouring slices and repeats look alike rightly."""
    patients = _patients(intake)
    same = {i: number for number, group in enumerate(twins) for i in group}
    pairs = (
        (i, j)
        for i, j in close_pairs(intake.fingerprints)
        if patients[i] != patients[j]
        and same.get(i, -1) != same.get(j, -2)
        and correlation(intake.thumbs[i], intake.thumbs[j]) >= LEAST_CORRELATION
    )
    return groups(pairs)


def _differing(intake: Intake, found: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    differing: dict[str, list[int]] = {}
    for column in intake.references:
        values = intake.cases[column]
        rows = [i for group in found if _levels(values.iloc[list(group)]) > 1 for i in group]
        if rows:
            differing[column] = rows
    return differing


def _levels(values: pd.Series) -> int:
    """How many different texts there are; blank is one of them."""
    return int(values.astype("string").fillna("").nunique())


ENTRY = Check(
    "duplicates",
    "one image under several cases, and duplicates whose references differ",
    find,
    "Roberts et al., Nat Mach Intell 2021;3:199; difference hash of 256 bits",
    "crops and mirrored copies are not recognised as copies",
)
