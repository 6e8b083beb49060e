from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.model_refs import RecordedPredictions
from audit.models.recorded import NO_PREDICTION, mask_digests, read_recorded, recorded_version
from audit.plan import Target
from audit.records import BadInput

REF = RecordedPredictions(kind="recorded", name="device", version="2.1", scores="scores.csv")
TARGETS = {
    "lesion": Target(task="classification", output="prob", reference="r"),
    "mask": Target(task="segmentation", output="mask_file", reference="m"),
}
CASES = pd.DataFrame({"case_id": ["007", "b", "c"]})
GOOD = pd.DataFrame({"case_id": ["b", "007"], "prob": [0.25, 0.75], "mask_file": ["b.png", "7.png"]})


def read(tmp_path: Path, table: pd.DataFrame, name: str = "scores.csv") -> pd.DataFrame:
    path = tmp_path / name
    table.to_parquet(path) if name.endswith("parquet") else table.to_csv(path, index=False)
    return read_recorded(REF, path, TARGETS, CASES)


@pytest.mark.parametrize("name", ["scores.csv", "scores.csv.gz", "scores.parquet"])
def test_rows_follow_the_set_and_absent_cases_are_rows(tmp_path: Path, name: str) -> None:
    rows = read(tmp_path, GOOD, name)
    lesion = rows[rows["target"] == "lesion"]
    assert list(lesion["case_id"]) == ["007", "b", "c"]
    assert list(lesion["score"][:2]) == [0.75, 0.25]
    assert lesion["score"].isna().tolist() == [False, False, True]
    assert lesion["error"].iloc[2] == NO_PREDICTION
    assert lesion["error"].isna().tolist() == [True, True, False]
    mask = rows[rows["target"] == "mask"]
    assert mask["artifact"].iloc[:2].tolist() == ["7.png", "b.png"]
    assert mask["artifact"].isna().tolist() == [False, False, True]
    assert mask["score"].isna().all()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda t: t.drop(columns="prob"), r"column 'prob' \(output of target 'lesion'\) is missing"),
        (lambda t: t.drop(columns="case_id"), r"column 'case_id' \(case_id\) is missing"),
        (lambda t: pd.concat([t, t.iloc[:1]]), r"case id 'b' stands twice \(again in data row 3\)"),
        (lambda t: t.assign(prob=[0.1, np.nan]), r"column 'prob', data row 2 \(case '007'\) holds 'nan'"),
        (lambda t: t.assign(prob=["0.1", "high"]), r"data row 2 \(case '007'\) holds 'high'; a finite number"),
        (lambda t: t.assign(prob=[np.inf, 0.1]), r"data row 1 \(case 'b'\) holds 'inf'"),
        (lambda t: t.assign(mask_file=[None, "x"]), r"column 'mask_file', data row 1 .*path of a mask file"),
        (lambda t: t.assign(case_id=["b", "zz"]), r"1 of 2 rows name cases .*lacks \(first: 'zz', data row 2\)"),
        (lambda t: t.assign(case_id=["b", None]), r"data row 2 has no case_id"),
    ],
)
def test_each_flaw_is_one_sentence(tmp_path: Path, change, sentence: str) -> None:
    with pytest.raises(BadInput, match=sentence):
        read(tmp_path, change(GOOD))


def test_masks_come_with_their_digests(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    GOOD.assign(mask_file_sha256=["b" * 64, "7" * 64]).to_csv(path, index=False)
    assert mask_digests(REF, path, TARGETS["mask"]) == {"b": "b" * 64, "007": "7" * 64}
    GOOD.to_csv(path, index=False)
    with pytest.raises(BadInput, match="the table has no column 'mask_file_sha256' with their SHA-256"):
        mask_digests(REF, path, TARGETS["mask"])


def test_absent_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"scores\.csv: the table of recorded predictions cannot be read"):
        read_recorded(REF, tmp_path / "scores.csv", TARGETS, CASES)
    (tmp_path / "scores.xlsx").write_bytes(b"x")
    with pytest.raises(BadInput, match=r"\.csv, \.csv\.gz or \.parquet"):
        read_recorded(REF, tmp_path / "scores.xlsx", TARGETS, CASES)
    (tmp_path / "scores.parquet").write_bytes(b"x")
    with pytest.raises(BadInput, match="not a readable table"):
        read_recorded(REF, tmp_path / "scores.parquet", TARGETS, CASES)
    (tmp_path / "scores.csv.gz").write_bytes(b"x")
    with pytest.raises(BadInput, match="not a readable table"):
        read_recorded(REF, tmp_path / "scores.csv.gz", TARGETS, CASES)


def test_recorded_version_digests_the_table(tmp_path: Path) -> None:
    GOOD.to_csv(tmp_path / "scores.csv", index=False)
    version = recorded_version(REF, [tmp_path / "scores.csv"], TARGETS)
    assert version.kind == "recorded"
    assert version.outputs == ("prob", "mask_file")
    before = version.digests["scores.csv"]
    GOOD.assign(prob=[0.25, 0.76]).to_csv(tmp_path / "scores.csv", index=False)
    assert recorded_version(REF, [tmp_path / "scores.csv"], TARGETS).digests["scores.csv"] != before
