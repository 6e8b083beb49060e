"""`audit init` asks for exactly the declared facts that are missing; `audit dossier --list` and `--only` choose."""

import re
from pathlib import Path

from toy_walk import Walk, audit

from audit.datafolders import data_folder
from audit.documents.declaring import device_lines
from audit.dossier.building import default_templates
from audit.dossier.device import read_device

ENTRY = re.compile(r"  # (\S+):\n  #   text: >-\n  #     \n  #   author: \n  #   date: YYYY-MM-DD\n")


def declared(text: str, requirement: str) -> str:
    """The file with one entry filled in, as a person would do it."""
    blank = f"  # {requirement}:\n  #   text: >-\n  #     \n  #   author: \n  #   date: YYYY-MM-DD\n"
    filled = f"  {requirement}:\n    text: >-\n      As in the plan.\n    author: A role\n    date: 2026-01-31\n"
    assert blank in text
    return text.replace(blank, filled)


def test_what_is_missing_is_asked_for_until_it_is_declared(finished: Walk, tmp_path: Path) -> None:
    path = tmp_path / "device.yaml"
    first = audit("init", "--home", finished.home, "--out", path, "--json").json
    text = path.read_text(encoding="utf-8")
    asked = ENTRY.findall(text)
    assert len(asked) == len(set(asked)) == first["asked"] > 10
    assert read_device(path).declared == {}
    path.write_text(declared(text, asked[0]), encoding="utf-8")
    assert set(read_device(path).declared) == {asked[0]}
    only = audit(
        "dossier", "--home", finished.home, "--device", path, "--only", "fda_performance_testing", "--json"
    ).json
    assert [Path(each).stem for each in only["documents"]] == ["fda_performance_testing"]
    again = tmp_path / "again.yaml"
    assert audit("init", "--home", finished.home, "--out", again, "--json").json["asked"] == len(asked) - 1
    assert set(read_device(again).declared) == {asked[0]}
    assert asked[0] not in ENTRY.findall(again.read_text(encoding="utf-8"))


def test_nothing_is_overwritten_and_unknown_documents_are_refused(done: Walk, tmp_path: Path) -> None:
    (tmp_path / "device.yaml").write_text("mine", encoding="utf-8")
    refused = audit("init", "--home", done.home, "--out", tmp_path / "device.yaml")
    assert refused.code == 2
    assert "nothing is overwritten" in refused.err
    assert (tmp_path / "device.yaml").read_text(encoding="utf-8") == "mine"
    unknown = audit("dossier", "--home", done.home, "--only", "novel")
    assert unknown.code == 2
    assert "known: claim_2024_checklist, eu_ai_act_annex_iv" in unknown.err


def test_the_list_names_every_document(done: Walk) -> None:
    listed = audit("dossier", "--list", "--home", done.home, "--json").json["documents"]
    assert set(listed) == {path.stem for path in default_templates()}
    assert listed["fda_pccp"] == "Predetermined change control plan (draft)"


def test_a_text_that_answers_several_clauses_is_written_once(tmp_path: Path) -> None:
    device = read_device(data_folder("templates") / "device.example.yaml")
    path = tmp_path / "device.yaml"
    path.write_text("\n".join(device_lines("A1", "device.yaml", device, [])), encoding="utf-8")
    assert read_device(path) == device
