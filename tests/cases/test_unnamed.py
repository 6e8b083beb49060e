"""What stays in the register for good names no case."""

import pandas as pd
import pytest

from audit.cases.unnamed import unnamed

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
