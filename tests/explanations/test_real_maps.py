"""Real radiographs and networks trained here: what the examination says of them, against answers computed otherwise."""

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from examined_versions import examine
from real_explanations import (
    OUTPUTS,
    PLACES,
    Coarse,
    explained,
    letters,
    pneumonia,
    searched,
    with_boxes,
)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_maps_of_a_network_that_learned_nothing_on_real_films_are_never_usable(shared: Path) -> None:
    found = pneumonia(shared / "data", epochs=2, per_level=3, cases=80, methods=("integrated_gradients",))
    verdicts = {name: each.verdict("integrated_gradients") for name, each in found.items()}
    assert verdicts.pop("trained") in ("usable", "with care")
    assert verdicts == {"random weights": "not usable", "constant": "not usable", "nearly constant": "not usable"}
    assert "better than random weights (p 0.050" in found["trained"].reasons("integrated_gradients")
    assert found["constant"].reasons("integrated_gradients").startswith("no map has a score")


def test_maps_against_a_radiologists_boxes(shared: Path) -> None:
    """Every mean equals one computed from the stored maps and the boxes; five patients are too few for an interval."""
    pictures, network = with_boxes(shared / "data", epochs=2, side=28)
    assert sorted(mask.sum() for mask in pictures.masks.values()) == [2, 9, 9, 54, 272]
    methods = ("grad_cam", "occlusion")
    found = examine(explained(10, PLACES, methods, too_few=6), pictures, network, OUTPUTS)
    for method in methods:
        expected = pd.DataFrame(
            [by_hand(stored(found, case, method), mask) for case, mask in pictures.masks.items()]
        ).mean()
        for score in PLACES:
            rows = found.mean(score, method)
            assert rows["value"].tolist() == pytest.approx([expected[score]], abs=1e-6)
            assert rows["n_patients"].tolist() == [5]
            assert rows["undefined"].tolist() == ["no interval from fewer than 6 patients (5)"]


def stored(found: object, case: str, method: str) -> np.ndarray:
    rows = found.explanations  # type: ignore[attr-defined]
    path = rows.loc[(rows["case_id"] == case) & (rows["method"] == method), "attribution"].iloc[0]
    with np.load(io.BytesIO(found.files[path])) as archive:  # type: ignore[attr-defined]
        return np.asarray(archive["map"], dtype=np.float64)


def by_hand(attribution: np.ndarray, box: np.ndarray) -> dict[str, float]:
    strongest = np.zeros(box.size, bool)
    weight = np.abs(attribution)
    strongest[np.argsort(-weight.ravel(), kind="stable")[: box.sum()]] = True
    both = (strongest & box.ravel()).sum()
    energy, area = weight[box].sum() / weight.sum(), box.mean()
    return {"energy_inside": energy, "area_inside": area, "localisation_gain": energy - area,
            "pointing_game": float(box.ravel()[weight.argmax()]),
            "iou_equal_area": both / (strongest | box.ravel()).sum()}  # fmt: skip


def test_a_site_mark_on_real_films_is_found_and_the_clean_twin_is_left(shared: Path) -> None:
    found = searched(shared / "data", letters, 0, 6, 20, Coarse)
    learned, clean = ({region: each["verdict"] for region, each in found[name]["shortcuts"].items()}
                      for name in ("learned the mark", "clean twin"))  # fmt: skip
    assert learned["corners"] == learned["marks"] == "depends"
    assert "depends" not in clean.values()
