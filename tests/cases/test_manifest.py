import gzip
import hashlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.cases.joining import join_sets
from audit.cases.loading import check_files, image_loader, mask_loader
from audit.cases.manifest import find_set, read_set
from audit.cases.tabular import typed
from audit.records import BadInput
from audit.tables import CASES


def test_a_whole_set_is_read(small):
    read = read_set(small.write())
    assert list(read.cases["case_id"]) == [f"c{i}" for i in range(6)]
    assert list(read.cases["patient_id"]) == ["00000", "00000", "00001", "00001", "00002", "00002"]
    assert str(read.cases["age_years"].dtype) == "Int64"
    assert str(read.cases["spacing_mm"].dtype) == "Float64"
    assert read.cases["sex"].isna().sum() == 2
    assert read.file_columns == ("image", "lesion_mask")
    CASES.conform(read.cases)


def test_digest_stands_for_the_full_content(small):
    first = read_set(small.write())
    assert read_set(small.write()).sha256 == first.sha256
    small.rows[5]["lesion"] = "0"
    relabelled = read_set(small.write())
    small.facts["licence"] = "other"
    relicensed = read_set(small.write())
    assert len({first.sha256, relabelled.sha256, relicensed.sha256}) == 3
    assert relabelled.manifest_sha256 == relicensed.manifest_sha256 != first.manifest_sha256


def test_parquet_and_gzip_give_the_same_cases(small):
    folder = small.write()
    expected = read_set(folder).cases
    data = (folder / "manifest.csv").read_bytes()
    (folder / "manifest.csv.gz").write_bytes(gzip.compress(data))
    pd.read_csv(folder / "manifest.csv", dtype={"patient_id": str}).to_parquet(folder / "manifest.parquet")
    for name in ("manifest.csv.gz", "manifest.parquet"):
        small.facts["manifest"] = name
        small.write()
        pd.testing.assert_frame_equal(read_set(folder).cases[expected.columns], expected, check_dtype=False)


def broken(small, change):
    change(small)
    folder = small.write()
    with pytest.raises(BadInput) as raised:
        read_set(folder)
    text = str(raised.value)
    assert "\n" not in text
    assert text.endswith(".")
    return text


def drop(name):
    return lambda s: [row.pop(name) for row in s.rows]


def put(row, name, value):
    return lambda s: s.rows[row].__setitem__(name, value)


def fact(**changes):
    return lambda s: s.facts.update(changes)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop("case_id"), ["manifest.csv", "column 'case_id' is missing", "patient_id"]),
        (drop("patient_id"), ["column 'patient_id' is missing"]),
        (put(3, "case_id", "c1"), ["case_id 'c1' stands in rows 2, 4"]),
        (put(2, "case_id", " "), ["case_id is empty in row 3"]),
        (put(4, "patient_id", ""), ["patient_id is empty in row 5"]),
        (put(1, "image", "images/none.png"), ["row 2, column 'image'", "images/none.png", "does not exist"]),
        (put(1, "image", "../small/images/c1.png"), ["row 2", "leaves the set's folder"]),
        (put(1, "image", "/etc/hostname"), ["row 2", "leaves the set's folder"]),
        (put(1, "image", "C:\\x.png"), ["row 2", "leaves the set's folder"]),
        (put(1, "image", "..\\small\\images\\c1.png"), ["leaves the set's folder"]),
        (put(1, "image", "images/\0.png"), ["row 2"]),
        (put(1, "sha256", ""), ["row 2, column 'image'", "SHA-256 is missing"]),
        (put(1, "sha256", "12ab"), ["64 hexadecimal digits"]),
        (put(1, "lesion_mask", "masks/x.png"), ["column 'lesion_mask'", "does not exist"]),
        (fact(manifest="other.csv"), ["manifest 'other.csv' does not exist"]),
        (fact(colour="red"), ["set.yaml", "colour"]),
        (fact(sampling={"kind": "random"}), ["set.yaml", "sampling.kind"]),
        (fact(columns={"site": "hospital"}), ["column 'hospital' is missing", "'site'"]),
        (fact(references={"r": {"column": "rating", "positive": [1]}}), ["column 'rating' is missing", "'r'"]),
        (fact(references={"r": {"column": "lesion"}}), ["either 'positive'"]),
        (fact(references={"sex": {"column": "lesion", "positive": [1]}}), ["already a column"]),
    ],
)
def test_each_flaw_gets_one_sentence(small, change, words):
    text = broken(small, change)
    for word in words:
        assert word in text


def test_missing_set_yaml(tmp_path):
    with pytest.raises(BadInput, match=r"set\.yaml: cannot be read"):
        read_set(tmp_path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"case_id,patient_id\n", "no case"),
        (b"case_id,patient_id\na,M\xfcller\n", "line 2 is not UTF-8"),
        (b"case_id,case_id,patient_id\na,b,c\n", "'case_id' occurs twice"),
        (b"case_id,patient_id\na,b,c\n", "row 1 has 3 cells, the header 2"),
        (b"case_id,,patient_id\na,b,c\n", "column 2 of the header has no name"),
        (b'case_id,patient_id\n"a,b\n', "not a readable CSV"),
    ],
)
def test_damaged_csv(small, data, words):
    folder = small.write()
    (folder / "manifest.csv").write_bytes(data)
    with pytest.raises(BadInput, match=words):
        read_set(folder)


@pytest.mark.parametrize("name", ["m.csv.gz", "m.parquet", "m.xlsx"])
def test_damaged_packed_tables(small, name):
    small.facts["manifest"] = name
    folder = small.write()
    (folder / name).write_bytes(b"\x1f\x8b not really")
    with pytest.raises(BadInput, match=name):
        read_set(folder)


def test_floating_point_patient_ids_are_refused(small):
    folder = small.write()
    pd.DataFrame({"case_id": ["a", "b"], "patient_id": [12.0, 13.0]}).to_parquet(folder / "m.parquet")
    small.facts["manifest"] = "m.parquet"
    with pytest.raises(BadInput, match="'patient_id' is stored as floating-point"):
        read_set(small.write())


def test_a_link_out_of_the_folder_is_refused(small, tmp_path):
    secret = tmp_path / "secret.png"
    secret.write_bytes((small.folder / "images/c0.png").read_bytes())
    (small.folder / "images/link.png").symlink_to(secret)
    small.rows[0]["image"] = "images/link.png"
    with pytest.raises(BadInput, match="link that leaves"):
        read_set(small.write())


def test_wrong_hash_is_named_when_read_and_when_all_files_are_checked(small):
    folder = small.write()
    (folder / "images/c3.png").write_bytes((folder / "images/c1.png").read_bytes())
    read = read_set(folder)
    load = image_loader(read)
    assert load("c1").pixels.shape == (8, 8)
    for attempt in (lambda: load("c3"), lambda: check_files(read)):
        with pytest.raises(BadInput, match=r"c3(\.png)?: the file's SHA-256 is"):
            attempt()


def test_check_files_passes_and_counts(small):
    seen = []
    check_files(read_set(small.write()), seen.append)
    assert sum(seen) == 12


def test_masks_load_by_case(small):
    load = mask_loader(read_set(small.write()), "lesion_mask")
    assert load("c1").inside.sum() == 9
    assert not load("c2").inside.any()
    with pytest.raises(BadInput, match="case c9"):
        load("c9")
    with pytest.raises(BadInput, match="'organ_sha256'"):
        mask_loader(read_set(small.folder), "organ")


def test_columns_are_renamed_and_the_displaced_one_is_kept(small):
    small.facts["columns"] = {"site": "manufacturer"}
    cases = read_set(small.write()).cases
    assert list(cases["site"]) == list(cases["manufacturer"])
    assert list(cases["manifest:site"]) == ["A"] * 3 + ["B"] * 3


def test_references_are_derived_and_missing_stays_missing(small):
    for row, labels in zip(small.rows, ["Mass", "Mass|Nodule", "No Finding", "", "Massive", "Nodule"], strict=True):
        row["labels"] = labels
    small.facts["references"] = {
        "mass": {"column": "labels", "contains": "Mass"},
        "old": {"column": "age_years", "positive": [70, 80]},
    }
    cases = read_set(small.write()).cases
    assert cases["mass"].tolist() == [1, 1, 0, pd.NA, 0, 0]
    assert cases["old"].tolist() == [0, 0, 0, 0, 1, 1]


def test_find_set(small, tmp_path):
    folder = small.write()
    assert find_set("small", tmp_path) == folder.resolve()
    assert find_set(".", folder) == folder.resolve()
    with pytest.raises(BadInput, match="validation set 'nowhere'"):
        find_set("nowhere", tmp_path)


def test_joined_sets_keep_their_files_apart(small, tmp_path):
    other = type(small)(tmp_path / "other")
    other.facts["name"] = "other"
    other.facts["sampling"] = {"kind": "consecutive"}
    other.facts["reference"] = {"kind": "single_reader"}
    for row in other.rows:
        row["case_id"] = "o" + row["case_id"]
        row["age_years"] = "045Y"
    other.rows[1]["sha256"] = other.put("images/c1.png", __import__("numpy").zeros((4, 4), "uint8"))
    joined = join_sets([read_set(small.write()), read_set(other.write())])
    assert len(joined.cases) == 12
    assert joined.name == "small + other"
    assert joined.facts.sampling.kind == "enriched"
    assert not joined.facts.reference.is_standard
    assert list(joined.cases["age_years"][[0, 6]]) == ["30", "045Y"]
    load = image_loader(joined)
    assert load("c1").pixels.shape == (8, 8)
    assert load("oc1").pixels.shape == (4, 4)


def test_joined_sets_refuse_shared_case_ids_and_names(small, tmp_path):
    one = read_set(small.write())
    with pytest.raises(BadInput, match="'small' is named twice"):
        join_sets([one, one])
    other = type(small)(tmp_path / "other")
    other.facts["name"] = "other"
    with pytest.raises(BadInput, match="case_id 'c0' stands in validation sets 'small' and 'other'"):
        join_sets([one, read_set(other.write())])


cells = st.one_of(
    st.integers(0, 10**9).map(str), st.from_regex(r"0[0-9]{1,5}", fullmatch=True), st.text("AB 1", max_size=4)
)


@settings(max_examples=40, deadline=None)
@given(st.lists(cells, min_size=1, max_size=8))
def test_text_is_never_lost(values):
    """A column that became numeric can be written back as it was; identifiers are text whatever they look like."""
    frame = pd.DataFrame({"x": values, "patient_id": values}, dtype="string")
    read = typed(frame, "here")
    assert [None if pd.isna(v) else str(v) for v in read["patient_id"]] == [v.strip() or None for v in values]
    assert [None if pd.isna(v) else str(v) for v in read["x"]] == [v.strip() or None for v in values]


def test_facts_say_whether_there_is_a_reference_standard(small):
    exact = read_set(small.write()).facts
    assert exact.reference.is_standard
    small.facts["reference"] = {"kind": "report_mining"}
    assert not read_set(small.write()).facts.reference.is_standard
    assert not exact.sampling.shows_prevalence


def test_digest_is_that_of_the_stored_bytes(small):
    folder = small.write()
    assert read_set(folder).manifest_sha256 == hashlib.sha256((folder / "manifest.csv").read_bytes()).hexdigest()
