"""Reads a PDF that came back: each result by the link over it, and the numbers that stand under no link.

A file that is not the delivered one may be anybody's, and PDFium is C++: it is read by a process of its own
(``python -m audit.dossier.pdf_reading FILE``) with bounded time and memory; however it ends is one sentence.
"""

from __future__ import annotations

import ctypes
import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium

from audit.records import BadInput

PREFIX = "audit:"
LARGEST = 64 * 1024 * 1024
PAGES, LINKS, CHARACTERS = 2_000, 20_000, 200_000
"""At most so many pages in a file, annotations on a page, characters on a page."""
SECONDS, MEMORY = 120, 4 * 1024**3
REFUSED = 3
LONGEST_CONTENTS = 4_096


@dataclass(frozen=True, slots=True)
class Printed:
    """A result as printed: address (``audit:<12 digits>#<pointer>``), text without spaces, page from 1."""

    reference: str
    text: str
    page: int


@dataclass(frozen=True, slots=True)
class PdfText:
    """What a PDF says: its results in the order of their links, and each page's words outside of them."""

    results: Sequence[Printed]
    loose: Sequence[str]


def read_pdf(path: Path) -> PdfText:
    """Results and remaining words of the PDF in ``path``; raises ``BadInput`` where it cannot be read within bounds."""
    size = path.stat().st_size
    if size > LARGEST:
        raise BadInput(f"{path}: {size // 2**20} MiB, more than {LARGEST // 2**20}; not read.")
    command = [sys.executable, "-m", "audit.dossier.pdf_reading", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise BadInput(f"{path}: reading it took longer than {SECONDS} s; not read.") from error
    if done.returncode == REFUSED:
        raise BadInput(f"{path}: {done.stderr.decode(errors='replace').strip()}")
    if done.returncode != 0:
        raise BadInput(f"{path}: the PDF reader broke down over this file (exit code {done.returncode}); not read.")
    raw = json.loads(done.stdout)
    pieces = [Printed(*each) for each in raw["results"]]
    return PdfText(list(_joined(pieces)), raw["loose"])


def holds_pictures(path: Path) -> bool:
    """Whether a PDF of the suite holds a raster picture; its figures are drawn. One that cannot be read counts so."""
    try:
        document = pypdfium2.PdfDocument(path)
        return any(True for page in document for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]))
    except pypdfium2.PdfiumError:
        return True


def _joined(pieces: Sequence[Printed]) -> Iterator[Printed]:
    """Neighbours with one address are the words, or the halves at a page's end, of one result."""
    for reference, group in groupby(pieces, key=lambda one: one.reference):
        words = list(group)
        yield Printed(reference, "".join(one.text for one in words), words[0].page)


def _read(path: str) -> dict[str, Any]:
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise BadInput("no PDF that can be read: damaged, or locked by a password.") from error
    _refuse_more(len(document), PAGES, "pages")
    results: list[tuple[str, str, int]] = []
    loose: list[str] = []
    for number in range(len(document)):
        try:
            found, rest = _page(document[number])
        except pypdfium2.PdfiumError as error:
            raise BadInput(f"page {number + 1} is damaged and cannot be read.") from error
        results += [(reference, text, number + 1) for reference, text in found]
        loose.append(rest)
    return {"results": results, "loose": loose}


def _page(page: Any) -> tuple[list[tuple[str, str]], str]:
    letters, centres = _letters(page.get_textpage())
    free = np.ones(len(letters), bool)
    results, notes = [], []
    for contents, (left, bottom, right, top) in _annotations(page):
        if not contents.startswith(PREFIX):
            notes.append(contents)
            continue
        x, y = centres[:, 0], centres[:, 1]
        under = (x >= left) & (x <= right) & (y >= bottom) & (y <= top)
        free &= ~under
        results.append((contents, "".join(letters[under]).strip()))
    rest = "".join(np.where(free, letters, "\n")) if len(letters) else ""
    return results, "\n".join([rest, *notes])


def _letters(textpage: Any) -> tuple[Any, Any]:
    """The page's characters and the centres of their boxes; white space is a blank."""
    count = textpage.count_chars()
    _refuse_more(count, CHARACTERS, "characters on a page")
    letters = np.array([_letter(textpage.raw, place) for place in range(count)], dtype=np.str_)
    boxes = np.array([textpage.get_charbox(place) for place in range(count)], float).reshape(-1, 4)
    return letters, np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2])


def _letter(textpage: Any, place: int) -> str:
    code = pdfium.FPDFText_GetUnicode(textpage, place)
    letter = chr(code) if 0 < code < 0xD800 or 0xDFFF < code <= 0x10FFFF else "\ufffd"
    return " " if letter.isspace() else letter


def _annotations(page: Any) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    count = pdfium.FPDFPage_GetAnnotCount(page.raw)
    _refuse_more(count, LINKS, "annotations on a page")
    for place in range(count):
        annotation = pdfium.FPDFPage_GetAnnot(page.raw, place)
        if not annotation:
            continue
        try:
            yield _contents(annotation), _rectangle(annotation)
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)


def _contents(annotation: Any) -> str:
    size = pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", None, 0)
    if size > LONGEST_CONTENTS:
        raise BadInput(f"an annotation holds {size} bytes, more than {LONGEST_CONTENTS}; not read.")
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    pdfium.FPDFAnnot_GetStringValue(annotation, b"Contents", buffer, size)
    return bytes(buffer)[: max(size - 2, 0)].decode("utf-16-le", errors="replace")


def _rectangle(annotation: Any) -> tuple[float, float, float, float]:
    found = pdfium.FS_RECTF()
    pdfium.FPDFAnnot_GetRect(annotation, found)
    return found.left, found.bottom, found.right, found.top


def _refuse_more(count: int, limit: int, what: str) -> None:
    if count > limit:
        raise BadInput(f"it has {count} {what}, more than {limit}; not read.")


def _main(path: str) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        print(json.dumps(_read(path)))
    except BadInput as error:
        print(error, file=sys.stderr)
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
