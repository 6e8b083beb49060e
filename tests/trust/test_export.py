"""Statistical data: printed estimates computed again from the CSV alone; each column described, no name, no formula."""

import csv
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from small_audit import Small, audit

from audit.evidence.register import accesses
from audit.exports.csv_text import csv_bytes, harmless
from audit.exports.dataset import pseudonyms
from audit.tables import CASES


@pytest.fixture(scope="module")
def exported(pristine: Small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "data"
    done = audit("export", pristine.audit_id, "--home", pristine.home, "--to", folder, "--who", "Tester", "--json")
    assert done.code == 0, done.err
    assert done.json["rows"] == 48
    return folder


def estimate(folder: Path, measure: str) -> pd.Series:
    table = pd.read_csv(folder / "estimates.csv")
    plain = table[(table["kind"] == "value") & (table["version"] == "candidate") & (table["attribute"] == "overall")]
    return plain[plain["measure"] == measure].iloc[0]


def test_the_printed_estimates_follow_from_the_csv_alone(exported: Path, pristine: Small) -> None:
    rows = pd.read_csv(exported / "analysis_data.csv")
    rows = rows[(rows["version"] == "candidate") & (rows["fate"] == "analysed") & (rows["target"] == "finding")]
    positive = rows["reference"] == 1
    found = {
        "sensitivity": rows.loc[positive, "decision"].mean(),
        "specificity": 1 - rows.loc[~positive, "decision"].mean(),
        "auroc": roc_auc_score(rows["reference"], rows["score"]),
    }
    record = (pristine.documents / "summary.json").read_text(encoding="utf-8")
    for measure, value in found.items():
        stated = estimate(exported, measure)
        assert np.isclose(stated["value"], value, rtol=0, atol=1e-12), measure
        assert f'"pointer":"/{stated["estimate_id"]}/value"' in record or measure == "specificity"
        assert f'"text":"{value:.3f}"' in record or measure == "specificity"
    assert rows["subject"].nunique() == estimate(exported, "auroc")["n_patients"] == 40


def test_every_column_stands_in_the_dictionary_and_the_reverse(exported: Path) -> None:
    known = pd.read_csv(exported / "data_dictionary.csv", keep_default_na=False)
    for name in ("analysis_data.csv", "estimates.csv"):
        table = pd.read_csv(exported / name)
        described = known[known["file"] == name]
        assert list(described["column"]) == list(table.columns)
        assert (described["n_missing"].astype(int).to_numpy() == table.isna().sum().to_numpy()).all()
    assert (known["label"] != "").all()
    assert (known["source"].str.contains("statement [0-9a-f]{64}")).all()
    assert known.loc[known["n_missing"].astype(int) > 0, "missing"].ne("").all()
    facts = known.set_index(["file", "column"])
    assert facts.loc[("analysis_data.csv", "reference"), "codes"] == "0 = negative; 1 = positive"
    assert facts.loc[("analysis_data.csv", "stratum_manufacturer"), "codes"] == "Aurora; Borealis; Corvid"


def test_no_name_of_the_set_goes_along(exported: Path, pristine: Small) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in exported.iterdir())
    cases = pristine.store.read_table(CASES)
    assert not any(name in text for name in (*cases["case_id"], *cases["patient_id"]))
    assert "P1: take the rows with `version` = candidate, `target` = finding" in text


def test_digests_are_stated_and_the_bytes_repeat(exported: Path, small: Small, tmp_path: Path) -> None:
    again = tmp_path / "again"
    assert audit("export", small.audit_id, "--home", small.home, "--to", again).code == 0
    assert {path.name: path.read_bytes() for path in again.iterdir()} == {
        path.name: path.read_bytes() for path in exported.iterdir()
    }
    stated = small.store.latest("exported")
    assert stated is not None
    assert dict(stated.subjects) == {
        f"export:{path.name}": hashlib.sha256(path.read_bytes()).hexdigest() for path in again.iterdir()
    }
    assert small.verify().code == 0
    refused = audit("export", small.audit_id, "--home", small.home, "--to", again)
    assert refused.code == 2
    assert "nothing is overwritten" in refused.err


def test_cases_of_sequestered_sets_need_the_assessment_role(small: Small, tmp_path: Path) -> None:
    facts = json.loads(small.store.read_bytes("set.json"))
    facts["sets"][0]["facts"]["sequestered"] = True
    small.store.put_bytes("set", "set.json", json.dumps(facts).encode())
    home = ("--home", small.home, "--json")
    held = audit("export", small.audit_id, *home, "--to", tmp_path / "held")
    assert (held.json["rows"], held.json["withheld"]) == (0, 48), held.err
    assert "48 cases of sequestered sets are withheld" in (tmp_path / "held" / "README.md").read_text(encoding="utf-8")
    assert len(pd.read_csv(tmp_path / "held" / "estimates.csv")) > 0
    before = len(accesses(small.home))
    shown = audit("export", small.audit_id, *home, "--to", tmp_path / "shown", "--role", "assessment")
    assert (shown.json["rows"], shown.json["withheld"]) == (48, 0), shown.err
    assert len(accesses(small.home)) == before + 1


def test_a_spreadsheet_runs_nothing() -> None:
    frame = pd.DataFrame({"=A1": ["=1+1", "@x", "-2", "plain", None], "n": [-2.5, 1e-17, 0.1, None, 3.0]})
    rows = list(csv.reader(io.StringIO(csv_bytes(frame).decode())))
    assert [row[0] for row in rows] == ["'=A1", "'=1+1", "'@x", "'-2", "plain", ""]
    assert [row[1] for row in rows[1:]] == ["-2.5", "1e-17", "0.1", "", "3.0"]
    assert harmless("a=b") == "a=b"


def test_pseudonyms_tell_nothing_about_the_order_of_ids() -> None:
    ids = [f"case-{number:03d}" for number in range(50)]
    found = pseudonyms(ids, "C", "audit-1")
    assert sorted(found.values()) == [f"C{number:04d}" for number in range(1, 51)]
    assert [found[each] for each in ids] != sorted(found.values())
    assert found == pseudonyms(reversed(ids), "C", "audit-1") != pseudonyms(ids, "C", "audit-2")
