"""A prose file becomes a statement that documents lead to; changed afterwards, it is named."""

from collections.abc import Callable
from pathlib import Path

import pytest
from small_audit import Small, audit

from audit.documents.view import make_documents
from audit.records import BadInput

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
  requirements: [fda.aidsf.v.1]
"""
DEVICE = """\
manufacturer: Maker
name: Device
version: '1'
declared:
  fda.aidsf.v.1:
    file: prose/what.md
    author: A role
    date: 2026-01-31
    also_answers: [fda.aidsf.xiii]
"""


def build(small: Small) -> None:
    paths = [small.folder / "declared.yaml"]
    make_documents(small.store, "2026-03-02T10:00:00Z", small.folder / "device.yaml", paths)


@pytest.fixture
def written(small: Small) -> Small:
    """The small audit with a device.yaml, its prose and a document that prints it."""
    for name, words in (("declared.yaml", TEMPLATE), ("device.yaml", DEVICE)):
        (small.folder / name).write_text(words, encoding="utf-8")
    (small.folder / "prose").mkdir()
    (small.folder / "prose" / "what.md").write_text("It *finds* the finding.\n", encoding="utf-8")
    build(small)
    return small


def named(small: Small, *words: object) -> list[tuple[str, str]]:
    said = audit("verify", small.audit_id, "--home", small.home, "--json", *words).json
    return [(each["thing"], each["explanation"]) for each in said["differences"]]


def test_the_words_are_a_statement_and_the_document_leads_to_it(written: Small) -> None:
    stated = written.store.latest("prose")
    assert stated is not None
    assert dict(stated.body) == {
        "author": "A role",
        "date": "2026-01-31",
        "clauses": ["fda.aidsf.v.1", "fda.aidsf.xiii"],
    }
    document = written.store.subjects()["documents/declared.json"]
    assert stated.id in document.inputs
    assert stated.id in (written.documents / "declared.json").read_text(encoding="utf-8")
    assert named(written) == []
    before = len(written.store.statements("prose"))
    build(written)
    assert len(written.store.statements("prose")) == before, "unchanged words are not stated again"


def test_words_changed_after_the_build_are_named(written: Small) -> None:
    (written.folder / "prose" / "what.md").write_text("It finds something else.\n", encoding="utf-8")
    ((thing, said),) = named(written)
    assert thing == "prose/what.md"
    assert "changed after the documents were built" in said
    path = written.folder / "device.yaml"
    path.write_text(DEVICE.replace("A role", "Another role"), encoding="utf-8")
    assert [thing for thing, _ in named(written, "--device", path)] == ["prose/what.md", "device.yaml"]
    (written.store.folder / "prose" / "what.md").write_text("It finds all.\n", encoding="utf-8")
    assert any(thing == "prose/what.md" and "changed" in said for thing, said in named(written))


def test_a_document_built_from_earlier_words_is_named(written: Small) -> None:
    (written.folder / "prose" / "what.md").write_text("It finds something else.\n", encoding="utf-8")
    other = written.folder / "other.yaml"
    other.write_text(TEMPLATE.replace("id: declared", "id: other"), encoding="utf-8")
    make_documents(written.store, "2026-03-03T10:00:00Z", written.folder / "device.yaml", [other])
    ((thing, said),) = named(written)
    assert thing == "documents/declared.json: prose/what.md"
    assert "after this document was built" in said


def later(folder: Path) -> None:
    path = folder / "device.yaml"
    path.write_text(path.read_text().replace("2026-01-31", "2999-01-01"), encoding="utf-8")


def typed(folder: Path) -> None:
    (folder / "prose" / "what.md").write_text("It has a sensitivity of 0.93.\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "reason"), [(later, "2999-01-01 lies in the future"), (typed, r"'0\.93' beside 'sensitivity' reads like")]
)
def test_what_is_refused_is_not_stated(written: Small, spoil: Callable[[Path], None], reason: str) -> None:
    before = written.store.ledger.root()
    spoil(written.folder)
    with pytest.raises(BadInput, match=reason):
        build(written)
    assert written.store.ledger.root() == before


def test_init_names_the_prose_files_and_brings_them_along(written: Small) -> None:
    path = written.folder / "again" / "device.yaml"
    path.parent.mkdir()
    assert audit("init", written.audit_id, "--home", written.home, "--out", path).code == 0
    text = path.read_text(encoding="utf-8")
    assert "    file: prose/what.md\n    author: A role" in text
    assert "# for a longer text, in its place: file: prose/" in text
    assert (path.parent / "prose" / "what.md").read_bytes() == (written.folder / "prose" / "what.md").read_bytes()
    path.unlink()
    (path.parent / "prose" / "what.md").write_text("Mine.", encoding="utf-8")
    assert (
        "exists already with other words" in audit("init", written.audit_id, "--home", written.home, "--out", path).err
    )
