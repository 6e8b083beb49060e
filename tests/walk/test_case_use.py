"""Who has used which case, and who has seen one: fresh and reused cases apart, sequestered cases by role only."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from toy_walk import CASES, MAIN, SET, Walk, audit, digest, pages, plan, read_manifest, write_manifest, write_plan

from audit.documents.view import audit_view
from audit.dossier.blocks.explanations import ENTRY
from audit.dossier.content import Picture, plain
from audit.drawn_cases import drawn_cases
from audit.tables import CASES as CASES_TABLE
from audit.tables import ESTIMATES, EXPLANATION_SCORES, EXPLANATIONS, REFERENCES
from audit.tabulating import gathered, stored_plan

REUSED = CASES // 2
PLAN = {
    "id": "second",
    "comparator": None,
    "perturbation_arms": None,
    "validation_sets": ["second"],
    "strata": {"manufacturer": {"baseline": "Aurora"}},
    "intersections": None,
    "endpoints": [plan()["endpoints"][0]],
    "explanations": {
        "target": "lesion",
        "methods": ["integrated_gradients"],
        "cases": {"attribute": "manufacturer", "per_level": 1, "per_decision": 1},
    },
    "resamples": 100,
}


@pytest.fixture(scope="module")
def second(done: Walk, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """A sequestered set, half of whose images an earlier audit has used under other case ids, with its own audit."""
    walk = Walk(Path(shutil.copytree(done.folder, tmp_path_factory.mktemp("second") / "walk")))
    write_second_set(walk.folder / "discs", walk.folder / "second")
    path = write_plan(walk.folder, "second.yaml", **PLAN)
    run = audit("run", path, "--home", walk.home, "--device", "cpu", "--who", "Tester", "--json")
    assert run.code in (0, 1), run.err
    return Walk(walk.folder, run.json["audit"])


def write_second_set(old: Path, new: Path) -> None:
    (new / "images").mkdir(parents=True)
    rows = read_manifest(old)
    for number, row in enumerate(rows):
        pixels = np.load(old / row["image"]) + np.float32(0 if number < REUSED else 0.001)
        mask = np.load(old / row["lesion_mask"])
        for column, array in (("image", pixels), ("lesion_mask", mask)):
            np.save(new / row[column], array)
        row |= {"case_id": f"new-{row['case_id']}", "sha256": digest(new / row["image"])}
        row["lesion_mask_sha256"] = digest(new / row["lesion_mask"])
    write_manifest(new, rows)
    facts = {**SET, "name": "second", "sequestered": True}
    (new / "set.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")


def test_cases_are_known_again_by_their_images_and_reported_apart(second: Walk) -> None:
    cases = second.store.read_table(CASES_TABLE)
    assert (cases["uses_before"] == 1).sum() == REUSED
    assert (cases["uses_before"] == 0).sum() == CASES - REUSED
    rows = second.store.read_table(ESTIMATES)
    own = rows[(rows["attribute"] == "case_use") & (rows["kind"] == "value") & (rows["measure"] == "sensitivity")]
    counts = {level: int(n) for level, n in zip(own["level"], own["n_cases"], strict=True)}
    assert counts == {"fresh": (CASES - REUSED) // 2, "reused": REUSED // 2}
    assert audit("verify", second.audit_id, "--home", second.home).code == 0


def test_the_first_audit_of_a_home_meets_fresh_cases_only(done: Walk) -> None:
    cases = done.store.read_table(CASES_TABLE)
    assert (cases["uses_before"] == 0).all()
    assert "case_use" not in set(done.store.read_table(ESTIMATES)["attribute"])


def test_the_list_counts_uses_of_each_case(second: Walk) -> None:
    listed = audit("list", "--cases", "--home", second.home, "--json").json["cases"]
    uses = [each["uses"] for each in listed]
    assert sorted(uses) == [1] * (2 * (CASES - REUSED)) + [2] * REUSED
    twice = next(each for each in listed if each["uses"] == 2)
    assert (twice["validation_set"], twice["last_plan"], twice["last_who"]) == ("second", "second", "Tester")


def test_right_and_wrong_decisions_are_drawn_by_the_rule_shown_and_not_scored(second: Walk) -> None:
    store = second.store
    rows, cases = store.read_table(EXPLANATIONS), store.read_table(CASES_TABLE)
    before, after = rows[rows["drawn_as"].isna()], rows[rows["drawn_as"].notna()]
    maker = cases.set_index("case_id")["stratum:manufacturer"]
    assert maker.loc[before["case_id"]].value_counts().eq(1).all()
    cells = list(zip(maker.loc[after["case_id"]], after["drawn_as"], strict=True))
    assert len(cells) == len(set(cells)) > 2 * len(before)
    assert {"true positive", "true negative"} < set(after["drawn_as"])

    again = drawn_cases(stored_plan(store), cases, store.read_table(REFERENCES), gathered(store))
    assert list(again.items()) == [
        (row["case_id"], None if pd.isna(row["drawn_as"]) else row["drawn_as"]) for row in rows.to_dict("records")
    ]
    assert set(store.read_table(EXPLANATION_SCORES)["case_id"]) == set(before["case_id"])
    means = store.read_table(ESTIMATES)
    mean = means[(means["measure"] == "completeness_error") & (means["attribute"] == "overall")]
    assert mean["n_cases"].tolist() == [len(before)]

    nodes = ENTRY.build(audit_view(store, "2026-01-01T00:00:00+00:00"), ENTRY.parameters())
    assert "Further cases were drawn after inference by the plan's rule" in plain(nodes[1].runs)
    titles = [plain(node.title) for node in nodes if isinstance(node, Picture)]
    for case, outcome in zip(after["case_id"], after["drawn_as"], strict=True):
        assert any(f"Case {case}," in each and each.endswith(f": {outcome} (drawn by decision)") for each in titles)


def test_single_cases_are_shown_to_the_assessment_role_only_and_each_showing_is_on_record(second: Walk) -> None:
    home = ("--home", second.home)
    explained = second.store.read_table(EXPLANATIONS)
    asked = audit("ask", "--audit", second.audit_id, *home, "--json").json
    assert (asked["pictures"], asked["withheld"]) == ([], len(explained))
    [withheld, _] = documents(second)
    words = pages(withheld, 99)
    assert "explained cases are not shown: their set is sequestered" in words
    assert "Case new-" not in words
    assert "are not named: their set is sequestered" in words
    assert f"Fresh when this audit began: {CASES - REUSED} of {CASES} cases" in words
    assert "case shown" not in events(second)
    refused = audit("ask", "--role", "curiosity", *home)
    assert refused.code == 2
    assert "the role that may see single cases is 'assessment'" in refused.err

    [shown, _] = documents(second, "--role", "assessment", "--who", "Assessor")
    words = pages(shown, 99)
    assert "Case new-" in words
    assert "Output of single sequestered cases was shown: 1 times" in words
    answer = audit("ask", "--audit", second.audit_id, "--role", "assessment", "--who", "Assessor", *home, "--json").json
    assert len(answer["pictures"]) == len(explained)
    told = {words.partition(". ")[0].lower() for words in answer["rationales"].values()}
    assert set(explained["drawn_as"].dropna()) <= told
    assert events(second).count("case shown") == 2
    last = audit("list", *home, "--json").json["accesses"][-1]
    assert (last["event"], last["who"], last["validation_set"]) == ("case shown", "Assessor", "second")
    assert last["note"] == f"{len(explained)} cases shown, in an answer to a question, in the role of assessment"
    seen = [each["shown"] for each in audit("list", "--cases", *home, "--json").json["cases"] if each["shown"]]
    assert seen.count(2) == len(explained)  # explained: in the dossier and in the answer
    assert seen.count(1) == len(seen) - len(explained) > 0  # the worst of the outlines: in the dossier only
    assert audit("verify", second.audit_id, *home).code == 0


def documents(walk: Walk, *words: str) -> list[Path]:
    made = audit("dossier", walk.audit_id, "--home", walk.home, *MAIN, *words, "--json")
    assert made.code == 0, made.err
    return [Path(path) for path in json.loads(made.out)["documents"]]


def events(walk: Walk) -> list[str]:
    return [each["event"] for each in audit("list", "--home", walk.home, "--json").json["accesses"]]


def test_an_open_set_shows_its_cases_and_registers_nothing(done: Walk) -> None:
    made = done.store.folder / "documents" / "eu_ai_act_annex_iv.pdf"
    assert "Case c0" in pages(made, 99)
    assert "case shown" not in events(done)
