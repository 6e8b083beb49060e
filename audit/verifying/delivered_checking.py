"""What a delivered file prints, read from the file itself and held against today's evidence.

Its digest has told already that nobody changed it since it was stated; this tells what was wrong when it was stated, or
has been overtaken since.
"""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path

from audit.dossier.html_reading import read_html
from audit.dossier.pdf_reading import Printed, read_pdf
from audit.dossier.rounding import is_number
from audit.dossier.word_reading import read_word
from audit.dossier.word_runs import VALUE_PREFIX
from audit.evidence.difference import Difference
from audit.evidence.statements import MISSHAPEN
from audit.evidence.store import AuditStore
from audit.records import BadInput
from audit.verifying.result_checking import Evidence, check_record, check_values

PLACE = re.compile(rf"{VALUE_PREFIX}(\d+)_\d+")


def check_delivered(path: Path, store: AuditStore, document: str) -> list[Difference]:
    """Results of the ``document`` (its name in the audit), as the file in ``path`` prints them, that do not stand."""
    if path.suffix == ".json":
        return check_record(path.name, path, store)
    try:
        values = _of_word(path, store, document) if path.suffix == ".docx" else _by_links(path)
    except (BadInput, *MISSHAPEN) as error:
        return [Difference(f"{path.name}: results", "readable", "not readable", " ".join(str(error).split()))]
    return list(check_values(path.name, values, Evidence(store, document=document)))


def _by_links(path: Path) -> list[dict[str, str]]:
    found = read_html(path) if path.suffix == ".html" else read_pdf(path)
    groups = groupby(found.results, key=lambda one: one.reference)
    return [{"text": text, "reference": reference} for reference, group in groups for text in _whole(list(group))]


def _whole(pieces: list[Printed]) -> list[str]:
    """The results in neighbours with one address: numbers stand by themselves, words of a figure are joined again."""
    texts = [one.text for one in pieces]
    return texts if all(map(is_number, texts)) else ["".join(texts)]


def _of_word(path: Path, store: AuditStore, document: str) -> list[dict[str, str]]:
    found = read_word(path.read_bytes(), str(path))
    known = json.loads(store.read_bytes(f"{document.removesuffix('.docx')}.json"))["values"]
    places = ((PLACE.fullmatch(name), text) for name, text in found.values.items())
    return [{"text": text, "reference": known[int(match.group(1))]["reference"]} for match, text in places if match]
