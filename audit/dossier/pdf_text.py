"""Runs set into lines; each result carries its own address under its rectangle and leads to the evidence appendix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from reportlab.lib.colors import Color
from reportlab.platypus import Flowable

from audit.dossier.content import Link, Mark, PageOf, Runs, Text, Value
from audit.dossier.locating import place_key
from audit.dossier.pdf_style import BOLD, ITALIC, MONO, QUIET, TONES, TRACE, Face, text_width

CHIP_PAD = 3.2


@dataclass(slots=True)
class Layout:
    """What one pass of the layout learns for the next: the page of each key and the number of pages."""

    pages: dict[str, int] = field(default_factory=dict)
    total: int = 0


class Atom(NamedTuple):
    """A piece of one word in one font."""

    text: str
    font: str
    size: float
    colour: Color
    width: float
    value: Value | Link | None = None
    mark: Mark | None = None


Word = tuple[Atom, ...]
Line = tuple[Word, ...]


def set_text(runs: Runs, face: Face, width: float, pages: Mapping[str, int]) -> tuple[Line, ...]:
    """Lines of words that fit ``width`` points; a word that is too long is cut between characters.

    The same words at the same width are set once, whichever pass and document they stand in.
    """
    for run in runs:
        if isinstance(run, PageOf):
            return _set_lines(runs, face, width, pages)
    return _set_once(runs, face, width)


@lru_cache(maxsize=65536)
def _set_once(runs: Runs, face: Face, width: float) -> tuple[Line, ...]:
    return _set_lines(runs, face, width, {})


def _set_lines(runs: Runs, face: Face, width: float, pages: Mapping[str, int]) -> tuple[Line, ...]:
    space = text_width(" ", face.font, face.size)
    lines: list[list[Word]] = [[]]
    used = 0.0
    for word, needed in _fitting(_words(runs, face, pages), width):
        if lines[-1] and used + space + needed > width + 0.01:
            lines.append([])
            used = 0.0
        used += needed + (space if lines[-1] else 0.0)
        lines[-1].append(word)
    return tuple(tuple(line) for line in lines)


def _words(runs: Runs, face: Face, pages: Mapping[str, int]) -> Iterator[Word]:
    word: list[Atom] = []
    for run in runs:
        if isinstance(run, Mark):
            word.append(_chip(run, face))
            continue
        words = str(pages.get(run.place, "–")) if isinstance(run, PageOf) else run.text
        indent = len(words) - len(words.lstrip(" ")) if not word and isinstance(run, Text) and words.strip() else 0
        for index, part in enumerate(("\u00a0" * indent + words[indent:]).split(" ")):
            if index and word:
                yield tuple(word)
                word = []
            if part:
                word.append(_atom(part, run, face))
    if word:
        yield tuple(word)


def _atom(part: str, run: Text | Value | PageOf | Link, face: Face) -> Atom:
    style = getattr(run, "style", "plain")
    font = {"strong": BOLD, "emphasis": ITALIC, "mono": MONO}.get(style, face.font)
    size = face.size * (0.88 if style == "mono" else 1.0)
    colour = QUIET if style == "quiet" else face.colour
    return Atom(part, font, size, colour, text_width(part, font, size), run if isinstance(run, Value | Link) else None)


def _chip(mark: Mark, face: Face) -> Atom:
    colour, _, symbol = TONES[mark.tone]
    words = f"{symbol}\u00a0{mark.text}".replace(" ", "\u00a0")
    size = face.size * 0.92
    return Atom(words, BOLD, size, colour, text_width(words, BOLD, size) + 2 * CHIP_PAD, mark=mark)


def _fitting(words: Iterator[Word], width: float) -> Iterator[tuple[Word, float]]:
    """Words with their widths; those that are too long in pieces."""
    for word in words:
        needed = _width(word)
        if needed <= width:
            yield word, needed
        else:
            yield from ((piece, _width(piece)) for piece in _cut(word, width))


def _width(word: Word) -> float:
    return word[0].width if len(word) == 1 else sum(atom.width for atom in word)


def _cut(word: Word, width: float) -> Iterator[Word]:
    piece: list[Atom] = []
    room = width
    for atom in word:
        rest = atom
        while rest.width > room and rest.mark is None:
            head, tail = _break(rest, room)
            if head:
                piece.append(head)
            if piece:
                yield tuple(piece)
            piece, room, rest = [], width, tail
        piece.append(rest)
        room -= rest.width
    if piece:
        yield tuple(piece)


def _break(atom: Atom, room: float) -> tuple[Atom | None, Atom]:
    keep = next((n for n in range(len(atom.text), 0, -1) if text_width(atom.text[:n], atom.font, atom.size) <= room), 0)
    if keep == 0 and room < atom.size:
        return None, atom
    keep = max(keep, 1)
    return _part(atom, atom.text[:keep]), _part(atom, atom.text[keep:])


def _part(atom: Atom, words: str) -> Atom:
    width = text_width(words, atom.font, atom.size)
    return Atom(words, atom.font, atom.size, atom.colour, width, atom.value, atom.mark)


def line_width(line: Line, face: Face) -> float:
    """Width of a set line in points."""
    return sum(map(_width, line)) + text_width(" ", face.font, face.size) * max(len(line) - 1, 0)


def draw_lines(
    canvas: Any, lines: Sequence[Line], face: Face, x: float, top: float, width: float, align: str = "left"
) -> None:
    """Draws set lines below ``top``; results get their links. A canvas that only measures is spared."""
    if getattr(canvas, "only_measures", False):
        return
    space = text_width(" ", face.font, face.size)
    baseline = top - face.leading + 0.5 * (face.leading - face.size) + 0.12 * face.size
    for line in lines:
        here = x + (width - line_width(line, face) if align == "right" else 0.0)
        for atom in _merged(line, face, space):
            _draw(canvas, atom, here, baseline)
            here += atom.width
        baseline -= face.leading


def _merged(line: Line, face: Face, space: float) -> Iterator[Atom]:
    """The line's words as few pieces as possible, spaces included: neighbours in one style become one string."""
    gap = Atom(" ", face.font, face.size, face.colour, space)
    held: Atom | None = None
    for index, word in enumerate(line):
        for atom in (gap, *word) if index else word:
            if held is not None and _alike(held, atom):
                held = held._replace(text=held.text + atom.text, width=held.width + atom.width)
                continue
            if held is not None:
                yield held
            held = atom
    if held is not None:
        yield held


def _alike(one: Atom, other: Atom) -> bool:
    if one.mark or other.mark or one.value is not None or other.value is not None:
        return False
    return (one.font, one.size) == (other.font, other.size) and (one.colour == other.colour or other.text == " ")


def _draw(canvas: Any, atom: Atom, x: float, baseline: float) -> None:
    if atom.mark is not None:
        _draw_chip(canvas, atom, x, baseline)
        return
    canvas.setFont(atom.font, atom.size)
    canvas.setFillColor(atom.colour)
    canvas.drawString(x, baseline, atom.text)
    if atom.value is not None:
        low, high = baseline - 0.24 * atom.size, baseline + 0.82 * atom.size
        address = atom.value.reference if isinstance(atom.value, Value) else ""
        canvas.setStrokeColor(TRACE)
        canvas.setLineWidth(0.35)
        canvas.line(x, low + 0.4, x + atom.width, low + 0.4)
        link(canvas, address, statement_key(atom.value.statement), (x, low, x + atom.width, high))


def _draw_chip(canvas: Any, atom: Atom, x: float, baseline: float) -> None:
    assert atom.mark is not None
    colour, tint, _ = TONES[atom.mark.tone]
    canvas.setFillColor(tint)
    canvas.roundRect(x, baseline - 0.34 * atom.size, atom.width, 1.36 * atom.size, 2.0, stroke=0, fill=1)
    canvas.setFillColor(colour)
    canvas.setFont(BOLD, atom.size)
    canvas.drawString(x + CHIP_PAD, baseline, atom.text)


def link(canvas: Any, address: str, key: str, rectangle: tuple[float, float, float, float]) -> None:
    """A rectangle that jumps to ``key`` and keeps ``address`` in its /Contents, where a checker reads it back."""
    canvas.linkRect(address, key, rectangle, relative=1, thickness=0, Border="[0 0 0]")


def statement_key(statement: str) -> str:
    """The appendix entry of a statement."""
    return f"statement-{statement[:16]}"


def note_place(canvas: Any, caption: str, top: float) -> None:
    """Notes the page of the first table or figure with this caption, and bookmarks it beneath its section."""
    pages: dict[str, int] | None = getattr(canvas, "pages_of_places", None)
    key = place_key(caption)
    if pages is None or key in pages:
        return
    pages[key] = canvas.getPageNumber()
    name = f"place-{len(pages)}"
    canvas.bookmarkHorizontal(name, 0, top)
    canvas.addOutlineEntry(caption, name, 1, closed=True)


def noting(flowable: Any, caption: str) -> Any:
    """The flowable, which notes its place when it is drawn; a part of it that is split off does not."""
    draw = flowable.draw

    def draw_and_note() -> None:
        note_place(flowable.canv, caption, flowable.height)
        draw()

    flowable.draw = draw_and_note
    split = flowable.split
    flowable.split = lambda width, height: [
        noting(part, caption) if index == 0 else part for index, part in enumerate(split(width, height))
    ]
    return flowable


class TextBlock(Flowable):  # type: ignore[misc]
    """Running text that breaks between lines."""

    def __init__(self, runs: Runs, face: Face, pages: Mapping[str, int]) -> None:
        super().__init__()
        self.runs, self.face, self.pages = runs, face, pages
        self.lines: tuple[Line, ...] | None = None

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width = width
        if self.lines is None:
            self.lines = set_text(self.runs, self.face, width - self._indent, self.pages)
        self.height = len(self.lines) * self.face.leading
        return width, self.height

    @property
    def _indent(self) -> float:
        return 0.0

    def split(self, width: float, height: float) -> list[Flowable]:
        self.wrap(width, height)
        assert self.lines is not None
        fits = int(height / self.face.leading)
        if fits < 2 or len(self.lines) - fits < 1:
            return []
        return [self._with(self.lines[:fits]), self._with(self.lines[fits:])]

    def _with(self, lines: tuple[Line, ...]) -> TextBlock:
        part = TextBlock(self.runs, self.face, self.pages)
        part.lines = lines
        part.spaceBefore, part.spaceAfter = getattr(self, "spaceBefore", 0), getattr(self, "spaceAfter", 0)
        return part

    def draw(self) -> None:
        draw_lines(self.canv, self.lines or (), self.face, self._indent, self.height, self.width - self._indent)
