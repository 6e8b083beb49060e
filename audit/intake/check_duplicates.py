"""One image that counts twice, and the same image with two answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

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
    patients = intake.cases["patient_id"].to_numpy()
    several = sum(len(set(patients[list(group)])) > 1 for group in found)
    under = "stands under several patients" if several == 1 else "stand under several patients"
    apart = f"; {several} of the {len(found)} images {under}" if several else ""
    text = f"{said_of(rows, 'case', what)}{apart}: the evidence counts twice."
    return Concern("major", text, intake.ids(rows), "Keep one case for each image, or say why an image stands twice.")


def _twins(intake: Intake) -> list[list[int]]:
    digest = intake.cases["pixel_sha256"]
    known = pd.Series(np.arange(len(digest)))[digest.notna().to_numpy()]
    grouped = known.groupby(digest[digest.notna()].to_numpy())
    return [list(map(int, rows)) for _, rows in grouped if len(rows) > 1]


def _alike(intake: Intake, twins: Sequence[Sequence[int]]) -> list[list[int]]:
    """Groups of look-alikes of different patients; one patient's neighbouring slices and repeats look alike rightly."""
    patients = intake.cases["patient_id"].to_numpy()
    same = {i: number for number, group in enumerate(twins) for i in group}
    pairs = (
        (i, j)
        for i, j in close_pairs(intake.fingerprints)
        if patients[i] != patients[j]
        and same.get(i, -1) != same.get(j, -2)
        and correlation(intake.thumbs[i], intake.thumbs[j]) >= LEAST_CORRELATION
    )
    return groups(pairs, len(patients))


def _differing(intake: Intake, found: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    differing: dict[str, list[int]] = {}
    for column in intake.references:
        values = intake.cases[column].astype("string").fillna("").to_numpy()
        rows = [i for group in found if len(set(values[list(group)])) > 1 for i in group]
        if rows:
            differing[column] = rows
    return differing


ENTRY = Check(
    "duplicates",
    "one image under several cases, and duplicates whose references differ",
    find,
    "Roberts et al., Nat Mach Intell 2021;3:199; difference hash of 256 bits",
    "crops and mirrored copies are not recognised as copies",
)
