"""A document as a tree of values, before any format: every printed result is a ``Value`` that names its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal

from audit.dossier.catalogues import writing_style
from audit.records import Status

Tone = Literal["good", "part", "bad", "quiet", "note"]
Style = Literal["plain", "strong", "emphasis", "quiet", "mono"]


@dataclass(frozen=True, slots=True)
class Text:
    """Words without a result in them."""

    text: str
    style: Style = "plain"


@dataclass(frozen=True, slots=True)
class Prose(Text):
    """Declared words: those of the manufacturer, who gave them for ``requirement``; a Word file brings them back."""

    requirement: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """One printed result: its text, the id of the statement it comes from and where it stands in that product."""

    text: str
    statement: str
    pointer: str
    style: Style = "plain"

    @property
    def reference(self) -> str:
        """The number's own address, as it stands under the number in a PDF."""
        return f"audit:{self.statement[:12]}#{self.pointer}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A status or a verdict, shown by shape, colour and word."""

    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class PageOf:
    """The page on which the node with this key begins; known only to a paginated format.

    ``document`` names another document of the same build ('': the one that prints this).
    """

    key: str
    document: str = ""

    @property
    def place(self) -> str:
        """The name under which a layout knows the page."""
        return page_key(self.document, self.key) if self.document else self.key


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead to a statement as a whole."""

    text: str
    statement: str


Run = Text | Prose | Value | Mark | PageOf | Link
Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; ``key`` is the target of links, contents and bookmarks."""

    text: str
    level: int
    key: str
    in_contents: bool = True


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    runs: Runs
    role: Literal["body", "lead", "note", "clause"] = "body"


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph of a declared text: its head (what it answers, who declared it when), then its own parts.

    ``depth``: level of a heading, nesting of an item (both from 1); ``marker`` stands before an item.
    """

    runs: Runs
    kind: Literal["head", "paragraph", "heading", "item"] = "paragraph"
    depth: int = 1
    marker: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A table's column: ``share`` is its part of the width; numbers are set right so that decimals align."""

    title: str
    share: float
    align: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Row:
    """One row; ``spans`` gives the number of columns each cell covers (one each where empty)."""

    cells: tuple[Runs, ...]
    spans: tuple[int, ...] = ()
    kind: Literal["row", "group"] = "row"
    key: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that may break between rows; its header is repeated on each page."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: Runs = ()


@dataclass(frozen=True, slots=True)
class ForestMark:
    """One version's estimate in a forest row; ``undefined`` stands where there is no value."""

    value: float | None
    low: float | None
    high: float | None
    printed: Runs
    undefined: str = ""


@dataclass(frozen=True, slots=True)
class ForestRow:
    """A group and its estimates; without marks it is a heading."""

    label: str
    size: Runs = ()
    marks: tuple[ForestMark | None, ...] = ()


@dataclass(frozen=True, slots=True)
class ForestPlot:
    """Estimates with intervals by group, the overall line and the criterion line."""

    caption: str
    alt: str
    axis: str
    low: float
    high: float
    versions: tuple[str, ...]
    rows: tuple[ForestRow, ...]
    overall: float | None = None
    criterion: float | None = None
    criterion_text: str = ""


@dataclass(frozen=True, slots=True)
class AgreementLine:
    """Bias or a limit of agreement, at its height in the plot, with the band of its interval."""

    label: str
    value: float
    low: float | None
    high: float | None
    printed: Runs


@dataclass(frozen=True, slots=True)
class AgreementPlot:
    """A Bland-Altman plot: ``points`` are (mean, difference), where ``ratio`` the logarithm of the ratio."""

    caption: str
    alt: str
    x_axis: str
    y_axis: str
    ratio: bool
    points: tuple[tuple[float, float], ...]
    lines: tuple[AgreementLine, ...]
    note: Runs = ()


@dataclass(frozen=True, slots=True)
class CurveSeries:
    """One version's curve: ``points`` (x, y), ``band`` (x, low, high), drawn ``shaded`` or as bars at its points."""

    label: str
    points: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...] = ()
    shaded: bool = True


@dataclass(frozen=True, slots=True)
class CurvePlot:
    """Curves on common axes; ``lines`` are what they are read against, ``counts`` (low, high, positive, negative) the
    cases of the first version beneath, as square roots.
    """

    caption: str
    alt: str
    x_title: str
    y_title: str
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    series: tuple[CurveSeries, ...]
    lines: tuple[CurveSeries, ...] = ()
    counts: tuple[tuple[float, float, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar with limits."""

    label: str
    value: float | None
    low: float | None
    high: float | None
    printed: Runs
    remark: str = ""


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Quantities from zero, with limits, largest first."""

    caption: str
    alt: str
    axis: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class FrocPoint:
    """A point on or beside a curve, with limits in both directions where they are known."""

    x: float
    y: float
    x_limits: tuple[float, float] | None = None
    y_limits: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class FrocLine:
    """One version's curve from left to right, its ``operating_point`` and points at which it was read off."""

    label: str
    points: tuple[tuple[float, float], ...]
    operating_point: FrocPoint | None = None
    read_off: tuple[FrocPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class FrocPlot:
    """Curves over a horizontal axis from 0 to ``x_end`` and a vertical one from 0 to 1."""

    caption: str
    alt: str
    x_axis: str
    y_axis: str
    x_end: float
    curves: tuple[FrocLine, ...]
    legend: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RocLine:
    """One version's ROC curve, its locked ``operating_point`` with limits, and what is printed beside it."""

    label: str
    points: tuple[tuple[float, float], ...]
    operating_point: FrocPoint | None
    printed: tuple[Runs, ...] = ()


@dataclass(frozen=True, slots=True)
class RocPlot:
    """Sensitivity over 1 - specificity, both from 0 to 1, with the diagonal of chance."""

    caption: str
    alt: str
    x_axis: str
    y_axis: str
    curves: tuple[RocLine, ...]
    note: Runs = ()


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """Cases of one reference level that were called so; ``share`` of that level (0 to 1), missing where it has none."""

    share: float | None
    printed: Runs
    percent: Runs


@dataclass(frozen=True, slots=True)
class Matrix:
    """One version's calls: rows are reference levels, columns calls."""

    label: str
    rows: tuple[tuple[MatrixCell, ...], ...]


@dataclass(frozen=True, slots=True)
class MatrixPlot:
    """Confusion matrices side by side or below each other; the same ``levels`` for reference and call."""

    caption: str
    alt: str
    reference: str
    call: str
    levels: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    note: Runs = ()


@dataclass(frozen=True, slots=True)
class HeatCell:
    """An estimate of a group; ``shade`` from -1 (much worse) over 0 (the same) to 1 (much better).

    Without a ``shade`` there is no value, and ``printed`` says why.
    """

    shade: float | None
    printed: Runs
    limits: Runs = ()


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A group with a cell per column; without cells it is a heading. A missing cell was not estimated."""

    label: str
    size: Runs = ()
    cells: tuple[HeatCell | None, ...] = ()


@dataclass(frozen=True, slots=True)
class HeatTable:
    """Groups by measures; ``worse`` and ``better`` are the words at the ends of the colour scale."""

    caption: str
    alt: str
    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    worse: str
    better: str
    note: Runs = ()


@dataclass(frozen=True, slots=True)
class FlowStep:
    """What enters, or leaves (``out``), the analysis, with its number."""

    label: str
    number: Runs
    out: tuple[tuple[str, Runs], ...] = ()


@dataclass(frozen=True, slots=True)
class FlowChart:
    """Cases from the set to the analysis; the numbers add up."""

    caption: str
    alt: str
    steps: tuple[FlowStep, ...]


@dataclass(frozen=True, slots=True)
class LineageBox:
    """One step of a path: ``key`` names it for the arrows."""

    key: str
    title: str
    lines: tuple[Runs, ...]


@dataclass(frozen=True, slots=True)
class LineageChart:
    """Steps in columns from left to right, and which leads to which (keys of two boxes)."""

    caption: str
    alt: str
    columns: tuple[tuple[LineageBox, ...], ...]
    arrows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A raster picture from the evidence, by its path inside the audit, with text beside or below it."""

    path: str
    png: bytes
    alt: str
    title: Runs
    text: Runs


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One line of the status box."""

    label: str
    runs: Runs
    tone: Tone


@dataclass(frozen=True, slots=True)
class StatusBox:
    """What a reader must know before the first number."""

    items: tuple[StatusItem, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """A block to be signed: role, meaning of the signature, name, date."""

    role: str
    meaning: str
    name: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """The table of contents, where a format has pages."""

    title: str = "Contents"


@dataclass(frozen=True, slots=True)
class NewPage:
    """What follows begins on a new page."""


Node = (
    Heading
    | Paragraph
    | Passage
    | Table
    | ForestPlot
    | AgreementPlot
    | BarPlot
    | CurvePlot
    | FrocPlot
    | RocPlot
    | MatrixPlot
    | HeatTable
    | FlowChart
    | LineageChart
    | Picture
    | StatusBox
    | Signature
    | Contents
    | NewPage
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A requirement's answer: status, why not applicable, whether declared, what is missing and who supplies it.

    ``evidence`` are the kinds that its computed part rests on; a checklist names the pages that show them.
    """

    requirement: str
    clause: str
    title: str
    kind: str
    status: Status
    reason: str
    declared: bool
    missing: str
    owner: str
    statements: tuple[str, ...]
    section: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document with the requirements it answers."""

    key: str
    title: str
    answers: tuple[Answer, ...]
    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """A resolved document: nothing in it depends on a format, no result is read back out of it."""

    id: str
    title: str
    subtitle: str
    instrument: str
    edition: str
    head: str
    foot: str
    vocabulary: str
    page: Literal["A4", "Letter"]
    public: bool
    audit_id: str
    run_id: str
    ledger_root: str
    created: str
    simulated: bool
    front: tuple[Node, ...]
    sections: tuple[Section, ...]
    appendix: tuple[Node, ...]
    places: tuple[tuple[str, str], ...] = ()
    """Block -> key of the node on which it begins, for those that other documents refer to."""

    @property
    def made(self) -> str:
        """When the document was made, as its market writes a day."""
        return writing_style(self.vocabulary).day(self.created)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every node in reading order."""
        return (*self.front, *(node for section in self.sections for node in section.nodes), *self.appendix)

    @property
    def answers(self) -> tuple[Answer, ...]:
        """Every requirement's answer, in reading order."""
        return tuple(answer for section in self.sections for answer in section.answers)

    @property
    def values(self) -> tuple[Value, ...]:
        """Every printed result, in reading order."""
        return tuple(_values(self.nodes))

    @property
    def declared(self) -> tuple[str, ...]:
        """The requirements under which declared texts are printed, each once, in reading order."""
        passages = (node for node in self.nodes if isinstance(node, Passage))
        named = (run.requirement for node in passages for run in node.runs if isinstance(run, Prose))
        return tuple(dict.fromkeys(named))

    @property
    def cited(self) -> frozenset[str]:
        """Every statement that a result or a link leads to."""
        return frozenset(run.statement for run in _bound(self.nodes))


def _values(part: Any) -> Iterator[Value]:
    yield from (run for run in _bound(part) if isinstance(run, Value))


def _bound(part: Any) -> Iterator[Value | Link]:
    if isinstance(part, Value | Link):
        yield part
    elif isinstance(part, tuple):
        for item in part:
            if not isinstance(item, str | Text):
                yield from _bound(item)
    else:
        for name in _parts(part.__class__):
            yield from _bound(getattr(part, name))


@cache
def _parts(kind: type) -> tuple[str, ...]:
    """Names of the fields in which a type of the tree may hold runs or parts that do."""
    own = fields(kind) if is_dataclass(kind) else ()
    return tuple(each.name for each in own if not str(each.type).startswith(("str", "float", "int", "bool", "Literal")))


def page_key(document: str, key: str) -> str:
    """How one document names a place in another."""
    return f"{document}/{key}"


def text(words: str, style: Style = "plain") -> Runs:
    """Words as runs."""
    return (Text(words, style),) if words else ()


def plain(runs: Runs) -> str:
    """The words of runs as they are read, without marks of style; pages of a paginated format are left out."""
    return "".join("" if isinstance(run, PageOf) else run.text for run in runs)
