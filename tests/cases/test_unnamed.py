"""What stays in the register for good names no case."""

from hashlib import sha256
from pathlib import Path

import pandas as pd
import pytest

from audit.cases.images import WrongDigest
from audit.cases.loading import image_loader
from audit.cases.manifest import read_set
from audit.cases.person_columns import without_persons
from audit.cases.unnamed import artifacts_without_paths, unnamed, without_paths
from audit.records import BadInput

SET = """\
name: one
version: "1"
licence: CC0
description: one case
sampling: {kind: enriched, how: by hand}
reference: {kind: exact, how: by construction}
"""
CASES = pd.DataFrame(
    {"case_id": ["c-1", "c2"], "patient_id": ["P/7", "Q8"], "image": ["a/scan 1.dcm", None], "m": ["m.png", None]}
).assign(m_sha256="0")


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        ("case c-1: no image", "case (a case): no image"),
        ("/data/set/a/c2.dcm cannot be decoded.", "(a case) cannot be decoded."),
        ("x/m.png, row 3 (patient P/7)", "(a case), row 3 (patient (a case))"),
        ("the disk is full after 12 c-10 files", "the disk is full after 12 c-10 files"),
    ],
)
def test_every_name_of_a_case_is_taken_out(words: str, kept: str) -> None:
    assert unnamed(words, CASES) == kept


def test_files_stand_in_evidence_by_their_digest() -> None:
    digests = {"sha256": ["ab" * 32, None], "m_sha256": ["cd" * 32, None]}
    cases = CASES.assign(**digests, image=["Brombeere/Cilli.nii.gz#x[0]", None], site="A")
    told = without_paths(cases)
    assert told["image"][0] == f"{'ab' * 8}.nii.gz"
    assert told["m"][0] == f"{'cd' * 8}.png"
    assert told["image"].isna().tolist() == [False, True]
    rows = pd.DataFrame({"artifact": ["m.png", "Cilli/boxes.json", None]})
    assert artifacts_without_paths(rows, cases)["artifact"].fillna("").tolist() == [f"{'cd' * 8}.png", "file.json", ""]


def test_columns_that_name_persons_stay_out_unless_the_plan_computes_with_them() -> None:
    cases = CASES.assign(patient_name="x", birth_date="x", device_name="x", **{"stratum:name": "x"})
    assert set(cases) - set(without_persons(cases, {"birth_date"})) == {"patient_name"}


def test_an_error_about_an_image_names_the_case(tmp_path: Path) -> None:
    (tmp_path / "Cilli.dcm").write_bytes(b"no image")
    (tmp_path / "set.yaml").write_text(SET, encoding="utf-8")
    good = "case_id,patient_id,image,sha256\nc1,p1,Cilli.dcm,"
    for digest, kind in (("0" * 64, WrongDigest), (sha256(b"no image").hexdigest(), BadInput)):
        (tmp_path / "manifest.csv").write_text(f"{good}{digest}\n", encoding="utf-8")
        with pytest.raises(kind, match="image of case c1") as told:
            image_loader(read_set(tmp_path))("c1")
        assert "Cilli" not in str(told.value)
