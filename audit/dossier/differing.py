"""What changed between two builds of a document: number by number, section by section, and the clauses it touches.

Works on the documents' JSON (``serial.to_json``), so that no audit has to be at hand. A number is known by the kind of
its product and its place in it, for statements get new ids whenever a product is written again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FRONT, APPENDIX = "First pages", "Appendix"
ABOUT = ("title", "instrument", "edition", "foot", "head", "audit_id", "ledger_root", "created", "simulated")
Place = tuple[str, str]
"""Kind of product and pointer inside it."""


@dataclass(frozen=True, slots=True)
class Changed:
    """A number, a status, a fact of the document: what it was and what it is; '' where one side has none."""

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class SectionChanges:
    """One section's changes; ``clauses`` are those that it answers, where anything changed."""

    title: str
    clauses: tuple[str, ...]
    statuses: tuple[Changed, ...]
    numbers: tuple[Changed, ...]
    words: int


@dataclass(frozen=True, slots=True)
class DocumentChanges:
    """One document's changes: facts about it, then its sections that differ."""

    id: str
    about: tuple[Changed, ...]
    sections: tuple[SectionChanges, ...]

    @property
    def clauses(self) -> tuple[str, ...]:
        """Every clause that a change touches, in reading order."""
        return tuple(dict.fromkeys(clause for section in self.sections for clause in section.clauses))


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> DocumentChanges:
    """Everything that differs between two resolved documents, given as their JSON."""
    about = tuple(Changed(name, str(old[name]), str(new[name])) for name in ABOUT if old[name] != new[name])
    before, after = _sections(old), _sections(new)
    kinds = (_kinds(old), _kinds(new))
    titles = dict.fromkeys([*before, *after])
    found = (_section(title, before.get(title), after.get(title), kinds) for title in titles)
    return DocumentChanges(str(new["id"]), about, tuple(each for each in found if each))


def _sections(tree: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Sections by title without its number: a section that moved is the same section."""
    found = {FRONT: {"nodes": tree["front"], "answers": []}}
    found |= {str(each["title"]).partition("  ")[2] or str(each["title"]): each for each in tree["sections"]}
    return {**found, APPENDIX: {"nodes": [], "answers": []}}


def _kinds(tree: Mapping[str, Any]) -> dict[str, str]:
    """Statement id -> kind, as the evidence appendix lists them."""
    rows = [row for node in tree["appendix"] if node["type"] == "Table" for row in node["rows"]]
    return {row["key"]: row["cells"][0][0]["text"] for row in rows if row["key"]}


def _section(
    title: str,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    kinds: tuple[Mapping[str, str], Mapping[str, str]],
) -> SectionChanges | None:
    empty: Mapping[str, Any] = {"nodes": [], "answers": []}
    one, other = old or empty, new or empty
    statuses = tuple(_statuses(one["answers"], other["answers"]))
    numbers = tuple(_numbers(_values(one["nodes"], kinds[0]), _values(other["nodes"], kinds[1])))
    words = len(set(_words(one["nodes"])) ^ set(_words(other["nodes"])))
    if not statuses and not numbers and not words:
        return None
    clauses = dict.fromkeys(each["clause"] for each in (*one["answers"], *other["answers"]))
    return SectionChanges(title, tuple(clauses), statuses, numbers, words)


def _statuses(old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]) -> Iterator[Changed]:
    before, after = ({each["requirement"]: each for each in side} for side in (old, new))
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name, {}), after.get(name, {})
        clause = (now or was)["clause"]
        if was.get("status") != now.get("status"):
            yield Changed(f"{clause} ({name})", was.get("status", ""), now.get("status", ""))
        elif (was["clause"], was["title"]) != (now["clause"], now["title"]):
            yield Changed(f"{name}", f"{was['clause']}, {was['title']}", f"{now['clause']}, {now['title']}")


def _values(nodes: Any, kinds: Mapping[str, str]) -> dict[Place, list[str]]:
    found: dict[Place, list[str]] = {}
    for each in _parts(nodes, "Value"):
        place = (kinds.get(each["statement"], "evidence"), each["pointer"])
        texts = found.setdefault(place, [])
        if each["text"] not in texts:
            texts.append(each["text"])
    return found


def _numbers(old: Mapping[Place, list[str]], new: Mapping[Place, list[str]]) -> Iterator[Changed]:
    for place in dict.fromkeys([*old, *new]):
        was, now = old.get(place, []), new.get(place, [])
        if was != now:
            yield Changed(" ".join(place), ", ".join(was), ", ".join(now))


def _words(nodes: Any) -> Iterator[str]:
    """Headings, captions and running words: what is no number."""
    for kind in ("Text", "Mark", "Heading"):
        yield from (each["text"] for each in _parts(nodes, kind))
    yield from (each["caption"] for each in _parts(nodes, "Table"))


def _parts(part: Any, kind: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(part, dict):
        if part.get("type") == kind:
            yield part
        for each in part.values():
            yield from _parts(each, kind)
    elif isinstance(part, list):
        for each in part:
            yield from _parts(each, kind)
