"""A model that learned a side marker is caught, wherever the marker is and whatever it looks like; its twin is not.

Both are trained here: logistic regression on coarse pixels. Half of the images hold a lesion somewhere in the body; in
the shortcut's training set nearly all of these bear a marker, in the twin's the marker is tossed.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from auditing import plan_of, tables
from sklearn.linear_model import LogisticRegression

from audit.analyses.analysing import analyse, analyses_table, answered
from audit.analyses.shortcuts import ENTRY
from audit.analyses.study import new_study
from audit.decision_tables import COPIES, MAP_REGIONS
from audit.engines.copies import Asked, Copy, run_copies
from audit.explanations.anatomy import body_of, burned_in_marks, frame_of, nearest_outside, written_in
from audit.explanations.map_regions import map_regions_table
from audit.explanations.masking import MASKED, area_inside, masked_by, painted
from audit.plan_decisions import Shortcuts
from audit.records import Image

SIDE, BODY = 40, 15
Marker = Callable[[np.ndarray], None]


def letter(pixels: np.ndarray) -> None:
    pixels[2:9, 2:4] = 4.0
    pixels[7:9, 2:6] = 4.0


def stripe(pixels: np.ndarray) -> None:
    pixels[:2, :] = 3.0


def dark_box_in_the_body(pixels: np.ndarray) -> None:
    pixels[14:20, 24:31] = 0.0


MARKERS: dict[str, tuple[Marker, str]] = {
    "letter in a corner": (letter, "corners"),
    "stripe along the edge": (stripe, "border"),
    "flat box over the body": (dark_box_in_the_body, "marks"),
}


def image(seed: int, lesion: bool, marker: Marker | None) -> np.ndarray:
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    pixels = np.where(np.hypot(x, y) <= BODY, 1.0, 0.05) + generator.normal(0, 0.05, (SIDE, SIDE))
    if lesion:
        row, column = generator.integers(-7, 8, 2)
        pixels[np.hypot(y - row, x - column) <= 4] += 0.3
    if marker:
        marker(pixels)
    return pixels.astype(np.float32)


def coarse(batch: np.ndarray) -> np.ndarray:
    return batch.reshape(len(batch), 8, 5, 8, 5).mean(axis=(2, 4)).reshape(len(batch), -1)


class Learned:
    """A linear model of 64 coarse pixels, trained on images whose marker goes with the lesion as told."""

    def __init__(self, marker: Marker, with_lesion: float, without: float) -> None:
        generator = np.random.default_rng(1)
        lesion = generator.random(600) < 0.5
        marked = generator.random(600) < np.where(lesion, with_lesion, without)
        batch = np.stack([image(5000 + i, lesion[i], marker if marked[i] else None) for i in range(600)])
        self.model = LogisticRegression(C=10.0, max_iter=2000).fit(coarse(batch), lesion)

    def __call__(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return {"s": self.model.predict_proba(coarse(batch[:, 0]))[:, 1]}


def audited(model: Learned, marker: Marker, marked: np.ndarray, lesion: np.ndarray, site: np.ndarray) -> pd.DataFrame:
    n = len(lesion)
    pictures = {f"c{i:05d}": image(i, lesion[i], marker if marked[i] else None) for i in range(n)}
    scores = model(np.stack(list(pictures.values()))[:, None])["s"]
    rules = {
        "target": "t",
        "regions": ["border", "corners", "outside anatomy", "marks"],
        "border": 0.05,
        "corner": 0.25,
    }
    plan = plan_of({"site": {}}, model={"kind": "mlflow", "name": "m", "version": 1}, shortcuts=rules)
    assert plan.shortcuts is not None
    frame = pd.DataFrame({"y": lesion.astype(int), "score": scores, "site": site})
    cases, observations, fates = tables(frame, plan)
    paint = masked_by(plan.shortcuts, lambda case: None, lambda case: np.random.default_rng(int(case[1:])))

    def make(case: str, picture: Image):
        return (Copy(MASKED, p.name, p.pixels, p.area, p.how, p.undefined) for p in paint(case, picture))

    asked = Asked("candidate", "t", "s", [(case, case) for case in pictures])
    copies = run_copies(asked, lambda case: Image(pictures[case], None), model, [make], 64)
    study = new_study(plan, cases, observations, fates, pd.DataFrame(), {}, decisions={COPIES.name: copies})
    return analyses_table(answered(ENTRY, study))


def verdicts(rows: pd.DataFrame, site: str | None = None) -> dict[str, str]:
    mine = rows[rows["quantity"] == "decisions turned"]
    mine = mine[mine["attribute"] == "overall"] if site is None else mine[mine["level"] == site]
    return dict(zip(mine["measure"], mine["verdict"], strict=True))


@pytest.mark.parametrize("name", MARKERS)
def test_a_learned_marker_is_caught_and_the_clean_twin_is_not(name: str) -> None:
    marker, region = MARKERS[name]
    generator = np.random.default_rng(3)
    lesion = generator.random(160) < 0.5
    marked = generator.random(160) < np.where(lesion, 0.9, 0.1)
    site = np.where(generator.random(160) < 0.5, "North", "South")
    cheat = audited(Learned(marker, 0.95, 0.02), marker, marked, lesion, site)
    honest = audited(Learned(marker, 0.5, 0.5), marker, marked, lesion, site)
    assert verdicts(cheat)[region] == "depends"
    assert "depends" not in verdicts(honest).values()
    assert verdicts(honest)[region] == ("not settled" if region == "marks" else "no dependence shown")


def test_a_marker_of_one_site_is_found_there() -> None:
    """The marker goes with the lesion at one site only; at the other it is tossed, and decisions follow it all the
    same."""
    generator = np.random.default_rng(4)
    lesion = generator.random(240) < 0.5
    site = np.where(np.arange(240) % 2 == 0, "North", "South")
    marked = generator.random(240) < np.where(site == "North", np.where(lesion, 0.95, 0.02), 0.0)
    rows = audited(Learned(letter, 0.95, 0.02), letter, marked, lesion, site)
    assert verdicts(rows, "North")["corners"] == "depends"
    assert verdicts(rows, "South")["corners"] != "depends"


RULES = Shortcuts(target="t", regions=("border", "corners", "outside anatomy", "marks"))


def test_masking_paints_the_region_and_as_many_pixels_inside() -> None:
    pixels = image(1, True, letter)
    found = {each.name: each for each in painted(RULES, Image(pixels, None), None, np.random.default_rng(0))}
    assert set(found) == {r + e for r in RULES.regions for e in ("", ": inside")}
    body = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE // 2)) <= BODY
    for region in ("border", "corners", "marks"):
        inside = found[region + ": inside"]
        limit = 0.25 * body.mean()
        assert inside.area == pytest.approx(min(found[region].area, limit), abs=0.01)
        assert not (inside.pixels != pixels)[~body].mean() > 0.01
    assert found["marks"].pixels[2:9, 2:4].max() < 1.0
    assert (found["outside anatomy"].pixels[body] == pixels[body]).mean() > 0.98
    clean = {
        each.name: each for each in painted(RULES, Image(image(1, True, None), None), None, np.random.default_rng(0))
    }
    assert clean["marks"].pixels is None
    assert "no such part" in clean["marks"].undefined


def framed(pixels: np.ndarray) -> None:
    for edge in (np.s_[:4, :], np.s_[-4:, :], np.s_[:, :4], np.s_[:, -4:]):
        pixels[edge] = 1.6


def letters_of_strokes(pixels: np.ndarray) -> None:
    """Strokes one pixel wide that meet at corners alone, half on the body, with no part of twelve pixels."""
    for start in (10, 15, 20):
        pixels[np.arange(33, 38), np.arange(start, start + 5)] = 2.5
        pixels[np.arange(33, 38), np.arange(start + 4, start - 1, -1)] = 2.5


def test_a_frame_wider_than_the_border_and_thin_letters_are_masked_as_a_whole() -> None:
    plain = image(1, True, None)
    for marker, region, written in ((framed, "border", 4 * 40 * 4 - 4 * 16), (letters_of_strokes, "marks", 3 * 9)):
        pixels = plain.copy()
        marker(pixels)
        put_in = pixels != plain
        assert put_in.sum() == written
        assert (body_of(pixels, written_in(pixels)).mask != body_of(plain).mask).mean() < 0.02
        found = {each.name: each for each in painted(RULES, Image(pixels, None), None, np.random.default_rng(0))}
        for name in (region, "outside anatomy"):
            assert found[name].pixels[put_in].max() < 1.5
    assert not frame_of(plain).any()
    assert not burned_in_marks(plain).any()


def test_a_flat_finding_is_no_mark_where_its_mask_is_known() -> None:
    pixels, finding = image(1, False, letter), np.zeros((SIDE, SIDE), bool)
    finding[22:27, 14:19] = True
    pixels[finding] = 2.5
    given = Image(pixels, None), None, np.random.default_rng(0)
    unknown = {each.name: each for each in painted(RULES, *given)}["marks"]
    known = {each.name: each for each in painted(RULES, *given, finding)}["marks"]
    assert unknown.pixels[finding].max() < 2.5
    assert (known.pixels[finding] == 2.5).all()
    assert known.pixels[2:9, 2:4].max() < 1.0


def test_filling_takes_the_nearest_value_and_the_area_is_compact() -> None:
    pixels = np.arange(25, dtype=np.float32).reshape(5, 5)
    hole = np.zeros((5, 5), bool)
    hole[:, 0] = True
    assert (nearest_outside(pixels, hole)[:, 0] == pixels[:, 1]).all()
    anatomy = np.ones((20, 20), bool)
    area = area_inside(anatomy, 49, np.random.default_rng(0))
    assert area is not None
    assert area.sum() == 49
    assert np.ptp(np.nonzero(area)[0]) < 16
    assert area_inside(np.zeros((4, 4), bool), 5, np.random.default_rng(0)) is None


def test_attribution_on_the_border_is_measured_against_its_area() -> None:
    pixels = image(2, False, None)
    on_border, inside = np.zeros((2, SIDE, SIDE), np.float32)
    on_border[:2] = 1.0
    inside[10:30, 10:30] = 1.0
    maps = {f"{case}.npz": each for case, each in (("c00000", on_border), ("c00001", inside))}
    explained = pd.DataFrame(
        {"version": "candidate", "case_id": ["c00000", "c00001"], "patient_id": ["p0", "p1"], "target": "t",
         "method": "grad_cam", "attribution": list(maps)}
    )  # fmt: skip
    none = dict.fromkeys(["c00000", "c00001"])
    table = map_regions_table(
        explained, maps.__getitem__, lambda c: Image(pixels, (2.0, 1.0)), none.get, none.get, RULES
    )
    border = table[table["region"] == "border"].set_index("case_id")
    assert border.loc["c00000", "share"] == 1.0
    assert border.loc["c00001", "share"] == 0.0
    assert border.loc["c00000", "area"] == pytest.approx(1 - (36 / 40) ** 2)
    assert border.loc["c00000", "extent"] == pytest.approx((1600 - 36**2) * 2.0)
    quadrants = table[table["region"].str.endswith("quadrant")]
    assert (quadrants.groupby("case_id")["share"].sum() == 1.0).all()
    assert not MAP_REGIONS.conform(table)["region_id"].duplicated().any()


def test_nothing_asked_is_said_so() -> None:
    frame = pd.DataFrame({"y": [0, 1] * 20, "score": np.linspace(0, 1, 40), "site": "a"})
    plan = plan_of({"site": {}})
    rows = analyse(plan, *tables(frame, plan), pd.DataFrame(columns=["kind"]))
    for name in ("shortcuts", "uncertainty"):
        mine = rows[rows["analysis"] == name]
        assert mine["undefined"].tolist()[0].startswith("not assessed")
