"""McNemar tests for pairs of binary readings that are clustered in patients.

All take, per patient, the numbers of cases positive in both readings, in the first only, in the second only, in
neither; all answer a chi-square with one df, undefined without discordant pairs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from audit.records import BadInput, FloatArray, Undefined
from audit.statistics.checks import finite_vector, same_length


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Chi-square statistic (one df), p value and the name of the test."""

    chi2: float
    p: float
    method: str


@dataclass(frozen=True, slots=True)
class PairsByPatient:
    """Counts of pairs per patient; patients without pairs are dropped."""

    both: FloatArray
    first_only: FloatArray
    second_only: FloatArray
    neither: FloatArray

    @property
    def pairs(self) -> FloatArray:
        return np.asarray(self.both + self.first_only + self.second_only + self.neither)

    @property
    def surplus(self) -> FloatArray:
        """Pairs in which only the first reading is positive minus those in which only the second is."""
        return np.asarray(self.first_only - self.second_only)

    @property
    def discordant(self) -> FloatArray:
        return np.asarray(self.first_only + self.second_only)


def pairs_by_patient(
    both: ArrayLike, first_only: ArrayLike, second_only: ArrayLike, neither: ArrayLike
) -> PairsByPatient:
    """Checked counts, one entry per patient in each array."""
    columns = {
        "both": finite_vector(both, "both"),
        "first_only": finite_vector(first_only, "first_only"),
        "second_only": finite_vector(second_only, "second_only"),
        "neither": finite_vector(neither, "neither"),
    }
    same_length(**columns)
    table = np.array(list(columns.values()))
    if (table < 0).any():
        raise BadInput("counts of pairs must not be negative.")
    return PairsByPatient(*table[:, table.sum(axis=0) > 0])


def unclustered_mcnemar(pairs: PairsByPatient) -> PairedTest | Undefined:
    """McNemar's test as if the pairs were independent; given only to show what clustering changes."""
    return _test(float(pairs.surplus.sum()) ** 2, float(pairs.discordant.sum()), "McNemar, clustering ignored")


def obuchowski(pairs: PairsByPatient) -> PairedTest | Undefined:
    """Variance of the ratio estimators under equality, Obuchowski, Stat Med 1998;17:1495. The default."""
    k = pairs.pairs.size
    variance = k / (k - 1) * float(np.square(pairs.surplus).sum()) if k > 1 else 0.0
    return _test(float(pairs.surplus.sum()) ** 2, variance, "Obuchowski 1998")


def durkalski(pairs: PairsByPatient) -> PairedTest | Undefined:
    """Every patient weighs the same: Durkalski et al., Stat Med 2003;22:2417."""
    share = pairs.surplus / pairs.pairs
    return _test(float(share.sum()) ** 2, float(np.square(share).sum()), "Durkalski 2003")


def yang(pairs: PairsByPatient) -> PairedTest | Undefined:
    """Mean of the variances with and without equality: Yang, Sun & Hardin 2010."""
    k = pairs.pairs.size
    centred = pairs.surplus - pairs.pairs * (pairs.surplus.sum() / pairs.pairs.sum())
    spread = float(np.square(centred).sum() + np.square(pairs.surplus).sum()) / 2
    variance = k / (k - 1) * spread if k > 1 else 0.0
    return _test(float(pairs.surplus.sum()) ** 2, variance, "Yang 2010")


def eliasziw_donner(pairs: PairsByPatient) -> PairedTest | Undefined:
    """McNemar's statistic divided by an inflation from the pooled intraclass correlation of the four cells.

    Eliasziw & Donner, Stat Med 1991;10:1981. Undefined also when fewer than two patients have discordant pairs or no
    patient has several pairs.
    """
    sizes, discordant = pairs.pairs, pairs.discordant
    with_discordant = int((discordant > 0).sum())
    if with_discordant < 2 or sizes.mean() == 1:
        return Undefined("the test needs two patients with discordant pairs and one with several pairs")
    correlation = _discordance_correlation(pairs)
    mean = float(discordant.sum()) / with_discordant
    spread = float(np.square(discordant[discordant > 0] - mean).sum())
    typical = mean - spread / (with_discordant * (with_discordant - 1) * mean)
    inflation = 1 + (typical + with_discordant * (mean - typical) - 1) * correlation
    return _test(float(pairs.surplus.sum()) ** 2, inflation * float(discordant.sum()), "Eliasziw-Donner 1991")


def _discordance_correlation(pairs: PairsByPatient) -> float:
    cells = np.array([pairs.both, pairs.first_only, pairs.second_only, pairs.neither])
    sizes = pairs.pairs
    k, mean = sizes.size, float(sizes.mean())
    shares = cells.sum(axis=1) / sizes.sum()
    typical = mean - float(np.square(sizes - mean).sum()) / (k * (k - 1) * mean)
    between = float((np.square(cells - shares[:, None] * sizes) / sizes).sum()) / k
    within = float((cells * (sizes - cells) / sizes).sum()) / (k * (mean - 1))
    pooled = (between - within) / (between + (typical - 1) * within)
    if pooled == 0:
        return 0.0
    return 1 / (1 + float(shares[1] + shares[2]) * (1 - pooled) / pooled)


def _test(squared: float, variance: float, method: str) -> PairedTest | Undefined:
    if variance <= 0:
        return Undefined("no discordant pairs")
    chi2 = squared / variance
    return PairedTest(chi2, float(stats.chi2.sf(chi2, 1)), method)
