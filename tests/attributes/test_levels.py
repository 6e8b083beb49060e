import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.attributes.age_band import years
from audit.attributes.bands import band_names, to_bands
from audit.attributes.field_strength import nominal
from audit.attributes.levels import gaps, level_order, stratify
from audit.attributes.manufacturer import maker
from audit.catalogue import entries
from audit.plan import Stratum
from audit.records import BadInput
from audit.tables import UNKNOWN


def cases(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"case_id": [f"c{i}" for i in range(n)]} | columns)


def levels(name, stratum=None, **columns):
    return stratify(cases(**columns), {name: Stratum.model_validate(stratum or {})})[f"stratum:{name}"].tolist()


def test_every_entry_is_complete():
    assert set(entries("attributes")) == {"sex", "age_band", "manufacturer", "site", "field_strength", "view"}
    for name, entry in entries("attributes").items():
        assert entry.name == name
        assert entry.columns
        assert entry.source


def test_sex():
    written = ["M", "male", "F", "Female", "1", "2", "O", "U", None, " f "]
    assert levels("sex", sex=written) == ["M", "M", "F", "F", "M", "F", "other", UNKNOWN, UNKNOWN, "F"]
    assert levels("sex", sex=pd.Series([1, 2, 0, 9], dtype="Int64")) == ["M", "F", UNKNOWN, UNKNOWN]


def test_age_bands_are_half_open():
    found = levels("age_band", {"cuts": [18, 40, 60]}, age_years=[17.99, 18, 39.999, 40, 60, 90, None])
    assert found == ["<18", "18-40", "18-40", "40-60", "≥60", "≥60", UNKNOWN]


def test_dicom_ages():
    written = ["045Y", "006M", "104W", "0Y", "17", "-3", "999Y", "old", ""]
    found = levels("age_band", {"cuts": [1, 18]}, age_years=written)
    assert found == ["≥18", "<1", "1-18", "<1", "1-18", UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]
    assert years("030D") == pytest.approx(30 / 365.25)


def test_age_needs_cuts():
    with pytest.raises(BadInput, match=r"'age_band' is a number .years.; give 'cuts'"):
        levels("age_band", age_years=[3, 4])


def test_cuts_are_printed_as_short_as_they_are():
    assert band_names([0.5, 2.0, 10]) == ["<0.5", "0.5-2", "2-10", "≥10"]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("SIEMENS", "Siemens Healthineers"),
        ("Siemens Healthineers AG", "Siemens Healthineers"),
        ("Siemens Medical Systems, Inc.", "Siemens Healthineers"),
        ("Phillips", "Philips"),
        ("Philips Medical Systems", "Philips"),
        ("GE", "GE HealthCare"),
        ("G.E. Medical Systems", "GE HealthCare"),
        ("General Electric", "GE HealthCare"),
        ("Genesis Imaging", "Genesis Imaging"),
        ("TOSHIBA_MEC", "Canon / Toshiba"),
        ("FUJI PHOTO FILM CO. LTD.", "Fujifilm"),
        ("Aurelion", "Aurelion"),
        ("UNKNOWN", None),
        ("Manufacturer name here", None),
        (" - ", None),
    ],
)
def test_makers(written, expected):
    assert maker(written) == expected


def test_makers_of_real_headers(shared):
    index = pd.read_csv(shared / "data/dicom_vendors/index.csv", dtype=str, keep_default_na=False)
    for row in index[index["manufacturer"] != ""].itertuples():
        assert maker(row.manufacturer_as_written) == row.manufacturer


def test_manufacturer_keeps_the_original_beside_and_unlisted_spellings_together():
    frame = cases(manufacturer_as_written=["ACME", "acme", "ACME", "GE", ""])
    out = stratify(frame, {"manufacturer": Stratum()})
    assert out["stratum:manufacturer"].tolist() == ["ACME", "ACME", "ACME", "GE HealthCare", UNKNOWN]
    assert out["manufacturer_as_written"].tolist() == ["ACME", "acme", "ACME", "GE", ""]


def test_field_strength():
    assert [nominal(v) for v in (2.8936, 1.494, 3, 15000, 0.55, 2.2)] == [
        "3 T",
        "1.5 T",
        "3 T",
        "1.5 T",
        "0.55 T",
        None,
    ]
    assert levels("field_strength", field_strength_t=["3T", "1.5", None]) == ["3 T", "1.5 T", UNKNOWN]
    assert levels("field_strength", {"cuts": [2]}, field_strength_t=[3, 1.5]) == ["≥2", "<2"]


def test_view_and_site():
    assert levels("view", view=["PA", "ap", "LATERAL", "MLO", None]) == ["PA", "AP", "lateral", "MLO", UNKNOWN]
    assert levels("site", center=[1, 2]) == ["1", "2"]


def test_any_column_is_a_stratum_by_levels_or_cuts():
    assert levels("density", density=["b", None, "c & d"]) == ["b", UNKNOWN, "c and d"]
    assert levels("grade", grade=pd.Series([1, None, 3], dtype="Float64")) == ["1", UNKNOWN, "3"]
    assert levels("load", {"column": "volume_ml", "cuts": [1]}, volume_ml=[0.2, 1, None]) == ["<1", "≥1", UNKNOWN]
    assert levels("sex", {"column": "geschlecht"}, geschlecht=["w", "M"]) == ["F", "M"]


@pytest.mark.parametrize(
    ("name", "stratum", "columns", "words"),
    [
        ("density", {}, {"site": ["a"]}, "no column 'density'; columns: case_id, site"),
        ("sex", {"column": "gender_"}, {"sex": ["M"]}, "no column 'gender_'"),
        ("site", {"baseline": "C"}, {"site": ["A", "B"]}, "no case has the baseline level 'C'; levels: A, B"),
        ("sex", {"baseline": "unknown"}, {"sex": ["M", None]}, "baseline level 'unknown'; levels: M"),
        ("sex", {}, {"sex": [None, ""]}, "column 'sex' is wholly empty"),
        (
            "load",
            {"cuts": [1]},
            {"load": ["0.1", "much"]},
            "holds 'much' in row 2 .case c1., but its cuts need numbers",
        ),
        ("age_band", {"cuts": [50], "baseline": "50+"}, {"age_years": [40, 60]}, "levels: <50, ≥50"),
    ],
)
def test_impossible_strata_get_one_sentence(name, stratum, columns, words):
    with pytest.raises(BadInput, match=words) as raised:
        levels(name, stratum, **columns)
    assert "\n" not in str(raised.value)


def test_gaps_say_why():
    frame = cases(sex=["M", None, "?"], site=["a", "b", "c"])
    rows = gaps(frame, {"sex": Stratum(), "site": Stratum()}).to_dict("records")
    assert rows == [
        {"attribute": "sex", "reason": "column 'sex' is blank", "n_cases": 1},
        {"attribute": "sex", "reason": "column 'sex' names no known level", "n_cases": 1},
    ]


def test_level_order():
    bands = pd.Series(["≥60", "unknown", "<18", "18-60"])
    assert level_order(bands, Stratum(cuts=(18, 60))) == ["<18", "18-60", "≥60", "unknown"]


numbers = st.one_of(st.none(), st.floats(-200, 200), st.integers(-5, 150))


@settings(deadline=None, max_examples=25)
@given(
    st.lists(numbers, min_size=1, max_size=30).filter(lambda v: any(x is not None for x in v)),
    st.lists(st.integers(0, 100), min_size=1, max_size=4, unique=True).map(sorted),
    st.lists(st.sampled_from(["M", "F", "x", "", None]), min_size=30, max_size=30),
)
def test_every_case_gets_exactly_one_level_and_counts_add_up(values, cuts, sexes):
    frame = cases(load=pd.Series(values, dtype="Float64"), sex=["M", *sexes[1 : len(values)]])
    strata = {"load": Stratum(cuts=tuple(cuts)), "sex": Stratum()}
    out = stratify(frame, strata)
    for name, stratum in strata.items():
        found = out[f"stratum:{name}"]
        assert found.notna().all()
        counts = found.value_counts()
        assert counts.sum() == len(frame)
        assert set(counts.index) == set(level_order(found, stratum))
        lost = gaps(frame, strata)
        assert counts.get(UNKNOWN, 0) == lost.loc[lost["attribute"] == name, "n_cases"].sum()
    pd.testing.assert_frame_equal(out[list(frame.columns)], frame)


@given(st.floats(-1e6, 1e6), st.lists(st.integers(-100, 100), min_size=1, max_size=5, unique=True).map(sorted))
def test_a_band_holds_its_number(value, cuts):
    band = to_bands(pd.Series([value]), cuts)[0]
    below = sum(cut <= value for cut in cuts)
    assert band == band_names(cuts)[below]
