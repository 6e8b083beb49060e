"""The document's JSON inside its PDF, as an associated file (ISO 32000-2, 14.13; ISO 19005-3): data beside the pages.

Copies for FDA carry none: an attachment is lost in its repository (eCopy guidance, attachment 1, C.2). ``verify`` never
takes a number from there: the ledger's own JSON counts.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFObject, PDFString

MEDIA_TYPE = "application#2Fjson"


class Stored(PDFObject):  # type: ignore[misc]
    """A compressed stream with a dictionary of its own."""

    def __init__(self, facts: dict[str, Any], content: bytes) -> None:
        self.facts, self.content = facts, content

    def format(self, document: Any) -> bytes:
        packed = zlib.compress(self.content, 9)
        head = PDFDictionary({**self.facts, "Filter": PDFName("FlateDecode"), "Length": len(packed)}).format(document)
        return bytes(head) + b"\nstream\n" + packed + b"\nendstream"


def attach(canvas: Any, name: str, content: bytes, what: str) -> None:
    """``content`` as the embedded file ``name`` of the document that ``canvas`` writes; ``what`` describes it.

    It stands in the name tree and, as data, in the catalogue's list of associated files.
    """
    document = canvas._doc
    digest = PDFString(hashlib.md5(content, usedforsecurity=False).digest(), enc="raw")
    facts = {"Size": len(content), "CheckSum": digest}
    stored = Stored(
        {"Type": PDFName("EmbeddedFile"), "Subtype": f"/{MEDIA_TYPE}", "Params": PDFDictionary(facts)}, content
    )
    file = document.Reference(stored)
    specification = document.Reference(
        PDFDictionary(
            {
                "Type": PDFName("Filespec"),
                "F": PDFString(name),
                "UF": PDFString(name),
                "Desc": PDFString(what),
                "AFRelationship": PDFName("Data"),
                "EF": PDFDictionary({"F": file, "UF": file}),
            }
        )
    )
    catalogue = document.Catalog
    catalogue.__NoDefault__ = [*catalogue.__NoDefault__, "AF"]  # reportlab knows no associated files
    catalogue.AF = PDFArray([specification])
    names = PDFDictionary({"Names": PDFArray([PDFString(name), specification])})
    catalogue.Names = PDFDictionary({"EmbeddedFiles": names})
