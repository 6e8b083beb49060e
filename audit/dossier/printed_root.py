"""The ledger's root that a delivered document prints in its foot: what its holder has against a rebuilt forgery."""

from __future__ import annotations

import re
from pathlib import Path

from audit.dossier.pdf_reading import read_pdf
from audit.dossier.word_reading import foot_of
from audit.records import BadInput

ROOT = re.compile(r"ledger\s+root\s+([0-9a-f]{64})(?![0-9a-f])")


def printed_root(path: Path) -> str:
    """The root in the foot of a PDF or Word document (64 hexadecimal digits).

    Raises ``BadInput`` where there is none, or where the pages do not agree.
    """
    try:
        pages = [foot_of(path.read_bytes(), path.name)] if path.suffix == ".docx" else read_pdf(path).loose
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give a delivered document.") from error
    found = sorted({root for page in pages for root in ROOT.findall(page)})
    if len(found) != 1:
        many = "different roots on its pages" if found else "no ledger root in its foot"
        raise BadInput(f"{path}: {many}; give a document that an audit delivered, as it was delivered.")
    return str(found[0])
