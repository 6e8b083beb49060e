"""What a reader sees: no cut heads, moments as the market writes them, no names of columns in sentences."""

import io
import re
from datetime import UTC, datetime

import docx
import pytest
from dossier_example import MAIN
from hypothesis import given
from hypothesis import strategies as st

from audit.dossier.catalogues import writing_style
from audit.dossier.content import HeatCell, HeatRow, HeatTable, Prose, Table, Text, Value, text
from audit.dossier.moments import ISO, moment, written
from audit.dossier.pdf_figures import break_before
from audit.dossier.pdf_style import HEAD, LEFT, PAGES, RIGHT, register_fonts
from audit.dossier.pdf_table import PAD_X
from audit.dossier.pdf_text import set_text
from audit.dossier.resolve import resolve
from audit.dossier.templates import read_template
from audit.dossier.word import render_word
from audit.dossier.word_heat import heat_as_table


@pytest.fixture(scope="module")
def document(view):
    return resolve(read_template(MAIN[0]), view)


def runs_of(part):
    if isinstance(part, Text | Value):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from runs_of(each)
    elif hasattr(part, "__dataclass_fields__"):
        for name in part.__dataclass_fields__:
            yield from runs_of(getattr(part, name))


def test_no_word_of_a_tables_head_is_cut(document):
    register_fonts()
    width = PAGES[document.page][0] - LEFT - RIGHT
    for table in (node for node in document.nodes if isinstance(node, Table)):
        total = sum(column.share for column in table.columns)
        for column in table.columns:
            lines = set_text(text(column.title), HEAD, width * column.share / total - 2 * PAD_X, {})
            words = ["".join(atom.text for atom in word) for line in lines for word in line]
            assert words == column.title.split(), (table.caption, column.title)


def test_sentences_hold_no_column_names_and_no_machine_times(document, view):
    names = re.compile("|".join(rf"\b{name}\b" for name in view.plan.strata if "_" in name) or r"(?!)")
    for run in runs_of(document.nodes):
        if isinstance(run, Prose) or run.style == "mono":
            continue
        assert not ISO.search(run.text), run
        assert not names.search(run.text), run


@given(st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)), st.sampled_from(["eu", "fda", "both"]))
def test_a_written_moment_is_the_same_moment(at, words):
    iso = at.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    printed = written(iso, writing_style(words))
    assert moment(printed) == moment(printed.replace(" ", "")) == moment(iso) == at.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("fits", "plain", "expected"),
    [
        (8, [True] * 20, 8),
        (3, [True, True, False, True, True, True, True, True], 2),
        (9, [False, True, True, True, True, False, True, True, True, True, True], 5),
        (9, [True] * 11, 9),
    ],
)
def test_a_figure_breaks_before_a_group_rather_than_within_its_end(fits, plain, expected):
    assert break_before(fits, plain) == expected


def test_a_heat_table_is_a_shaded_table_in_word(document):
    heats = [node for node in document.nodes if isinstance(node, HeatTable)]
    word = docx.Document(io.BytesIO(render_word(document)))
    for node in heats:
        (table,) = (each for each in word.tables if [cell.text for cell in each.rows[0].cells][2:] == list(node.columns)
                    and len(each.rows) == 1 + len(node.rows))  # fmt: skip
        _, fill = heat_as_table(node)
        asked = {fill(row, column) for row in range(len(node.rows)) for column in range(2, len(node.columns) + 2)}
        assert asked - {""} <= set(re.findall(r'w:fill="([0-9A-F]{6})"', table._tbl.xml))


def test_better_is_blue_and_worse_is_orange_in_word():
    cells = tuple(HeatCell(shade, text("0.5")) for shade in (1.0, -1.0, 0.0, None))
    _, fill = heat_as_table(HeatTable("", "", ("a", "b", "c", "d"), (HeatRow("F", (), cells),), "worse", "better"))
    assert [fill(0, column) for column in range(6)] == ["", "", "61A8CF", "D39A61", "FFFFFF", "F4F6F8"]
