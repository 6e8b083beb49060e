"""Scores of single maps against known answers, formulas written out again, and Quantus.

QUANTUS was computed once with quantus 0.6.0 (numpy below 2.4, an environment of its own) by
``benchmarks/quantus_reference.py``, which makes the same maps.
"""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from audit.catalogue import entries
from audit.explanation_plan import USUAL_CRITERIA, USUAL_SCORES, Examination
from audit.explanations.randomising import randomised, weight_blocks
from audit.explanations.scores.energy_inside import energy_inside
from audit.explanations.scores.faithfulness import area, curve_of
from audit.explanations.scores.iou_equal_area import iou_equal_area
from audit.explanations.scores.pointing_game import pointing_game
from audit.explanations.scores.score import ExaminedMap, ExplanationScore, Scored
from audit.explanations.scores.stability import noisy
from audit.explanations.similarity import rank_correlation
from audit.measures.measure import Measure
from audit.records import Undefined
from tests.explanations.conftest import Linear, Reader, lesion_image, lesion_mask, scalar_of

SCORES: dict[str, ExplanationScore] = dict(entries("explanations.scores"))
METHODS = entries("explanations")
IG = METHODS["integrated_gradients"]
Examine = Callable[..., ExaminedMap]


def value(found: Scored) -> float:
    assert not isinstance(found.value, Undefined), found.value
    return found.value


def test_every_score_is_the_measure_of_the_same_name() -> None:
    measures = {name for name, each in entries("measures").items() if isinstance(each, Measure) and
                each.tasks == ("explanation",)}  # fmt: skip
    assert set(SCORES) == measures
    assert set(USUAL_SCORES) <= set(SCORES)
    assert {each.score for each in USUAL_CRITERIA} <= set(SCORES)


@pytest.mark.parametrize("name", sorted(SCORES))
def test_every_score_is_finite_in_range_and_the_same_twice(name: str, examine: Examine) -> None:
    map_ = examine(scalar_of(Reader()), IG, lesion_image(), others={"other": lesion_image(seed=3)[0, 0]})
    first, again = SCORES[name].score(map_), SCORES[name].score(map_)
    assert first == again
    measure: Measure = entries("measures")[name]
    assert np.isfinite(value(first))
    assert (-np.inf if measure.low is None else measure.low) <= value(first)
    assert value(first) <= (np.inf if measure.high is None else measure.high)


def test_a_map_of_a_planted_lesion_is_found_good_and_its_mirror_image_bad(examine: Examine) -> None:
    scalar, image = scalar_of(Reader()), lesion_image()
    good = examine(scalar, IG, image)
    bad = examine(scalar, IG, image, attribution=np.ascontiguousarray(good.attribution[:, ::-1]))
    for name in ("deletion_gain", "insertion_gain", "localisation_gain", "pointing_game", "iou_equal_area"):
        assert value(SCORES[name].score(good)) > max(0.2, value(SCORES[name].score(bad))), name
    assert value(SCORES["localisation_gain"].score(bad)) < 0
    assert value(SCORES["deletion_gain"].score(bad)) < 0
    assert value(SCORES["infidelity"].score(good)) < 0.1 < value(SCORES["infidelity"].score(bad))


def test_the_deletion_curve_of_a_linear_network_is_the_sorted_sum(examine: Examine) -> None:
    network = Linear((16, 16))
    image = np.random.default_rng(1).uniform(1, 2, (1, 1, 16, 16)).astype(np.float32)
    map_ = examine(scalar_of(network), IG, image)
    exact = (network.weight.detach().numpy()[0, 0] * (image[0, 0] - image.min())).ravel()
    order = np.argsort(-exact, kind="stable")
    whole = float((network.weight.detach().numpy() * image).sum())
    removed = [whole - exact[order[:k]].sum() for k in range(0, 257, 16)]
    found = curve_of(map_.scalar, image, order, insert=False)
    assert found == pytest.approx(removed, abs=1e-4)
    none = float((network.weight.detach().numpy() * image.min()).sum())
    shown = [none + exact[order[:k]].sum() for k in range(0, 257, 16)]
    assert curve_of(map_.scalar, image, order, insert=True) == pytest.approx(shown, abs=1e-4)
    assert area(np.array([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert value(SCORES["deletion_gain"].score(map_)) > 0.3
    assert value(SCORES["infidelity"].score(map_)) < 1e-6


def test_an_order_without_meaning_gains_nothing_on_average(examine: Examine) -> None:
    scalar, image, rng = scalar_of(Reader()), lesion_image(), np.random.default_rng(0)
    drawn = [value(SCORES["deletion_gain"].score(examine(scalar, IG, image, attribution=rng.normal(size=(32, 32)))))
             for _ in range(12)]  # fmt: skip
    assert abs(np.mean(drawn)) < 0.1


def test_localisation_by_hand() -> None:
    mask = lesion_mask()
    attribution = np.random.default_rng(4).normal(size=(32, 32)).astype(np.float32)
    size = np.abs(attribution)
    assert energy_inside(attribution, mask) == pytest.approx(size[mask].sum() / size.sum())
    top = np.argsort(-attribution.ravel())[: mask.sum()]
    chosen = np.isin(np.arange(1024), top).reshape(32, 32)
    assert iou_equal_area(attribution, mask) == pytest.approx((chosen & mask).sum() / (chosen | mask).sum())
    assert pointing_game(attribution, mask) == float(mask.ravel()[attribution.argmax()])
    assert iou_equal_area(mask.astype(np.float32), mask) == 1
    flat = np.ones((32, 32), np.float32)
    assert pointing_game(flat, mask) == pytest.approx(mask.mean())
    expected = mask.sum() * mask.mean()
    assert iou_equal_area(flat, mask) == pytest.approx(expected / (2 * mask.sum() - expected))


QUANTUS = {
    "pointing_game": [0.0, 1.0, 1.0],
    "relevance_rank_accuracy": [0.061224489795918366, 0.32653061224489793, 0.7551020408163265],
    "relevance_mass_accuracy": [0.05013478185953037, 0.07751262274098043, 0.11359887665149127],
}


def test_localisation_is_that_of_quantus() -> None:
    mask, rng = lesion_mask(), np.random.default_rng(11)
    maps = [rng.uniform(0, 1, (32, 32)) + bright * mask for bright in (0.0, 0.3, 0.8)]
    assert [pointing_game(each, mask) for each in maps] == QUANTUS["pointing_game"]
    assert [energy_inside(each, mask) for each in maps] == pytest.approx(QUANTUS["relevance_mass_accuracy"], abs=1e-12)
    share = [2 * iou / (1 + iou) for iou in (iou_equal_area(each, mask) for each in maps)]
    assert share == pytest.approx(QUANTUS["relevance_rank_accuracy"], abs=1e-12)


def test_rank_correlation_is_that_of_scipy() -> None:
    rng = np.random.default_rng(2)
    first, second = rng.integers(0, 5, (20, 20)).astype(np.float32), rng.normal(size=(20, 20)).astype(np.float32)
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first.ravel(), second.ravel()).statistic)
    assert isinstance(rank_correlation(first, np.ones_like(first)), Undefined)


def test_noise_is_rician_on_magnitudes_and_gaussian_else() -> None:
    image = lesion_image()
    assert noisy(image, 0.2, 1).min() >= 0
    assert noisy(image, 0.2, 1).mean() > image.mean()
    signed = image - 0.05
    assert (noisy(signed, 0.2, 1) - signed).mean() == pytest.approx(0, abs=0.01)
    assert (noisy(signed, 0.2, 1) - signed).std() == pytest.approx(0.2 * signed.std(), rel=0.1)


def test_random_weights_keep_their_size_and_are_put_back() -> None:
    network = Reader()
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    blocks = weight_blocks(network, 4)
    assert [len(block) for block in blocks] == [1, 1]
    assert blocks[0][0] is network.last.weight
    with randomised(blocks[1], 3):
        assert not torch.equal(network.mean.weight, before["mean.weight"])
        size = network.mean.weight.pow(2).mean().sqrt()
        assert size.item() == pytest.approx(1 / 9, rel=0.5)
        assert torch.equal(network.last.weight, before["last.weight"])
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


def test_a_map_that_only_shows_edges_fails_the_sanity_check(examine: Examine) -> None:
    """A method that never asks the network is the same with any weights."""
    from dataclasses import replace

    from audit.explanations.method import Attribution

    def edges(scalar: object, pixels: np.ndarray, terms: object = None) -> Attribution:
        return Attribution(np.abs(np.diff(pixels[:, 0], axis=2, append=0)), None, None, ("",) * len(pixels))

    scalar, image = scalar_of(Reader()), lesion_image()
    fails = examine(scalar, replace(IG, explain=edges), image)
    for name in ("randomisation_cascading", "randomisation_independent"):
        assert value(SCORES[name].score(fails)) == pytest.approx(1)
    passes = examine(scalar, IG, image, examination=Examination(randomised_blocks=2))
    found = SCORES["randomisation_cascading"].score(passes)
    assert value(found) < 0.9
    assert found.detail.count(",") == 1


def test_weights_out_of_reach_are_a_reason(examine: Examine) -> None:
    from audit.explanations.black_box import BlackBox

    def predict(pixels: np.ndarray) -> dict[str, np.ndarray]:
        return {"score": pixels[:, 0, 8:12, 20:24].mean(axis=(1, 2))}

    map_ = examine(scalar_of(BlackBox(predict)), METHODS["occlusion"], lesion_image())
    assert "cannot be reached" in str(SCORES["randomisation_cascading"].score(map_).value)
    assert value(SCORES["pointing_game"].score(map_)) > 0
