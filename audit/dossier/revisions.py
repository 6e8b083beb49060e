"""Results of one version of a document against those of another: what changed, and what has two values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from audit.dossier.rounding import agree, is_number

GROWING = ("accesses",)
"""Products that grow by themselves: a list of looks that became longer is no changed result."""


@dataclass(frozen=True, slots=True)
class Printed:
    """A result as a document prints it: kind of its product, place inside it, text."""

    kind: str
    pointer: str
    text: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A quantity that two versions of a document print with different values."""

    kind: str
    pointer: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A quantity that two documents print with different values: (document, text) twice."""

    kind: str
    pointer: str
    found: tuple[tuple[str, str], tuple[str, str]]


def changed_results(before: Iterable[Printed], after: Iterable[Printed]) -> list[Changed]:
    """Quantities that both versions print and whose values do not agree, in the order of the later version."""
    known: dict[tuple[str, str], list[str]] = {}
    for one in before:
        known.setdefault((one.kind, one.pointer), []).append(one.text)
    out: dict[tuple[str, str], Changed] = {}
    for one in after:
        old = known.get((one.kind, one.pointer), [])
        if old and one.kind not in GROWING and not any(agree(text, one.text) for text in old):
            out.setdefault((one.kind, one.pointer), Changed(one.kind, one.pointer, old[0], one.text))
    return list(out.values())


def disagreements(documents: Mapping[str, Sequence[Printed]]) -> Iterator[Disagreement]:
    """Quantities to which two of the ``documents`` (or two places of one) give numbers that do not agree.

    Words differ rightly from place to place (a digest is shortened, a date written as the market writes it); each is
    held against the evidence instead.
    """
    first: dict[tuple[str, str], tuple[str, str]] = {}
    for name, values in documents.items():
        for one in values:
            known = first.setdefault((one.kind, one.pointer), (name, one.text))
            if (
                one.kind not in GROWING
                and is_number(known[1])
                and is_number(one.text)
                and not agree(known[1], one.text)
            ):
                yield Disagreement(one.kind, one.pointer, (known, (name, one.text)))
