"""The Word file: real styles, each result in a bookmark, the same bytes twice; what an editor changed is found."""

import io
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from dossier_example import MAIN

from audit.dossier.content import Document, Heading, HeatTable, Table, Value
from audit.dossier.resolve import resolve
from audit.dossier.templates import read_template
from audit.dossier.view import AuditView
from audit.dossier.word import render_word
from audit.dossier.word_reading import edited_values, numbers_of, read_word, reworded
from audit.records import BadInput


@pytest.fixture(scope="module")
def document(view: AuditView) -> Document:
    return resolve(read_template(MAIN[0]), view)


@pytest.fixture(scope="module")
def data(document: Document) -> bytes:
    return render_word(document)


def changed(data: bytes, change: Callable[[str], str]) -> bytes:
    """The package with another text of its main part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as given, zipfile.ZipFile(out, "w") as written:
        for name in given.namelist():
            part = given.read(name)
            written.writestr(name, change(part.decode()).encode() if name == "word/document.xml" else part)
    return out.getvalue()


def table_values(document: Document) -> list[Value]:
    rows = [row for node in document.nodes if isinstance(node, Table) for row in node.rows]
    return [run for row in rows for cell in row.cells for run in cell if isinstance(run, Value)]


def test_the_same_document_gives_the_same_bytes(document: Document, data: bytes) -> None:
    assert render_word(document) == data


def test_headings_tables_and_captions_have_real_styles(document: Document, data: bytes) -> None:
    word = docx.Document(io.BytesIO(data))
    headings = [node for node in document.nodes if isinstance(node, Heading)]
    tables = [node for node in document.nodes if isinstance(node, Table)]
    styles = [(paragraph.style.name, paragraph.text) for paragraph in word.paragraphs if paragraph.style]
    assert [words for name, words in styles if name.startswith("Heading")] == [node.text for node in headings]
    captions = {words for name, words in styles if name == "Caption"}
    assert {node.caption for node in tables if node.caption} <= captions
    assert len(word.tables) >= len(tables)
    assert all("w:tblHeader" in table._tbl.xml for table in word.tables[1:4])


def test_every_printed_result_stands_in_its_bookmark(document: Document, data: bytes) -> None:
    found, values = read_word(data, "file"), document.values
    places = {int(name[1:].split("_")[0]) for name in found.values}
    texts = {values[place].text for place in places}
    assert {value.text for value in table_values(document)} <= texts
    for name, words in found.values.items():
        assert " ".join(values[int(name[1:].split("_")[0])].text.split()) == words
        assert len(name) <= 40


def test_every_link_has_its_target(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        xml = package.read("word/document.xml").decode()
    anchors = set(re.findall(r'w:anchor="([^"]+)"', xml)) | set(re.findall(r"PAGEREF (\S+)", xml))
    names = re.findall(r'w:bookmarkStart [^>]*w:name="([^"]+)"', xml)
    assert anchors <= set(names)
    assert len(names) == len(set(names)), "a bookmark's name is unique"
    assert {len(name) for name in names} <= set(range(1, 41))


def test_pictures_say_what_they_show(document: Document, data: bytes) -> None:
    word = docx.Document(io.BytesIO(data))
    shapes: Any = word.inline_shapes
    drawn = [node for node in document.nodes if hasattr(node, "alt") and not isinstance(node, HeatTable)]
    assert len(shapes) >= len(drawn)
    assert all(shape._inline.docPr.get("descr") for shape in shapes)


def test_an_unedited_file_differs_in_nothing(data: bytes) -> None:
    same = read_word(data, "file")
    assert edited_values(same, same) == []
    assert reworded(same, same) == []


def test_an_edited_result_is_found_by_its_place(document: Document, data: bytes) -> None:
    delivered = read_word(data, "file")
    name, words = next((name, words) for name, words in delivered.values.items() if re.fullmatch(r"0\.\d+", words))
    pattern = rf'(w:name="{name}"/>.*?<w:t[^>]*>){re.escape(words)}(</w:t>)'
    found = read_word(
        changed(data, lambda xml: re.sub(pattern, r"\g<1>0.999\g<2>", xml, count=1, flags=re.DOTALL)), "f"
    )
    (edited,) = edited_values(delivered, found)
    assert (edited.delivered, edited.found) == (words, "0.999")
    assert document.values[edited.index].text == words
    assert reworded(delivered, found) == []


def test_a_removed_result_is_found(data: bytes) -> None:
    delivered = read_word(data, "file")
    name = next(iter(delivered.values))
    found = read_word(changed(data, lambda xml: xml.replace(f'w:name="{name}"', 'w:name="gone"')), "file")
    assert [(one.delivered, one.found) for one in edited_values(delivered, found)] == [(delivered.values[name], "")]


def test_edited_prose_and_typed_numbers_are_told_apart(data: bytes) -> None:
    delivered = read_word(data, "file")
    passage = next(each for each in delivered.paragraphs if "exploratory" in each)
    first = passage.split(".")[0]
    edit = f"{first} on 4,321 patients"
    found = read_word(changed(data, lambda xml: xml.replace(first, edit, 1)), "file")
    (only,) = reworded(delivered, found)
    assert only.delivered == passage
    assert edit in only.found
    assert list(numbers_of([only])) == ["4,321"]
    assert edited_values(delivered, found) == []


@pytest.mark.parametrize("bad", [b"", b"%PDF-1.7", b"PK\x03\x04"])
def test_what_is_no_word_file_is_refused(bad: bytes) -> None:
    with pytest.raises(BadInput, match="no Word document"):
        read_word(bad, "file")


def test_entities_are_not_expanded(data: bytes) -> None:
    bomb = '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    spoiled = changed(data, lambda xml: re.sub(r"(<\?xml[^>]*\?>)", rf"\1{bomb}", xml, count=1))
    assert read_word(spoiled, "file").values == read_word(data, "file").values


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_libreoffice_keeps_every_result(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "delivered.docx").write_bytes(data)
    (tmp_path / "back").mkdir()
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", profile, "--headless", "--convert-to", "docx", "--outdir", str(tmp_path / "back")]
    subprocess.run([*command, str(tmp_path / "delivered.docx")], check=True, capture_output=True, timeout=300)
    delivered = read_word(data, "delivered")
    back = read_word((tmp_path / "back" / "delivered.docx").read_bytes(), "back")
    assert edited_values(delivered, back) == []
    assert reworded(delivered, back) == []
