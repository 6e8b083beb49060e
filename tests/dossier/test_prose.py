"""Declared prose: Markdown in, passages out and back; what cannot be printed is refused with its line."""

import io
import re
from typing import get_args

import docx
import pypdfium2
import pytest
from dossier_example import make_view
from hypothesis import given
from hypothesis import strategies as st

from audit.dossier.building import build_documents
from audit.dossier.content import Passage, Style, Text
from audit.dossier.device import Declaration, prose_files, read_device
from audit.dossier.prose import numbered, passages, to_markdown, words_of
from audit.dossier.prose_figures import typed_figures
from audit.records import BadInput

SOURCE = """\
# Intended use

The device *marks* slices that **may** hold a lesion (`FLAIR`),
and outlines them.

- first
- second
  1. before reading
  2. after reading

## Limits

No other sequence.
"""
DEVICE = """\
manufacturer: Maker
name: Device
version: '1'
declared:
  aia.annex4.1.a:
    file: prose/intended use.md
    author: Regulatory affairs
    date: 2026-11-02
    also_answers: [fda.aidsf.v.1]
"""


def declared(tmp_path, prose=SOURCE, device=DEVICE):
    (tmp_path / "prose").mkdir(exist_ok=True)
    (tmp_path / "prose" / "intended use.md").write_text(prose, encoding="utf-8")
    (tmp_path / "device.yaml").write_text(device, encoding="utf-8")
    return tmp_path / "device.yaml"


def test_paragraphs_headings_lists_and_emphasis_are_read() -> None:
    read = passages(SOURCE, "file")
    assert [(each.kind, each.depth, each.marker) for each in read] == [
        ("heading", 1, ""), ("paragraph", 1, ""), ("item", 1, "•"), ("item", 1, "•"), ("item", 2, "1."),
        ("item", 2, "2."), ("heading", 2, ""), ("paragraph", 1, ""),
    ]  # fmt: skip
    assert {run.style for run in read[1].runs} == {"plain", "emphasis", "strong", "mono"}
    assert passages(to_markdown(read), "file") == read
    assert (
        words_of(read).splitlines()[1] == "The device marks slices that may hold a lesion (FLAIR), and outlines them."
    )


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("Fine.\n\nA <b>bold</b> word.", "line 3: raw HTML"),
        ("<!-- hidden -->", "line 1: raw HTML"),
        ("![scan](https://example.com/x.png)", "picture"),
        ("See [here](https://example.com).", "link"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "table"),
        ("> quoted", "quotation"),
        ("Text.\n\n    code", "line 3: a line that begins with four spaces"),
        ("one\n\n---\n\ntwo", "line 3: a ruled line"),
        ("- one\n\n  more", "line 3: a list item holds one paragraph"),
        ("#### deep", "heading of level 4"),
        (" \n", "holds no words"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_its_line(bad: str, reason: str) -> None:
    with pytest.raises(BadInput, match=re.escape(reason)):
        passages(bad, "prose/x.md")


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)
STYLES = [style for style in get_args(Style) if style != "quiet"]
RUNS = st.lists(st.builds(Text, WORDS, st.sampled_from(STYLES)), min_size=1, max_size=4)
PARTS = st.builds(
    Passage, RUNS.map(tuple), st.sampled_from(["paragraph", "heading", "item"]), st.integers(1, 3),
    st.sampled_from(["", "•", "1.", "7."]),
)  # fmt: skip


def plain(parts):
    return [(each.kind, each.depth, each.marker, " ".join(words_of([each]).split())) for each in parts]


@given(st.lists(PARTS, max_size=6))
def test_passages_written_as_markdown_read_back_as_themselves(parts) -> None:
    expected = plain(numbered(parts))
    assert plain(passages(to_markdown(parts), "f") if expected else ()) == expected


def test_a_prose_file_gives_its_words_to_every_clause_that_it_answers(tmp_path) -> None:
    device = read_device(declared(tmp_path))
    assert device.declared["fda.aidsf.v.1"] is device.declared["aia.annex4.1.a"]
    assert device.declared["aia.annex4.1.a"].parts == passages(SOURCE, "f")
    assert {name: clauses for name, (_, clauses) in prose_files(device).items()} == {
        "prose/intended use.md": ("aia.annex4.1.a", "fda.aidsf.v.1")
    }


TWICE = DEVICE + "  claim.5:\n    file: prose/intended use.md\n    author: A role\n    date: 2026-11-02\n"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("prose/intended use.md", "prose/absent.md", r"prose/absent\.md is not there; write the text into"),
        ("prose/intended use.md", "../secret.md", "is no prose file; put it into the folder prose/"),
        ("prose/intended use.md", "prose/a/b.md", "is no prose file"),
        ("    author: Regulatory affairs\n", "", r"declared\.aia\.annex4\.1\.a\.author: this key is required"),
        ("author: Regulatory affairs", "author: ' '", "author is empty; name who answers"),
        ("    date:", "    text: Both.\n    date:", "give either 'text' or 'file'"),
        (DEVICE, TWICE, r"stands under declared\.aia\.annex4\.1\.a already; name claim\.5 in its 'also_answers'"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_sentence(tmp_path, old: str, new: str, reason: str) -> None:
    assert old in DEVICE
    with pytest.raises(BadInput, match=reason):
        read_device(declared(tmp_path, device=DEVICE.replace(old, new)))


def test_links_out_of_the_folder_and_other_encodings_are_refused(tmp_path) -> None:
    path = declared(tmp_path)
    prose = tmp_path / "prose" / "intended use.md"
    prose.write_bytes("Größe".encode("latin-1"))
    with pytest.raises(BadInput, match="save it in UTF-8"):
        read_device(path)
    prose.unlink()
    outside = tmp_path.parent / f"{tmp_path.name}-outside.md"
    outside.write_text("secret", encoding="utf-8")
    prose.symlink_to(outside)
    with pytest.raises(BadInput, match="leads out of the folder"):
        read_device(path)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("The device reaches a sensitivity of 0.93.", [("sensitivity", "0.93")]),
        ("At 95 % the Sensitivity (whole set) is claimed.", [("sensitivity", "95 %")]),
        ("Sensitivity and specificity weigh the same. A server with 16 GB, version 2.0.", []),
        ("Slices are 0.9 mm apart.", []),
    ],
)
def test_figures_that_read_like_results_are_told_from_others(words: str, found) -> None:
    facts = {"text": words, "author": "A role", "date": "2026-11-02"}
    assert list(typed_figures(Declaration.model_validate(facts), ["sensitivity", "AUROC"])) == found
    sourced = {**facts, "figures_from": "the predicate's 510(k) summary"}
    assert list(typed_figures(Declaration.model_validate(sourced), ["sensitivity"])) == []


TEMPLATE = """\
id: prose
title: Prose
instrument: fda_ai_dsf
vocabulary: fda
page: Letter
front: brief
closing: evidence
sections:
- title: Description
  requirements: [fda.aidsf.v.1]
"""


def test_every_format_prints_the_prose(tmp_path) -> None:
    (tmp_path / "prose.yaml").write_text(TEMPLATE, encoding="utf-8")
    view = make_view(device=read_device(declared(tmp_path)))
    (built,) = build_documents(view, [tmp_path / "prose.yaml"])
    page = built.html.decode()
    assert '<p class="declared heading d1" role="heading" aria-level="3">Intended use</p>' in page
    assert "<em>marks</em> slices that <b>may</b> hold a lesion (<code>FLAIR</code>), and outlines them." in page
    assert '<p class="declared item d2"><span class="m">2. </span>after reading</p>' in page
    assert (
        '"type":"Prose","text":"before reading","style":"plain","requirement":"aia.annex4.1.a"' in built.json.decode()
    )
    word = docx.Document(io.BytesIO(built.docx))
    styles = {each.text: each.style.name for each in word.paragraphs if each.style}
    assert styles["2.\tafter reading"] == "Audit Declared Item 2"
    assert styles["Limits"] == "Audit Declared Heading 2"
    pdf = " ".join(pypdfium2.PdfDocument(built.pdf)[0].get_textpage().get_text_range().split())
    assert (
        "The device marks slices that may hold a lesion (FLAIR), and outlines them. • first • second 1. before" in pdf
    )
