import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.cases.flow import (
    NO_MASK,
    NO_PREDICTION,
    NO_REFERENCE,
    NO_SCORE,
    NO_WORDS,
    OTHER_GRID,
    dispositions,
    flow_counts,
    flow_reasons,
)
from audit.cases.references import references_table
from audit.grids import Grid
from audit.plan import Plan, Target
from audit.records import BadInput
from audit.tables import DISPOSITIONS, FATES, PREDICTIONS, REFERENCES


def predicted(rows, version="candidate", target="lesion"):
    frame = pd.DataFrame(rows, columns=["case_id", "score", "error"])
    return PREDICTIONS.conform(frame.assign(version=version, target=target, artifact=None, seconds=0.1))


def read(values, target="lesion"):
    frame = pd.DataFrame({"case_id": [f"c{i}" for i in range(len(values))], "value": values})
    return REFERENCES.conform(frame.assign(target=target, reader="reference", artifact=None))


def manifest(n, **columns):
    ids = pd.Series([f"c{i}" for i in range(n)], dtype="string")
    return pd.DataFrame({"case_id": ids, "patient_id": ids} | columns)


def test_each_fate_has_its_reason(make_plan):
    plan = make_plan(analysis_population=[{"column": "site", "equals": ["pilot"], "reason": "pilot site"}])
    cases = manifest(8, site=["pilot"] + ["main"] * 7)
    rows = [
        ("c0", 0.5, None),
        ("c1", 0.5, None),
        ("c2", None, "rejected: too small"),
        ("c3", None, "unreadable DICOM"),
        ("c4", None, "equivocal: low confidence"),
        ("c5", float("nan"), None),
        ("c6", 0.5, None),
    ]
    table = dispositions(cases, read([1, None, 1, 0, 1, 0, 1, 0]), predicted(rows), plan)
    found = dict(zip(table["case_id"], zip(table["fate"], table["reason"], strict=True), strict=True))
    assert found["c0"] == ("excluded", "pilot site")
    assert found["c1"] == ("excluded", NO_REFERENCE)
    assert found["c2"] == ("rejected", "rejected: too small")
    assert found["c3"] == ("failed", "unreadable DICOM")
    assert found["c4"] == ("equivocal", "equivocal: low confidence")
    assert found["c5"] == ("failed", NO_SCORE)
    assert found["c6"][0] == "analysed"
    assert pd.isna(found["c6"][1])
    assert found["c7"] == ("failed", NO_PREDICTION)
    counts = flow_counts(table).iloc[0].to_dict()
    assert counts == {
        "version": "candidate",
        "target": "lesion",
        "all": 8,
        "excluded": 2,
        "rejected": 1,
        "failed": 3,
        "equivocal": 1,
        "analysed": 1,
    }
    reasons = flow_reasons(table)
    assert reasons["n_cases"].sum() == 7
    assert set(reasons["fate"]) == {"excluded", "rejected", "failed", "equivocal"}


def test_arms_have_fates_of_their_own(make_plan):
    cases = manifest(2)
    both = pd.concat(
        [
            predicted([("c0", 0.1, None), ("c1", 0.2, None)]),
            predicted([("c0", 0.1, None), ("c1", None, "crashed")], "candidate + noise"),
        ]
    )
    counts = flow_counts(dispositions(cases, read([0, 1]), both, make_plan()))
    assert list(counts["version"]) == ["candidate", "candidate + noise"]
    assert list(counts["failed"]) == [0, 1]


def test_a_version_without_any_prediction_is_all_failed(make_plan):
    plan = make_plan(comparator={"kind": "mlflow", "name": "m", "version": "0"})
    counts = flow_counts(
        dispositions(manifest(3), read([0, 1, 1]), predicted([(f"c{i}", 0.1, None) for i in range(3)]), plan)
    )
    assert counts.set_index("version").loc["comparator", "failed"] == 3


def test_unknown_exclusion_column(make_plan):
    plan = make_plan(analysis_population=[{"column": "siet", "equals": ["a"], "reason": "x"}])
    with pytest.raises(BadInput, match="no column 'siet'; columns: case_id, patient_id"):
        dispositions(manifest(1), read([1]), predicted([("c0", 0.5, None)]), plan)


def test_a_missing_mask_is_a_failure(make_plan):
    plan = make_plan(targets={"lesion": {"task": "segmentation", "output": "m", "reference": "m"}})
    references = read([None, None]).assign(artifact=["a.png", None]).astype({"artifact": "string"})
    table = dispositions(manifest(2), references, predicted([("c0", None, None), ("c1", None, None)]), plan)
    assert list(table["fate"]) == ["failed", "excluded"]
    assert list(table["reason"]) == [NO_MASK, NO_REFERENCE]


outcome = st.tuples(
    st.sampled_from([0.0, 1.0, None]),
    st.sampled_from([0.3, None, float("inf"), float("nan"), -0.0]),
    st.sampled_from([None, "rejected: x", "Rejected", "equivocal", "boom", "", "  ", "analysed"]),
    st.sampled_from(["a", "b", None]),
    st.booleans(),
    st.booleans(),
)


def flow_of(outcomes, order):
    """Dispositions of a candidate, an arm and a comparator, with rows of the inputs in ``order``."""
    plan = Plan.model_validate(
        {
            "id": "p",
            "title": "t",
            "intended_purpose": "i",
            "model": {"kind": "mlflow", "name": "m", "version": "1"},
            "comparator": {"kind": "mlflow", "name": "m", "version": "0"},
            "validation_sets": ["s"],
            "targets": {
                "lesion": {"task": "classification", "output": "o", "reference": "r"},
                "outline": {"task": "segmentation", "output": "m", "reference": "m"},
            },
            "analysis_population": [
                {"column": "site", "equals": ["b"], "reason": "site b"},
                {"column": "site", "equals": ["b", "a"], "reason": "never the first to hold for b"},
            ][: 1 + len(outcomes) % 2],
        }
    )
    cases = manifest(len(outcomes), site=[o[3] for o in outcomes]).iloc[order]
    rows = [(f"c{i}", o[1], o[2]) for i, o in enumerate(outcomes) if o[4]]
    half = [(f"c{i}", o[1], o[2]) for i, o in enumerate(outcomes) if o[5]]
    foreign = [("nobody", 0.5, None)]
    predictions = pd.concat(
        [
            predicted(rows + foreign),
            predicted(half, target="outline").assign(artifact=[None if i % 2 else "m" for i in range(len(half))]),
            predicted(half, "candidate + noise"),
        ]
    ).sample(frac=1, random_state=len(outcomes))
    read_values = [o[0] for o in outcomes]
    masks = read(read_values, "outline").assign(artifact=[None if v is None else "r" for v in read_values])
    references = pd.concat([read(read_values)[: len(outcomes) - 1], masks]).astype({"artifact": "string"})
    return cases, DISPOSITIONS.conform(dispositions(cases, references, predictions, plan))


@settings(max_examples=12, deadline=None)
@given(st.lists(outcome, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_flow_always_adds_up(outcomes, chance):
    order = list(range(len(outcomes)))
    chance.shuffle(order)
    cases, table = flow_of(outcomes, order)
    keys = ["version", "target"]
    for _, rows in table.groupby(keys):
        assert list(rows["case_id"]) == list(cases["case_id"])
    assert set(table["fate"]) <= set(FATES)
    assert (table["reason"].isna() == (table["fate"] == "analysed")).all()
    assert (table["reason"].dropna().str.strip() != "").all()
    counts = flow_counts(table)
    assert len(counts) == (6 if any(o[5] for o in outcomes) else 4)
    assert (counts[list(FATES)].sum(axis=1) == counts["all"]).all()
    assert (counts["all"] == len(outcomes)).all()
    lost = (
        flow_reasons(table).groupby(keys)["n_cases"].sum().reindex(pd.MultiIndex.from_frame(counts[keys]), fill_value=0)
    )
    assert (lost.to_numpy() == (counts["all"] - counts["analysed"]).to_numpy()).all()
    _, plain = flow_of(outcomes, list(range(len(outcomes))))
    pd.testing.assert_frame_equal(*(t.sort_values([*keys, "case_id"], ignore_index=True) for t in (table, plain)))


@pytest.mark.parametrize("blank", ["", "   "])
def test_an_error_without_words_is_a_failure_with_a_reason(make_plan, blank):
    table = dispositions(manifest(1), read([1]), predicted([("c0", 0.5, blank)]), make_plan())
    assert list(table["fate"]) == ["failed"]
    assert list(table["reason"]) == [NO_WORDS]


def test_a_flow_that_does_not_add_up_is_an_error():
    table = pd.DataFrame(
        {"version": "candidate", "target": "t", "case_id": ["a", "a"], "fate": ["failed", "analysed"], "reason": None}
    )
    with pytest.raises(ValueError, match="does not add up"):
        flow_counts(table)


def target(**changes):
    return {"t": Target.model_validate({"task": "classification", "output": "o", "reference": "r"} | changes)}


def values(column, **changes):
    return references_table(manifest(len(column), r=column), target(**changes))["value"].tolist()


@pytest.mark.parametrize(
    ("column", "changes", "expected"),
    [
        ([1, 0, 1], {}, [1, 0, 1]),
        (["1", "0", None], {}, [1, 0, pd.NA]),
        ([True, False, True], {}, [1, 0, 1]),
        ([-1, 0, 1], {"positive": [-1]}, [1, 0, 0]),
        (["B", "C", None], {"positive": ["C", "D"]}, [0, 1, pd.NA]),
        (["2.0", "3", "02"], {"positive": [2]}, [1, 0, 1]),
        (["2.0", "3", "2"], {"positive": ["2"]}, [0, 0, 1]),
    ],
)
def test_reference_values(column, changes, expected):
    assert values(column, **changes) == expected


def test_a_third_level_never_becomes_negative_unnoticed():
    with pytest.raises(BadInput, match=r"holds '2' in row 2 .case c1.; expected 0 or 1"):
        values([1, 2, 0])


def test_unknown_reference_column():
    with pytest.raises(BadInput, match="no column 'x' for its reference standard; columns: case_id"):
        values([1, 0], reference="x")


def test_segmentation_references_name_masks(small):
    from audit.cases.manifest import read_set

    cases = read_set(small.write()).cases
    rows = references_table(cases, target(task="segmentation", reference="lesion_mask"))
    assert rows["artifact"][1] == "masks/c1.png"
    assert rows["value"].isna().all()
    with pytest.raises(BadInput, match="no column 'site_sha256'"):
        references_table(cases, target(task="segmentation", reference="site"))


def test_a_mask_on_another_grid_is_a_failed_case_with_its_reason(make_plan):
    target = {"task": "segmentation", "output": "o", "reference": "m", "grid_tolerance_mm": 0.001}
    plan = make_plan(targets={"lesion": target})
    grids = [Grid((3, 4, 4), (3.0, 0.5, 0.5)), Grid((3, 4, 5), (3.0, 0.5, 0.5)), Grid((3, 4, 4), (3.0, 0.5, 0.502))]
    references = read([None] * 4).assign(artifact="m.nii", grid=grids[0].text())
    made = predicted([(f"c{i}", None, None) for i in range(4)]).assign(artifact="p.nii")
    made["grid"] = [*(grid.text() for grid in grids), None]
    table = dispositions(manifest(4), references, made, plan)
    assert table["fate"].tolist() == ["analysed", "failed", "failed", "analysed"]
    assert table["reason"].tolist() == [
        pd.NA,
        f"{OTHER_GRID}: 3 x 4 x 5 voxels against 3 x 4 x 4",
        f"{OTHER_GRID}: spacing",
        pd.NA,
    ]
