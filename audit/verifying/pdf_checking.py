"""What ``audit verify`` says about a PDF that is not the delivered one: results changed, gone, nobody's.

Both files, the delivered and the other, are read in the same way, so that whatever is untouched reads the same. Each
result of the delivered file is looked up in the evidence again as well.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.dossier.pdf_reading import PdfText, Printed, read_pdf
from audit.evidence.difference import Difference
from audit.evidence.statements import MISSHAPEN, sha256
from audit.evidence.store import AuditStore, list_audits
from audit.records import BadInput
from audit.verifying.result_checking import Evidence, check_values

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NONE = "no result"
PRINTED_AGAIN = (
    "This is not the delivered file, and it has none of the links under its results (printed or saved again): no "
    "result can be traced. Ask for the delivered file."
)


@dataclass(frozen=True, slots=True)
class Format:
    """A delivered format with a link under each result: its suffix, its reader, what it calls a part of the file."""

    suffix: str
    read: Callable[[Path], PdfText]
    place: str


PDF = Format(".pdf", read_pdf, "page")


def diagnose_pdf(home: Path, path: Path, named: tuple[str, str] | None) -> tuple[Difference, ...]:
    """As ``diagnose``, for a PDF."""
    return diagnose(home, path, named, PDF)


def diagnose(home: Path, path: Path, named: tuple[str, str] | None, form: Format) -> tuple[Difference, ...]:
    """Every result in ``path`` that is not as delivered. ``named``: audit and document that bear the file's name.

    What the links lead to counts before the name. Empty where no audit of this home has to do with the file.
    """
    try:
        found = form.read(path)
    except BadInput as error:
        return (Difference(f"{path.name}: results", "readable", "not readable", str(error)),) if named else ()
    if not found.results:
        return (_without_links(path),) if named or _names_an_audit(home, found) else ()
    source = source_of(home, found, form) or named
    return tuple(_compared(home, path.name, found, *source, form)) if source else ()


def _without_links(path: Path) -> Difference:
    return Difference(f"{path.name}: links", "a link under each result", "no link", PRINTED_AGAIN)


def _names_an_audit(home: Path, found: PdfText) -> bool:
    words = "".join(found.loose)
    return any(one.audit_id in words for one in list_audits(home))


def source_of(home: Path, found: PdfText, form: Format) -> tuple[str, str] | None:
    """The document that ``found`` was: its title is the file's own, its addresses are most like those found."""
    best: tuple[float, tuple[str, str] | None] = (0.0, None)
    for audit in reversed(list_audits(home)):
        store = AuditStore(home.resolve(), audit.audit_id, audit.run_id, {})
        for document in _documents(store, form.suffix):
            alike = _likeness(_facts(store, document), found)
            best = max(best, (alike, (audit.audit_id, document)), key=lambda one: one[0])
    return best[1]


def _likeness(facts: Mapping[str, Any], found: PdfText) -> float:
    """Share of addresses in common, plus how much the title is the file's own; 0 without a common address."""
    here = {one.reference for one in found.results}
    theirs = {each["reference"] for each in facts["values"]}
    common = len(here & theirs) / len(here | theirs)
    return common + _titled(facts["title"], found.loose) if common else 0.0


def _titled(title: str, pages: Sequence[str]) -> float:
    """A document bears its title on its first page and in each page's head; another's title may stand in its text."""
    bearing = [title in " ".join(page.split()) for page in pages]
    return sum(bearing) / len(bearing) + bearing[0] if bearing else 0.0


def _documents(store: AuditStore, suffix: str) -> list[str]:
    names = store.subjects()
    return [name for name in names if name.endswith(suffix) and _json_of(name) in names]


def _json_of(document: str) -> str:
    return Path(document).with_suffix(".json").as_posix()


def _facts(store: AuditStore, document: str) -> Mapping[str, Any]:
    """Title and values of a delivered document, by its JSON; neither where that was changed."""
    try:
        facts = json.loads(_as_stated(store, _json_of(document)))
    except (BadInput, *MISSHAPEN):
        facts = {}
    return {"title": "\n", "values": [], **facts}


def _as_stated(store: AuditStore, name: str) -> bytes:
    """The audit's own copy; ``BadInput`` where that one was changed too."""
    data = store.read_bytes(name)
    if sha256(data) != store.subjects()[name].subjects[name]:
        raise BadInput(f"the copy of {name} in audit {store.audit_id} was changed as well; run 'audit verify' on it.")
    return data


def _compared(
    home: Path, name: str, found: PdfText, audit_id: str, document: str, form: Format
) -> Iterator[Difference]:
    (audit,) = [one for one in list_audits(home) if one.audit_id == audit_id]
    store = AuditStore(home.resolve(), audit.audit_id, audit.run_id, {})
    try:
        _as_stated(store, document)
        delivered = form.read(store.folder / document)
    except BadInput as error:
        yield Difference(f"{name}: results", "a delivered file to compare with", "none", str(error))
        return
    evidence = Evidence(store, document=document)
    yield from _results(name, delivered.results, found.results, evidence, form.place)
    yield from check_values(name, _facts(store, document)["values"], evidence)
    yield from _unbound(name, delivered.loose, found.loose, form.place)


def _results(
    name: str, delivered: Sequence[Printed], found: Sequence[Printed], evidence: Evidence, place: str
) -> Iterator[Difference]:
    expected, present = _by_address(delivered), _by_address(found)
    for reference in dict.fromkeys([*expected, *present]):
        gone, new = _apart(expected[reference], present[reference])
        for index in range(max(len(gone), len(new))):
            before, now = (side[index] if index < len(side) else None for side in (gone, new))
            where = (now or before or Printed("", "", 0)).page
            yield _difference(f"{name}: {place} {where}, {reference}", reference, before, now, evidence)


def _by_address(results: Sequence[Printed]) -> defaultdict[str, list[Printed]]:
    out: defaultdict[str, list[Printed]] = defaultdict(list)
    for one in results:
        out[one.reference].append(one)
    return out


def _apart(some: Sequence[Printed], others: Sequence[Printed]) -> tuple[list[Printed], list[Printed]]:
    """What only one side prints; a result that stands on another page than before counts as printed."""
    gone, new = _less(some, others, _on_page), _less(others, some, _on_page)
    return _less(gone, new, _text), _less(new, gone, _text)


def _text(one: Printed) -> object:
    return one.text


def _on_page(one: Printed) -> object:
    return one.text, one.page


def _less(some: Sequence[Printed], others: Sequence[Printed], key: Callable[[Printed], object]) -> list[Printed]:
    """``some`` without what ``others`` have as well, each as often as it stands there."""
    left = Counter(key(one) for one in others)
    out = []
    for one in some:
        left[key(one)] -= 1
        out += [one] if left[key(one)] < 0 else []
    return out


def _difference(
    thing: str, reference: str, before: Printed | None, now: Printed | None, evidence: Evidence
) -> Difference:
    if before is None:
        what = "The delivered file prints no such result at this address; results come from the evidence alone."
    elif now is None:
        what = "The result, or the link under it, was taken out."
    else:
        what = "The result was changed; results come from the evidence alone."
    shown = [one.text or "nothing" if one else NONE for one in (before, now)]
    return Difference(thing, shown[0], shown[1], what + evidence.in_words(reference))


def _unbound(name: str, delivered: Sequence[str], found: Sequence[str], unit: str) -> Iterator[Difference]:
    """Numbers under no link that the delivered page (the delivered file, where pages came or went) does not have."""
    if len(delivered) != len(found):
        what = f"{unit.capitalize()}s were added or taken out."
        yield Difference(f"{name}: {unit}s", str(len(delivered)), str(len(found)), what)
        delivered, found = ["\n".join(delivered)], ["\n".join(found)]
        places = ["anywhere"]
    else:
        places = [f"{unit} {number}" for number in range(1, len(found) + 1)]
    for place, before, now in zip(places, delivered, found, strict=True):
        for number in Counter(NUMBER.findall(now)) - Counter(NUMBER.findall(before)):
            what = "No link leads from this number to evidence, and the delivered page does not have it."
            yield Difference(f"{name}: {place}, number {number}", "a result bound to evidence", "unbound", what)
