"""Several truthers' readings: the combined reference, and each reader's own row in REFERENCES."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from audit.cases.facts import ReferenceReadings
from audit.cases.flow import dispositions
from audit.cases.joining import join_sets
from audit.cases.manifest import read_set
from audit.cases.readings import combined
from audit.cases.references import combined_only, references_table
from audit.plan import Target
from audit.records import BadInput

WHERE = Path("manifest.csv")
ROWS = pd.DataFrame(
    {
        "a": ["1", "0", "1.0", "", "2", "1"],
        "b": ["1", "0", "0", "3", "3", ""],
        "c": ["0", "", "1", "3", "4", "0"],
        "judge": ["1", "", "1", "", "3", ""],
    },
    dtype="string",
)


def rule(combination, **more):
    return ReferenceReadings(readers={"A": "a", "B": "b", "C": "c"}, combination=combination, **more)


@pytest.mark.parametrize(
    ("combination", "more", "expected"),
    [
        ("majority", {}, ["1", "0", "1", "3", None, None]),
        ("adjudicated", {"adjudicator": "judge"}, ["1", "0", "1", "3", "3", None]),
        ("mean", {}, ["0.666666666666667", "0", "0.666666666666667", "3", "3", "0.5"]),
    ],
)
def test_rules(combination, more, expected):
    found = combined(rule(combination, **more), "x", ROWS, WHERE)
    assert [None if pd.isna(each) else each for each in found] == expected


def test_what_cannot_be_combined_is_refused():
    with pytest.raises(BadInput, match=r"column 'b' is missing; readings 'x' in set\.yaml name it"):
        combined(rule("majority"), "x", ROWS.drop(columns="b"), WHERE)
    with pytest.raises(BadInput, match="row 2 holds 'mild' for reader 'B'; a mean of readings 'x' needs numbers"):
        combined(rule("mean"), "x", ROWS.assign(b=["1", "mild", "0", "3", "3", "1"]), WHERE)
    with pytest.raises(ValidationError, match="'adjudicator' names a column"):
        rule("adjudicated")
    with pytest.raises(ValidationError, match="name of the combined reading"):
        ReferenceReadings(readers={"reference": "a", "B": "b"}, combination="mean")


def write(folder: Path, readers, name="s", prefix="c") -> Path:
    folder.mkdir()
    facts = {
        "name": name, "version": "1", "licence": "none", "description": "two",
        "sampling": {"kind": "consecutive"},
        "reference": {"kind": "expert_panel"},
        "readings": {"grade": {"readers": readers, "combination": "majority"}},
    }  # fmt: skip
    (folder / "set.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    rows = [f"{prefix}{i},p{prefix}{i},{a},{b}" for i, (a, b) in enumerate([(0, 0), (1, 2), (2, 2), ("", 1)])]
    (folder / "manifest.csv").write_text("case_id,patient_id,one,two\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return folder


GRADE = {"task": "ordinal", "output": "o", "reference": "grade", "grades": [0, 1, 2]}


def test_every_reader_keeps_a_row_and_results_see_the_combined_one(tmp_path):
    read = read_set(write(tmp_path / "s", {"senior": "one", "junior": "two"}))
    targets = {"t": Target.model_validate(GRADE)}
    table = references_table(read.cases, targets, read.facts.readings)
    values = {reader: part["value"].tolist() for reader, part in table.groupby("reader")}
    assert [v if pd.notna(v) else None for v in values["senior"]] == [0, 1, 2, None]
    assert values["junior"] == [0, 2, 2, 1]
    assert [v if pd.notna(v) else None for v in values["reference"]] == [0, None, 2, 1]
    assert len(combined_only(table)) == 4
    predictions = pd.DataFrame(columns=["version", "case_id", "target", "score", "artifact", "seconds", "error"])
    from tests.tasks.test_values import plan

    fates = dispositions(read.cases, table, predictions, plan(GRADE))
    assert fates["reason"].tolist() == [
        "no prediction was made",
        "no reference standard",
        *["no prediction was made"] * 2,
    ]


def test_joined_sets_must_combine_alike(tmp_path):
    readers = {"senior": "one", "junior": "two"}
    first, second = read_set(write(tmp_path / "a", readers)), read_set(write(tmp_path / "b", readers, "t", "d"))
    assert join_sets([first, second]).facts.readings == first.facts.readings
    other = read_set(write(tmp_path / "c", {"senior": "two", "junior": "one"}, "u", "e"))
    with pytest.raises(BadInput, match="validation set 'u' combines readings 'grade' by another rule"):
        join_sets([first, other])
