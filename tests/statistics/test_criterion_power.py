"""Power on the limits the suite prints: against enumeration of those very intervals, and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from audit.records import BadInput, Interval
from audit.statistics import criterion_power as cp
from audit.statistics.differences_paired import PairedTable, tango
from audit.statistics.proportions import clopper_pearson
from audit.statistics.roc import auroc_interval
from audit.statistics.sample_size import hanley_mcneil_error


def lower(interval: object) -> float:
    assert isinstance(interval, Interval)
    return interval.low


@pytest.mark.parametrize(("n", "expected", "goal"), [(10, 0.9, 0.5), (57, 0.95, 0.85), (150, 0.9, 0.8), (3, 0.9, 0.8)])
def test_goal_power_is_that_of_enumerated_limits(n: int, expected: float, goal: float) -> None:
    passes = [x for x in range(n + 1) if lower(clopper_pearson(x, n)) >= goal]
    wanted = stats.binom.pmf(passes, n, expected).sum() if passes else 0.0
    assert float(cp.goal_power(n, expected, goal)) == pytest.approx(wanted)


def test_reference_case_of_the_exact_test(reference) -> None:
    expected = reference("09-samplesize-sensitivity").expected
    wanted = expected["exact_binomial.n150_p0_0.80_p1_0.90.power"]
    assert float(cp.goal_power(150, 0.9, 0.8)) == pytest.approx(wanted, rel=1e-6)


def test_cases_for_a_goal_are_the_end_of_the_saw() -> None:
    n = cp.cases_for_goal(0.93, 0.85, 0.8)
    power = cp.goal_power(np.arange(1, 3000), 0.93, 0.85)
    assert (power[n - 1 :] >= 0.8).all()
    assert power[n - 2] < 0.8
    assert (power[: n - 1] >= 0.8).any()  # an earlier tooth reaches it, and falls again


@pytest.mark.parametrize(
    ("area", "goal", "positives", "negatives"), [(0.9, 0.82, 60, 90), (0.98, 0.95, 160, 160), (0.85, 0.7, 30, 300)]
)
def test_auroc_power_is_that_of_simulated_studies(area: float, goal: float, positives: int, negatives: int) -> None:
    """Exponential scores, for which the Hanley-McNeil variance is exact; intervals as the suite prints them."""
    generator = np.random.default_rng(11)
    truth = np.repeat([1, 0], [positives, negatives])
    met = 0
    for _ in range(300):
        # positives exponential with mean theta, negatives with mean 1: P(positive > negative) = theta / (1 + theta)
        score = np.concatenate(
            [generator.exponential(area / (1 - area), positives), generator.exponential(1.0, negatives)]
        )
        met += lower(auroc_interval(score, truth)) >= goal
    assert cp.auroc_goal_power(area, goal, positives, negatives) == pytest.approx(met / 300, abs=0.1)


def test_auroc_power_takes_the_worse_orientation_and_rises_with_the_truth() -> None:
    plain = hanley_mcneil_error(0.9, 40, 200) ** 2
    for sizes in ((40, 200), (200, 40)):
        assert float(cp._auroc_variance(np.array(0.9), *sizes)) == pytest.approx(plain)
    power = [cp.auroc_goal_power(area, 0.85, 60, 60) for area in (0.86, 0.9, 0.95, 0.99, 0.9999)]
    assert power == sorted(power)
    assert power[-1] > 0.999
    assert cp.auroc_goal_power(0.99, 0.95, 40, 40) == 0  # no observed AUROC reaches it by this error


def test_auroc_cases_give_the_power() -> None:
    need = cp.cases_for_auroc_goal(0.92, 0.85, 0.9, 0.3)
    total = round(need.positives + need.negatives)
    assert need.positives == pytest.approx(0.3 * total)
    assert cp.auroc_goal_power(0.92, 0.85, need.positives, need.negatives) >= 0.9
    assert cp.auroc_goal_power(0.92, 0.85, 0.3 * (total - 1), 0.7 * (total - 1)) < 0.9
    assert cp.auroc_goal_power(0.92, 0.85, 0, 50) == 0


def test_power_of_a_mean_dice_is_that_of_simulated_studies() -> None:
    """Beta-distributed Dice, mean 0.8, SD 0.1: skew costs little at 40 cases."""
    n, goal = 40, 0.755
    a = 0.8 * (0.8 * 0.2 / 0.01 - 1)
    dice = np.random.default_rng(5).beta(a, a / 4, (20_000, n))
    low = dice.mean(axis=1) - stats.t.ppf(0.975, n - 1) * dice.std(axis=1, ddof=1) / math.sqrt(n)
    assert cp.mean_goal_power(n, 0.8, goal, 0.1) == pytest.approx((low >= goal).mean(), abs=0.03)


def test_cases_for_a_mean() -> None:
    n = cp.cases_for_mean_goal(0.7, 0.6, 0.9, 0.2)
    assert cp.mean_goal_power(n, 0.7, 0.6, 0.2) >= 0.9 > cp.mean_goal_power(n - 1, 0.7, 0.6, 0.2)
    n = cp.cases_for_mean_half_width(0.03, 0.2)
    assert cp.mean_half_width(n, 0.2) <= 0.03 < cp.mean_half_width(n - 1, 0.2)
    assert cp.mean_goal_power(1, 0.7, 0.6, 0.2) == 0


@pytest.mark.parametrize(("margin", "both"), [(0.1, False), (0.0, False), (0.2, True)])
def test_paired_power_is_that_of_enumerated_limits(margin: float, both: bool) -> None:
    n, difference, discordant = 24, 0.05, 0.15
    p = (discordant + difference) / 2, (discordant - difference) / 2
    wanted = 0.0
    for b in range(n + 1):
        for c in range(n + 1 - b):
            found = tango(PairedTable(n - b - c, b, c, 0))
            assert isinstance(found, Interval)
            if found.low > -margin + 1e-9 and (not both or found.high < margin - 1e-9):
                wanted += stats.multinomial.pmf([b, c, n - b - c], n, [*p, 1 - sum(p)])
    got = cp.paired_margin_power(n, difference, discordant, margin, both_sides=both)
    assert got == pytest.approx(wanted, abs=1e-7)


def test_cases_for_non_inferiority() -> None:
    n = cp.cases_for_paired_margin(0.0, 0.1, 0.05, 0.8)
    assert cp.paired_margin_power(n, 0.0, 0.1, 0.05) >= 0.8 > cp.paired_margin_power(n - 1, 0.0, 0.1, 0.05)
    normal = (1.96 + 0.8416) ** 2 * 0.1 / 0.05**2
    assert n == pytest.approx(normal, rel=0.15)
    superior = cp.cases_for_paired_margin(0.1, 0.2, 0.0, 0.8)
    assert superior == pytest.approx(155, rel=0.08)  # Connor's 154.6 by the normal approximation


def test_what_cannot_be_reached_is_said() -> None:
    for ask in (
        lambda: cp.cases_for_goal(0.8, 0.8, 0.9),
        lambda: cp.cases_for_mean_goal(0.5, 0.6, 0.9, 0.1),
        lambda: cp.cases_for_auroc_goal(0.8, 0.9, 0.9, 0.5),
    ):
        with pytest.raises(BadInput, match="must lie above"):
            ask()
    with pytest.raises(BadInput, match="more than 262,144"):
        cp.cases_for_goal(0.8005, 0.8, 0.9)
    with pytest.raises(BadInput, match="more than 262,144"):
        cp.cases_for_mean_goal(0.80001, 0.8, 0.9, 0.2)
    with pytest.raises(BadInput, match="larger margin"):
        cp.cases_for_paired_margin(-0.05, 0.1, 0.05, 0.8)
    with pytest.raises(BadInput, match="discordant"):
        cp.paired_margin_power(10, 0.2, 0.1, 0.05)
