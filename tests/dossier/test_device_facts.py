"""device.yaml is refused with one sentence where it is wrong."""

import pytest

from audit.datafolders import data_folder
from audit.dossier.device import read_device
from audit.records import BadInput

EXAMPLE = data_folder("templates") / "device.example.yaml"


def test_the_example_reads():
    device = read_device(EXAMPLE)
    assert device.regulation == "892.2080"
    assert all(each.author and each.date for each in device.declared.values())
    assert not any(each.name for each in device.signatories)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("aia.annex4.1.b:", "aia.annex4.1.zz:", "no catalogue has this requirement"),
        ("    author: Systems engineering (example)\n", "", "author"),
        ("regulation: '892.2080'", "regulation: '12.34'", "regulation"),
        ("manufacturer:", "maker:", "manufacturer"),
    ],
)
def test_wrong_facts_are_refused(tmp_path, old, new, reason):
    source = EXAMPLE.read_text(encoding="utf-8")
    assert old in source
    path = tmp_path / "device.yaml"
    path.write_text(source.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(BadInput, match=reason):
        read_device(path)


def test_one_text_answers_several_clauses_and_is_written_once(tmp_path):
    device = read_device(EXAMPLE)
    assert device.declared["mdr.gspr23.4.b"] is device.declared["aia.art.13.3.b.i"]
    path = tmp_path / "device.yaml"
    twice = EXAMPLE.read_text(encoding="utf-8").replace("also_answers: [aia.art.10.2.d]", "also_answers: [claim.5]")
    path.write_text(twice, encoding="utf-8")
    with pytest.raises(BadInput, match=r"claim\.5 has another text already"):
        read_device(path)
    path.write_text(twice.replace("[claim.5]", "[claim.99]"), encoding="utf-8")
    with pytest.raises(BadInput, match=r"claim\.99: no catalogue has this requirement"):
        read_device(path)


def test_absent_or_broken_files_are_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_device(tmp_path / "absent.yaml")
    (tmp_path / "list.yaml").write_text("- a\n", encoding="utf-8")
    with pytest.raises(BadInput, match="expected a mapping"):
        read_device(tmp_path / "list.yaml")
