"""What FDA's eCopy and eSTAR rules ask of a PDF, checked on the file itself; each fault with its clause.

Sources: eCopy Program for Medical Device Submissions, 3 December 2025, attachment 1 C and section V.b. The prefix
``001_`` belongs to an eCopy; attachments of an eSTAR keep their descriptive names.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pikepdf
import pypdfium2

from audit.dossier.pdf_style import PAGES

LARGEST = 50 * 1000 * 1000
LONGEST_NAME = 125
ALLOWED_NAME = re.compile(r"[A-Za-z0-9 ._()-]+\.pdf")
ACTIONS, ACTING = ("/JavaScript", "/Launch"), frozenset({"/JS", "/JavaScript"})
ATTACHING = frozenset({"/EF", "/EmbeddedFiles"})
PLAIN = frozenset({"/Type", "/Subtype", "/Rect", "/Border", "/MediaBox", "/Widths", "/Length", "/Filter", "/S"})
"""Keys whose value is a name or numbers."""
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
            for look in (_contents, _bookmarks, _language, _paper):
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


@dataclass(slots=True)
class Findings:
    """What one walk over all dictionaries of a file meets."""

    attached: bool = False
    acts: bool = False
    loose_fonts: set[str] = field(default_factory=set)

    def look(self, each: Any, keys: frozenset[str]) -> None:
        self.attached |= bool(keys & ATTACHING) or ("/Subtype" in keys and each["/Subtype"] == "/FileAttachment")
        self.acts |= bool(keys & ACTING) or ("/S" in keys and each["/S"] in ACTIONS)
        if "/BaseFont" in keys and _not_embedded(each):
            self.loose_fonts.add(str(each["/BaseFont"]))


def _walked(pdf: pikepdf.Pdf) -> Findings:
    found = Findings()
    for each in pdf.objects:
        _walk(each, found)
    return found


def _walk(part: Any, found: Findings) -> None:
    """``part`` and the dictionaries inside it, but for those that the file lists by themselves."""
    if isinstance(part, pikepdf.Array):
        items = list(part)
    elif isinstance(part, pikepdf.Dictionary | pikepdf.Stream):
        keys = frozenset(part.keys())
        found.look(part, keys)
        items = [part[key] for key in keys - PLAIN]
    else:
        return
    for item in items:
        if isinstance(item, pikepdf.Object) and not item.is_indirect:
            _walk(item, found)


def _not_embedded(each: Any) -> bool:
    """A simple or descendant font without its file; a composite one has it in its descendant."""
    if each.get("/Type") != "/Font" or each.get("/Subtype") in ("/Type0", "/Type3"):
        return False
    described = each.get("/FontDescriptor")
    return described is None or not any(key in described for key in FONT_FILES)


def _contents(pdf: pikepdf.Pdf) -> Iterator[Fault]:
    found = _walked(pdf)
    if found.attached:
        yield Fault("fda.ecopy.pdf.embed", "the file carries attachments, which are lost in FDA's repository")
    if found.acts:
        yield Fault("fda.ecopy.pdf.security", "the file holds JavaScript or starts a program")
    if found.loose_fonts:
        yield Fault("fda.ecopy.pdf.fonts", f"not embedded: {', '.join(sorted(found.loose_fonts))}")


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
