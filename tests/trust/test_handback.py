"""A Word file comes back edited: declared words are taken over into every format, everything else is named."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
import yaml
from small_audit import Small, audit

from audit.documents.view import make_documents
from audit.dossier.device import read_device
from audit.dossier.device_editing import with_prose

TEMPLATE = """\
id: declared
title: Declared
instrument: fda_ai_dsf
vocabulary: fda
page: Letter
front: brief
closing: evidence
sections:
- title: Description
  requirements: [fda.aidsf.v.1, fda.aidsf.v.3]
  blocks:
  - {kind: estimates_table, show: overall, measures: [sensitivity]}
"""
DEVICE = """\
# our own remark
manufacturer: Maker
name: Device
version: '1'
declared:
  fda.aidsf.v.1:
    file: prose/what.md
    author: A role
    date: 2026-01-31   # approved
  fda.aidsf.v.3:
    text: >-
      Radiologists with
      one hour of training.

    author: Usability
    date: 2026-01-31
"""
PROSE = "# Purpose\n\nIt *finds* the finding.\n\n- first\n- second\n"
AT = "2026-03-02T10:00:00Z"
Edit = Callable[[Any], None]


@pytest.fixture(scope="module")
def built(pristine: Small, tmp_path_factory: pytest.TempPathFactory) -> Small:
    small = Small(Path(shutil.copytree(pristine.folder, tmp_path_factory.mktemp("built") / "audit")), pristine.audit_id)
    for name, words in (("declared.yaml", TEMPLATE), ("device.yaml", DEVICE)):
        (small.folder / name).write_text(words, encoding="utf-8")
    (small.folder / "prose").mkdir()
    (small.folder / "prose" / "what.md").write_text(PROSE, encoding="utf-8")
    make_documents(small.store, AT, small.folder / "device.yaml", [small.folder / "declared.yaml"])
    return small


@pytest.fixture
def delivered(built: Small, tmp_path: Path) -> Small:
    return Small(Path(shutil.copytree(built.folder, tmp_path / "audit")), built.audit_id)


def edited(small: Small, *edits: Edit) -> Path:
    """The delivered Word file after ``edits``, under another name, as a writer would save it."""
    word = docx.Document(str(small.documents / "declared.docx"))
    for edit in edits:
        edit(word)
    path = small.folder / "edited by RA.docx"
    word.save(str(path))
    return path


def paragraph(word: Any, words: str) -> Any:
    return next(each for each in word.paragraphs if words in each.text)


def reword(old: str, new: str) -> Edit:
    def edit(word: Any) -> None:
        run = next(run for run in paragraph(word, old).runs if old in run.text)
        run.text = run.text.replace(old, new)

    return edit


def insert_after(old: str, new: str, style: str) -> Edit:
    def edit(word: Any) -> None:
        after = paragraph(word, old)
        made = word.add_paragraph(new, style=style)
        after._p.addnext(made._p)

    return edit


def strengthen(word: Any) -> None:
    paragraph(word, "Radiologists").add_run(" Not alone.").bold = True


def handback(small: Small, path: Path, *words: object) -> Any:
    return audit("handback", path, "--home", small.home, "--by", "Regulatory affairs", "--json", *words)


def test_edited_declared_words_come_back_in_every_format(delivered: Small) -> None:
    third = insert_after("second", "third", "Audit Declared Item 1")
    path = edited(delivered, reword(" the finding.", " what it can find."), third, strengthen)
    said = handback(delivered, path, "--device", delivered.folder / "device.yaml")
    assert said.code == 0, said.out + said.err
    assert [each["file"] for each in said.json["taken"]] == ["prose/what.md", "prose/fda.aidsf.v.3.md"]
    prose = delivered.folder / "prose"
    assert (prose / "what.md").read_text(encoding="utf-8") == (
        "# Purpose\n\nIt *finds* what it can find.\n\n- first\n- second\n- third\n"
    )
    assert (prose / "fda.aidsf.v.3.md").read_text(encoding="utf-8") == (
        "Radiologists with one hour of training. **Not alone.**\n"
    )
    own = (delivered.folder / "device.yaml").read_text(encoding="utf-8")
    assert "# our own remark" in own
    assert "   # approved" in own
    assert own.count("author: Regulatory affairs") == 2
    stated = delivered.store.latest("handed back")
    assert stated is not None
    assert stated.body["by"] == "Regulatory affairs"
    assert all(each["before"] != each["after"] for each in stated.body["texts"])
    make_documents(delivered.store, "2026-03-03T10:00:00Z", None, [delivered.folder / "declared.yaml"])
    for suffix in ("html", "json"):
        page = (delivered.documents / f"declared.{suffix}").read_text(encoding="utf-8")
        assert "what it can find." in page
        assert "Declared by Regulatory affairs" in page
    words = [each.text for each in docx.Document(str(delivered.documents / "declared.docx")).paragraphs]
    assert "•\tthird" in words
    assert delivered.verify().code == 0, delivered.verify().out
    assert handback(delivered, path).code == 2, "the file was edited from a version that stands no more"


def result(word: Any) -> None:
    cell = next(
        cell for table in word.tables for row in table.rows for cell in row.cells if re.fullmatch(r"0\.\d+", cell.text)
    )
    next(text for text in cell._tc.iter() if text.tag.endswith("}t")).text = "0.999"


def take_out(words: str) -> Edit:
    return lambda word: paragraph(word, words)._p.getparent().remove(paragraph(word, words)._p)


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (result, "A result was edited"),
        (reword("Description", "Triumph"), "Words of the template were edited"),
        (reword("Statement that AI is used", "All is well"), "Words of the template were edited"),
        (insert_after("1  Description", "We comply.", "Body Text"), "Words of the template were added"),
        (take_out("Every number in this document leads"), "Words of the template were taken out"),
        (insert_after("Every number", "Ours.", "Audit Declared"), "belongs to no declared text"),
        (take_out("Radiologists"), "The text was taken out; a declaration is withdrawn in device.yaml"),
        (reword("first", "Sensitivity is 0.97"), "A figure that reads like a result was typed"),
    ],
    ids=["result", "heading", "head", "added", "taken-out", "stranger", "emptied", "figure"],
)
def test_what_is_no_declared_word_is_named_and_nothing_is_taken_over(
    built: Small, tmp_path: Path, edit: Edit, named: str
) -> None:
    before = built.store.ledger.root()
    said = handback(built, edited(built, reword("second", "changed"), edit))
    assert said.code == 1, said.out + said.err
    assert any(named in each["explanation"] for each in said.json["refused"]), said.out
    assert said.json["taken"] == []
    assert built.store.ledger.root() == before


def test_verify_tells_declared_words_from_the_templates(built: Small) -> None:
    path = edited(built, reword("second", "changed"), reword("Description", "Triumph"))
    given = path.with_name("declared.docx")
    path.rename(given)
    told = " ".join(each["explanation"] for each in built.verify(given).json["differences"])
    assert "A declared text was edited: 'audit handback declared.docx --by NAME' takes it over" in told
    assert "Words of the template were edited" in told


def test_the_writers_own_files_must_be_those_of_the_document(delivered: Small) -> None:
    (delivered.folder / "prose" / "what.md").write_text("Mine.", encoding="utf-8")
    path = edited(delivered, reword("second", "changed"))
    said = handback(delivered, path, "--device", delivered.folder / "device.yaml")
    assert said.code == 2
    assert "what.md: is not what the document was built from" in said.err
    assert (delivered.folder / "prose" / "what.md").read_text(encoding="utf-8") == "Mine."


def test_a_writer_may_return_to_the_first_words_on_the_same_day(delivered: Small) -> None:
    """A second handback takes them; what returns stands afterwards for device.yaml as well."""
    own = delivered.folder / "device.yaml"
    for old, new in (("second", "changed"), ("changed", "second")):
        said = handback(delivered, edited(delivered, reword(old, new)), "--device", own)
        assert said.code == 0, said.out + said.err
        make_documents(delivered.store, "2026-03-03T10:00:00Z", own, [delivered.folder / "declared.yaml"])
    assert (delivered.folder / "prose" / "what.md").read_text(encoding="utf-8") == PROSE


def test_words_that_were_handed_back_are_not_undone_in_silence(delivered: Small) -> None:
    assert handback(delivered, edited(delivered, reword("second", "changed"))).code == 0
    again = audit("dossier", delivered.audit_id, "--home", delivered.home, "--device", delivered.folder / "device.yaml")
    assert again.code == 2
    assert "holds the words that Regulatory affairs edited and handed back" in again.err


def test_other_files_are_refused(built: Small, tmp_path: Path) -> None:
    docx.Document().save(str(tmp_path / "other.docx"))
    assert "does not say which document it was" in handback(built, tmp_path / "other.docx").err
    (tmp_path / "no.docx").write_bytes(b"no")
    assert "no Word document" in handback(built, tmp_path / "no.docx").err


def test_device_yaml_keeps_everything_else() -> None:
    flow = "declared: {claim.5: {text: 'a, b', author: A, date: 2026-01-31}}  # one line\nname: D\n"
    date = read_device.__globals__["datetime"].date(2026, 2, 1)
    for source in (flow, DEVICE):
        name = "claim.5" if source is flow else "fda.aidsf.v.3"
        new = yaml.safe_load(with_prose(source, name, "prose/x.md", "B: C", date))
        old = yaml.safe_load(source)
        old["declared"][name] = {"file": "prose/x.md", "author": "B: C", "date": date}
        assert new == old
    assert "# one line" in with_prose(flow, "claim.5", "prose/x.md", "B", date)


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_a_round_trip_through_libreoffice_keeps_what_binds(built: Small, tmp_path: Path) -> None:
    path = edited(built)
    command = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless"]
    for suffix, source in (("odt", path), ("docx", tmp_path / f"{path.stem}.odt")):
        subprocess.run(
            [*command, "--convert-to", suffix, "--outdir", str(tmp_path), str(source)],
            check=True,
            capture_output=True,
            timeout=300,
        )
    back = tmp_path / path.name
    said = handback(built, back)
    assert (said.code, said.json["taken"], said.json["refused"]) == (0, [], []), said.out
    word = docx.Document(str(back))
    reword("second", "second, edited in LibreOffice")(word)
    word.save(str(back))
    home = Path(shutil.copytree(built.home, tmp_path / "evidence"))
    said = audit("handback", back, "--home", home, "--by", "RA", "--json")
    assert said.code == 0, said.out + said.err
    assert [each["file"] for each in said.json["taken"]] == ["prose/what.md"]
