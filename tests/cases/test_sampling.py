import json

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.cases.manifest import read_set
from audit.cases.sampling import NEGATIVE, POSITIVE, REFERENCE, SEVERAL, Cell, Targets, draw, patient_levels
from audit.planning.sample import sample
from audit.records import BadInput
from audit.tables import UNKNOWN

LEVELS = pd.DataFrame(
    {"site": ["A"] * 30 + ["B"] * 10, REFERENCE: ([POSITIVE] * 5 + [NEGATIVE] * 25) + [POSITIVE, NEGATIVE] * 5},
    index=[f"p{i:02d}" for i in range(40)],
)


def cell(patients, **where):
    return Cell(where=where, patients=patients)


def test_each_cell_gets_its_number_or_its_shortfall():
    cells = [cell(4, site="A", reference=POSITIVE), cell(9, site="B", reference=POSITIVE), cell(6, site="A")]
    patients, found = draw(LEVELS, cells, 1)
    assert [(each.available, each.drawn, each.shortfall) for each in found] == [(5, 4, 0), (5, 5, 4), (30, 6, 0)]
    assert len(patients) == 4 + 5 + 2  # the four positives of A count among its six


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(40)), st.integers(0, 9), st.integers(1, 20))
def test_the_draw_does_not_depend_on_order_and_grows_by_adding(order, seed, number):
    cells = [cell(number, site="A")]
    drawn, [found] = draw(LEVELS, cells, seed)
    assert draw(LEVELS.iloc[list(order)], cells, seed)[0] == drawn
    assert found.drawn == number
    assert set(drawn) <= set(draw(LEVELS, [cell(number + 5, site="A")], seed)[0])


def test_every_patient_of_a_cell_is_drawn_equally_often():
    seeds = 200
    times = pd.Series(0, index=LEVELS.index)
    for seed in range(seeds):
        times[draw(LEVELS, [cell(5, site="B")], seed)[0]] += 1
    drawn = times[LEVELS["site"] == "B"]
    assert times.sum() == drawn.sum() == 5 * seeds
    assert np.abs(drawn - seeds / 2).max() < 4.5 * np.sqrt(seeds / 4)  # binomial, half of ten patients each time


def test_levels_of_patients_with_several_images():
    cases = pd.DataFrame(
        {
            "patient_id": ["a", "a", "b", "b", "c", "d"],
            "stratum:site": ["A", "A", "A", "B", "B", "B"],
            "lesion": [0, 1, 0, 0, None, 0],
        }
    )
    targets = Targets.model_validate(
        {"name": "s", "seed": 0, "strata": {"site": {}}, "reference": {"column": "lesion"},
         "cells": [{"where": {"site": "A"}, "patients": 1}]}
    )  # fmt: skip
    levels = patient_levels(cases, targets)
    assert levels["site"].to_dict() == {"a": "A", "b": SEVERAL, "c": "B", "d": "B"}
    assert levels[REFERENCE].to_dict() == {"a": POSITIVE, "b": NEGATIVE, "c": UNKNOWN, "d": NEGATIVE}


TARGETS = {
    "name": "drawn",
    "seed": 3,
    "strata": {"site": {}},
    "reference": {"column": "lesion"},
    "cells": [
        {"where": {"site": "1", "reference": "positive"}, "patients": 1},
        {"where": {"site": "2"}, "patients": 1},
    ],
    "sequestered": True,
}


@pytest.fixture
def pool(small, tmp_path):
    for i, row in enumerate(small.rows):
        row |= {"site": str(1 + i // 2 % 2), "lesion": str(int(i // 2 != 2))}
    folder = small.write()
    (tmp_path / "targets.yaml").write_text(yaml.safe_dump(TARGETS), encoding="utf-8")
    return folder


def drawn(pool, tmp_path, name="new", **more):
    return sample(pool, tmp_path / "targets.yaml", tmp_path / name, **more)


def test_a_new_set_is_written_that_can_be_read_and_says_where_it_is_from(pool, tmp_path):
    made = drawn(pool, tmp_path)
    new, old = read_set(made.folder), read_set(pool)
    assert new.sha256 == made.sha256
    assert new.facts.sequestered
    assert new.facts.sampling.kind == "enriched"
    assert old.sha256 in new.facts.sampling.how
    assert set(new.cases["patient_id"]) < set(old.cases["patient_id"])
    record = json.loads((made.folder / "sampling.json").read_text())
    assert record["pool"]["sha256"] == old.sha256
    assert record["targets"]["seed"] == 3
    assert [each["wanted"] for each in record["cells"]] == [1, 1]
    assert record["cases"] == len(new.cases)


def test_rows_in_another_order_give_the_same_manifest(pool, tmp_path):
    first = drawn(pool, tmp_path, "first").folder
    manifest = pool / "manifest.csv"
    head, *rows = manifest.read_text().splitlines()
    manifest.write_text("\n".join([head, *reversed(rows)]) + "\n")
    second = drawn(pool, tmp_path, "second").folder
    assert (first / "manifest.csv").read_bytes() == (second / "manifest.csv").read_bytes()


def test_images_can_be_copied_and_a_changed_image_is_refused(pool, tmp_path):
    made = drawn(pool, tmp_path, "copied", copy=True)
    assert read_set(made.folder).roots["drawn"] == made.folder.resolve()
    changed = pool / str(read_set(made.folder).cases["image"].iloc[0])
    changed.write_bytes(b"other")
    with pytest.raises(BadInput, match="SHA-256"):
        drawn(pool, tmp_path, "again")
    assert not (tmp_path / "again").exists()
    assert not list(tmp_path.glob(".again*"))


def test_a_shortfall_names_the_cell_and_the_levels_there_are(pool, tmp_path):
    cells = [{"where": {"site": "9"}, "patients": 2}, {"where": {"site": "1"}, "patients": 1}]
    (tmp_path / "targets.yaml").write_text(yaml.safe_dump({**TARGETS, "cells": cells}), encoding="utf-8")
    made = drawn(pool, tmp_path)
    assert made.short
    words = "site 9: 0 drawn of 0 in the pool, 2 short of 2 (no patient has site '9'; the pool has 1, 2)"
    assert words in made.as_text()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"cells": []}, "cells"),
        ({"cells": [{"where": {"sight": "1"}, "patients": 1}]}, "names 'sight'; the strata are site, reference"),
        ({"cells": [{"where": {"site": "9"}, "patients": 1}]}, "no patient of the pool meets any cell"),
        ({"reference": {"column": "lesions"}}, "no column 'lesions' for its reference"),
        ({"sede": 3}, "sede: there is no such key"),
    ],
)
def test_flawed_targets_are_one_sentence(pool, tmp_path, change, sentence):
    (tmp_path / "targets.yaml").write_text(yaml.safe_dump({**TARGETS, **change}), encoding="utf-8")
    with pytest.raises(BadInput, match=sentence):
        drawn(pool, tmp_path)
    assert not (tmp_path / "new").exists()


def test_an_existing_folder_is_never_overwritten(pool, tmp_path):
    drawn(pool, tmp_path)
    with pytest.raises(BadInput, match="exists already"):
        drawn(pool, tmp_path)
