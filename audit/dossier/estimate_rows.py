"""Rows of a table of estimates: two versions side by side where there are two, else one version per row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from audit.dossier.citing import cite, estimate, limits, size, with_limits
from audit.dossier.content import Column, Row, Runs, Text, plain, text
from audit.dossier.pointers import pointer
from audit.dossier.rounding import number
from audit.dossier.view import ANALYSES, AuditView, EstimateRow
from audit.dossier.words import role_label, version_label

SIZES = ("n_patients", "n_cases", "n_events")
ESTIMATE, INTERVAL = Column("Estimate", 0.95, "right"), Column("Interval", 2.0, "right")
POOLED = Column("Partly pooled", 0.9, "right")
Label = Callable[[EstimateRow], str]
Shrunken = Mapping[tuple[str, ...], Mapping[str, Any]]


class OneByOne:
    """One version per row, named where there are several."""

    def __init__(self, view: AuditView, first: Column, label: Label, several: bool, pooled: Shrunken) -> None:
        self.view, self.label, self.several, self.pooled = view, label, several, pooled
        self.columns = (
            first, *((Column("Version", 1.6),) if several else ()),
            Column("Patients", 0.95, "right"), Column("Cases", 0.65, "right"), Column("Events", 0.75, "right"),
            ESTIMATE, INTERVAL, *((POOLED,) if pooled else ()),
        )  # fmt: skip
        self.note = ""

    def rows(self, group: Sequence[EstimateRow]) -> Iterator[Row]:
        """A row for each estimate."""
        for row in group:
            version = (text(version_label(self.view, row.version), "quiet"),) if self.several else ()
            head: tuple[Runs, ...] = (text(self.label(row)), *version, *(size(self.view, row, name) for name in SIZES))
            cells, spans = estimate_cells(self.view, row, shrunken(self.view, self.pooled, row))
            yield Row((*head, *cells), (*(1 for _ in head), *spans))


class SideBySide:
    """Two versions in one row; a count stands once where both have the same. Only the first is partly pooled."""

    def __init__(
        self, view: AuditView, first: Column, label: Label, versions: tuple[str, str], pooled: Shrunken
    ) -> None:
        self.view, self.label, self.versions, self.pooled = view, label, versions, pooled
        self.columns = (
            Column(first.title, 0.85 * first.share), Column("Patients", 0.82, "right"), Column("Cases", 0.68, "right"),
            Column("Events", 0.72, "right"),
            Column(role_label(versions[0]), 1.08, "right"), Column("Interval", 1.48, "right"),
            *((Column(POOLED.title, 0.8, "right"),) if pooled else ()),
            Column(role_label(versions[1]), 1.08, "right"), Column("Interval", 1.48, "right"),
        )  # fmt: skip
        self.note = self._named()

    def _named(self) -> str:
        """Which version is which, and what two counts in one cell are."""
        names = (
            f"{role_label(each)}: {version_label(self.view, each)}" for each in self.versions if each in self.known
        )
        return "".join(f"{name}. " for name in names) + "Two counts where the versions differ. "

    @property
    def known(self) -> Mapping[str, Any]:
        """The versions under audit by role."""
        return self.view.versions

    def rows(self, group: Sequence[EstimateRow]) -> Iterator[Row]:
        """A row for each quantity and group; a dash where one version has no such estimate."""
        for one, other in pairs(group, self.versions):
            known = [row for row in (one, other) if row is not None]
            head = (text(self.label(known[0])), *(self._size(known, name) for name in SIZES))
            first, spans = self._cells(one, pooled=True)
            second, more = self._cells(other)
            yield Row((*head, *first, *second), (1, 1, 1, 1, *spans, *more))

    def _cells(self, row: EstimateRow | None, *, pooled: bool = False) -> tuple[tuple[Runs, ...], list[int]]:
        last = 1 if pooled and self.pooled else 0
        if row is None:
            return tuple(text("–", "quiet") for _ in range(2 + last)), [1] * (2 + last)
        return estimate_cells(self.view, row, shrunken(self.view, self.pooled, row) if last else ())

    def _size(self, rows: Sequence[EstimateRow], name: str) -> Runs:
        found = [size(self.view, row, name) for row in rows]
        alike = plain(found[0]) == plain(found[-1])
        return found[0] if alike else (*found[0], Text(" / ", "quiet"), *found[-1])


def pairs(
    rows: Sequence[EstimateRow], versions: tuple[str, str]
) -> Iterator[tuple[EstimateRow | None, EstimateRow | None]]:
    """The two versions' estimates of each quantity and group, in the rows' order."""
    found: dict[tuple[str, ...], dict[str, EstimateRow]] = {}
    for row in rows:
        found.setdefault(_about(row), {})[row.version] = row
    yield from ((each.get(versions[0]), each.get(versions[1])) for each in found.values())


def paired(rows: Sequence[EstimateRow]) -> tuple[str, str] | None:
    """The two versions, where there are two and most of what one of them was asked was asked of the other."""
    versions = tuple(dict.fromkeys(row.version for row in rows))
    if len(versions) != 2:
        return None
    one, other = ({_about(row) for row in rows if row.version == version} for version in versions)
    return (versions[0], versions[1]) if 2 * len(one & other) > len(one | other) else None


def _about(row: EstimateRow) -> tuple[str, ...]:
    return (row.kind, row.measure, row.target, row.attribute, row.level, str(row.baseline))


def estimate_cells(view: AuditView, row: EstimateRow, last: tuple[Runs, ...]) -> tuple[tuple[Runs, ...], list[int]]:
    """Estimate, interval and what follows them, with the columns that each cell covers."""
    if row.value is None:
        return (estimate(view, row),), [2 + len(last)]
    if row.low is None or row.high is None:
        return (with_limits(view, row), *last), [2, *(1 for _ in last)]
    return (estimate(view, row), limits(view, row), *last), [1, 1, *(1 for _ in last)]


def shrunken(view: AuditView, pooled: Shrunken, row: EstimateRow) -> tuple[Runs, ...]:
    """The group's estimate drawn towards the others', a dash where there is none; nothing where no group has one."""
    if not pooled:
        return ()
    found = pooled.get((row.version, row.measure, row.target, row.attribute, row.level))
    if found is None:
        return (text("–", "quiet"),)
    words = number(float(found["value"]), view.measure(row.measure).unit)
    return ((cite(view, ANALYSES, pointer(found["analysis_id"], "value"), words),),)


def pooled_of(view: AuditView) -> Shrunken:
    """Shrunken estimates of groups by what they are about."""
    return {
        tuple(row[name] for name in ("version", "measure", "target", "attribute", "level")): row
        for row in view.analysis_rows
        if row["quantity"] == "shrunken estimate" and row["value"] is not None
    }
