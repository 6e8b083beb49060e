"""Checks of a ledger's lines: pure, given what ``Ledger.lines`` read.

Each flaw is named once, by the smallest explanation: a broken link between two lines is blamed on the earlier one
(whose bytes no longer have the digest the later one recorded) unless lines are missing, repeated or out of order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from audit.evidence.difference import Difference
from audit.evidence.statements import Read

START = "0" * 64
CLOCK_TOLERANCE_S = 2.0
"""A network clock may be set back by this much without anybody having touched it."""
LISTED = 20
"""More statements than these missing in a row are named as one stretch."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as stored: ``digest`` over its bytes without the newline; ``problem`` says why it cannot be read."""

    digest: str
    seq: int = -1
    previous: str = ""
    id: str = ""
    read: Read | None = None
    problem: str = ""


def check_lines(name: str, lines: Sequence[Line], audit: str) -> list[Difference]:
    """Every flaw of the chain in ``lines``, named as ``<name> line <n>`` (n from 1)."""
    found = [
        *_unreadable(name, lines),
        *_missing(name, lines),
        *_wrong_order(name, lines),
        *_broken_links(name, lines),
        *_strangers(name, lines, audit),
        *(_clock(name, lines) if audit else ()),
    ]
    return found or list(_unknown_inputs(name, lines))


def describe(line: Line) -> str:
    """What a line is about, for a reader: its kind and subjects."""
    if line.read is None:
        return "unreadable"
    statement = line.read.statement
    subjects = list(statement.subjects)
    shown = ", ".join(subjects[:3]) + (f" and {len(subjects) - 3} more" if len(subjects) > 3 else "")
    return f"{statement.kind}: {shown}"


def _place(name: str, number: int, line: Line) -> str:
    return f"{name} line {number} ({describe(line)})"


def _unreadable(name: str, lines: Sequence[Line]) -> Iterator[Difference]:
    for number, line in enumerate(lines, 1):
        if line.problem:
            torn = line.problem.startswith("torn")
            what = "The last write was interrupted." if torn else "The line was changed."
            yield Difference(_place(name, number, line), "a whole, unchanged statement", line.problem, what)


def _missing(name: str, lines: Sequence[Line]) -> Iterator[Difference]:
    numbers = sorted({line.seq for line in lines if line.seq >= 0})
    unreadable = {place for place, line in enumerate(lines) if line.seq < 0}
    for before, after in pairwise([-1, *numbers]):
        gone = sorted({*range(before + 1, min(after, before + 1 + len(lines) + LISTED))} - unreadable)
        if len(gone) > LISTED:  # a number may be anything: what is missing before it is never counted one by one
            what = f"statements {gone[0]} to {after - 1}"
            yield Difference(f"{name} {what}", "present", "missing", "They were taken out of the ledger.")
            continue
        for seq in gone:
            yield Difference(f"{name} statement {seq}", "present", "missing", "It was taken out of the ledger.")


def _wrong_order(name: str, lines: Sequence[Line]) -> Iterator[Difference]:
    whole = [(number, line) for number, line in enumerate(lines, 1) if line.seq >= 0]
    for seq, times in sorted(Counter(line.seq for _, line in whole).items()):
        if times > 1:
            yield Difference(f"{name} statement {seq}", "once", f"{times} times", "A statement is repeated.")
    for (_, before), (number, line) in pairwise(whole):
        if line.seq < before.seq:
            what = "Statements stand in another order than they were written."
            yield Difference(_place(name, number, line), f"a number above {before.seq}", str(line.seq), what)


def _broken_links(name: str, lines: Sequence[Line]) -> Iterator[Difference]:
    broken = [number for number in range(len(lines)) if _link_broken(lines, number)]
    skip = -1
    for number in broken:
        if number == skip:
            continue
        culprit = number if number == 0 or number + 1 in broken else number - 1
        skip = number + 1 if culprit == number else -1
        if not lines[culprit].problem:
            yield Difference(
                _place(name, culprit + 1, lines[culprit]),
                "the digest that its neighbour in the chain recorded",
                lines[culprit].digest,
                "The line was changed after it was written.",
            )


def _link_broken(lines: Sequence[Line], number: int) -> bool:
    """Whether line ``number`` does not continue the line before it, though its number says it does."""
    line = lines[number]
    if line.seq < 0:
        return False
    if number == 0:
        return line.seq == 0 and line.previous != START
    before = lines[number - 1]
    follows = line.seq == before.seq + 1 or (before.seq < 0 and line.seq == number)
    return follows and line.previous != before.digest


def _strangers(name: str, lines: Sequence[Line], audit: str) -> Iterator[Difference]:
    for number, line in enumerate(lines, 1):
        if audit and line.read and line.read.audit != audit:
            yield Difference(
                _place(name, number, line), f"audit {audit}", f"audit {line.read.audit}", "It belongs to another audit."
            )


def _unknown_inputs(name: str, lines: Sequence[Line]) -> Iterator[Difference]:
    known: set[str] = set()
    for number, line in enumerate(lines, 1):
        if line.read is None:
            continue
        absent = [one for one in line.read.statement.inputs if one not in known]
        if absent:
            yield Difference(
                _place(name, number, line),
                "inputs that stand earlier in the ledger",
                f"unknown input {absent[0][:16]}",
                "It names a statement that the ledger does not hold before it.",
            )
        known.add(line.read.statement.id)


def ran_back(before: str, after: str) -> bool:
    """Whether the time ``after`` stands before ``before`` (ISO 8601) by more than the tolerance; what is no time says
    nothing."""
    try:
        return _seconds_back(before, after) > CLOCK_TOLERANCE_S
    except ValueError:
        return False


def _seconds_back(before: str, after: str) -> float:
    return (_time(before) - _time(after)).total_seconds()


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _clock(name: str, lines: Sequence[Line]) -> Iterator[Difference]:
    """Statements that are older than the one before them, though a ledger only grows."""
    whole = [(number, line.read.statement.created, line) for number, line in enumerate(lines, 1) if line.read]
    for (_, before, earlier), (number, at, line) in pairwise(whole):
        if line.seq > earlier.seq and ran_back(before, at):  # else named as out of order already
            back = _seconds_back(before, at)
            what = f"The clock ran backwards by {back:.0f} s between two statements."
            yield Difference(_place(name, number, line), f"a time not before {before}", at, what)
