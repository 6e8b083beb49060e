"""What FDA's eCopy and eSTAR rules ask of a PDF, checked on the file itself; each fault with its clause.

Sources: eCopy Program for Medical Device Submissions, 3 December 2025, attachment 1 C and section V.b. The prefix
``001_`` belongs to an eCopy; attachments of an eSTAR keep their descriptive names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pikepdf
import pypdfium2

from audit.dossier.pdf_style import PAGES

LARGEST = 50 * 1000 * 1000
LONGEST_NAME = 125
ALLOWED_NAME = re.compile(r"[A-Za-z0-9 ._()-]+\.pdf")
ACTIONS = ("/JavaScript", "/Launch")
FONT_FILES = ("/FontFile", "/FontFile2", "/FontFile3")


@dataclass(frozen=True, slots=True)
class Fault:
    """A clause of the catalogue ``fda_ecopy_estar``, and how the file breaks it."""

    clause: str
    what: str


def lint(name: str, data: bytes) -> list[Fault]:
    """Every fault of the PDF ``data`` that is to be called ``name``; empty for a file that may be sent."""
    faults = [*_name(name), *_size(data)]
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                faults.append(Fault("fda.ecopy.pdf.security", "the file is encrypted or has security settings"))
            for look in (_attachments, _actions, _fonts, _bookmarks, _language, _paper):
                faults += look(pdf)
    except pikepdf.PasswordError:
        return [*faults, Fault("fda.ecopy.pdf.security", "a password is needed to open the file")]
    except pikepdf.PdfError as error:
        return [*faults, Fault("fda.ecopy.pdf.search", f"no readable PDF: {' '.join(str(error).split())}")]
    return [*faults, *_text(data)]


def in_words(name: str, faults: list[Fault]) -> str:
    """The faults as one sentence."""
    return f"{name} may not be sent to FDA: " + "; ".join(f"{each.what} ({each.clause})" for each in faults)


def _name(name: str) -> Iterator[Fault]:
    if len(name) > LONGEST_NAME:
        yield Fault("fda.ecopy.pdf.names", f"the file's name has {len(name)} characters, more than {LONGEST_NAME}")
    if not ALLOWED_NAME.fullmatch(name):
        asked = "English letters, digits, spaces, dashes, underscores, periods and '.pdf' at the end"
        yield Fault("fda.ecopy.pdf.names", f"the file's name '{name}' holds more than {asked}")


def _size(data: bytes) -> Iterator[Fault]:
    if len(data) > LARGEST:
        yield Fault("fda.ecopy.pdf.size", f"{len(data) / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f} MB; split the file")


def _dictionaries(pdf: pikepdf.Pdf) -> Iterator[Any]:
    """Every dictionary of the file, those that stand inside others as well."""
    for each in pdf.objects:
        yield from _inside(each)


def _inside(part: Any) -> Iterator[Any]:
    if isinstance(part, pikepdf.Array):
        for item in part:
            yield from () if _elsewhere(item) else _inside(item)
    elif isinstance(part, pikepdf.Dictionary | pikepdf.Stream):
        yield part
        for key in part.keys():  # noqa: SIM118  (iterating a stream itself is not offered)
            item = part.get(key)
            yield from () if _elsewhere(item) else _inside(item)


def _elsewhere(item: Any) -> bool:
    """An object that the file lists by itself."""
    return isinstance(item, pikepdf.Object) and item.is_indirect


def _any(pdf: pikepdf.Pdf, holds: Callable[[Any], bool]) -> bool:
    return any(holds(each) for each in _dictionaries(pdf))


def _attachments(pdf: pikepdf.Pdf) -> Iterator[Fault]:
    if _any(pdf, lambda each: "/EF" in each or "/EmbeddedFiles" in each or each.get("/Subtype") == "/FileAttachment"):
        yield Fault("fda.ecopy.pdf.embed", "the file carries attachments, which are lost in FDA's repository")


def _actions(pdf: pikepdf.Pdf) -> Iterator[Fault]:
    if _any(pdf, lambda each: "/JS" in each or "/JavaScript" in each or each.get("/S") in ACTIONS):
        yield Fault("fda.ecopy.pdf.security", "the file holds JavaScript or starts a program")


def _fonts(pdf: pikepdf.Pdf) -> Iterator[Fault]:
    loose = sorted({str(each.get("/BaseFont")) for each in _dictionaries(pdf) if _not_embedded(each)})
    if loose:
        yield Fault("fda.ecopy.pdf.fonts", f"not embedded: {', '.join(loose)}")


def _not_embedded(each: Any) -> bool:
    """A simple or descendant font without its file; a composite one has it in its descendant."""
    if each.get("/Type") != "/Font" or each.get("/Subtype") in ("/Type0", "/Type3"):
        return False
    described = each.get("/FontDescriptor")
    return described is None or not any(key in described for key in FONT_FILES)


def _bookmarks(pdf: pikepdf.Pdf) -> Iterator[Fault]:
    if "/First" not in pdf.Root.get("/Outlines", {}):
        yield Fault("fda.ecopy.pdf.nav", "no bookmarks")


def _language(pdf: pikepdf.Pdf) -> Iterator[Fault]:
    if not str(pdf.Root.get("/Lang", "")).startswith("en"):
        yield Fault("fda.ecopy.pdf.search", "the language of the text is not set to English")


def _paper(pdf: pikepdf.Pdf) -> Iterator[Fault]:
    wanted = sorted(PAGES["Letter"])
    for number, page in enumerate(pdf.pages, 1):
        left, bottom, right, top = (float(value) for value in page.mediabox)
        if any(abs(has - should) > 1 for has, should in zip(sorted((right - left, top - bottom)), wanted, strict=True)):
            size = f"{right - left:.0f} x {top - bottom:.0f} points"
            yield Fault("fda.ecopy.pdf.search", f"page {number} is {size}, not US Letter")
            return


def _text(data: bytes) -> Iterator[Fault]:
    with pypdfium2.PdfDocument(data) as document:
        blank = [str(n) for n, page in enumerate(document, 1) if not page.get_textpage().count_chars()]
    if blank:
        yield Fault("fda.ecopy.pdf.search", f"no text that can be searched on page {', '.join(blank)}")
