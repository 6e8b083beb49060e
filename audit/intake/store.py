"""What was learnt of each file, in one SQLite file: a killed intake goes on where it stopped, in constant memory.

A file whose path, size and time of change are those of its record is not read again. Records of another version of
the reader are: ``READER`` is raised with every change of what a record holds.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from audit.intake.listing import Listed
from audit.records import BadInput

READER = 2
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, bytes INTEGER, changed INTEGER, seen INTEGER,
  fate TEXT, series TEXT, record TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outcomes (path TEXT PRIMARY KEY, fate TEXT, case_id TEXT, reason TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS volumes (target TEXT PRIMARY KEY, made TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS names (name TEXT PRIMARY KEY, times INTEGER) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS by_series ON files (fate, series, path);
"""


class Store:
    """The records of one intake. ``meta`` binds them to one source: records of another are refused, not mixed in."""

    def __init__(self, path: Path, source: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._base = sqlite3.connect(path)
        self._base.executescript(_SCHEMA)
        known = dict(self._base.execute("SELECT name, value FROM meta"))
        if known.get("source", source) != source:
            raise BadInput(
                f"{path}: holds the records of another source ({known['source']}); give another --out, or remove the "
                "folder."
            )
        if known.get("reader") != str(READER):
            self._base.execute("DELETE FROM files")
        pairs = [("source", source), ("reader", str(READER))]
        self._base.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", pairs)
        self._base.commit()

    def close(self) -> None:
        """Keeps what was noted and closes the database."""
        self._base.commit()
        self._base.close()

    def enlist(self, entries: Iterable[Listed]) -> None:
        """Notes every file that is there now; what is unchanged keeps its record, what is gone is forgotten."""
        self._base.execute("UPDATE files SET seen = 0")
        insert = (
            "INSERT INTO files VALUES (:path, :bytes, :changed, 1, :fate, '', :record) ON CONFLICT (path) DO UPDATE "
            "SET seen = 1, fate = CASE WHEN bytes = :bytes AND changed = :changed AND :fate = '' THEN fate ELSE :fate "
            "END, record = CASE WHEN bytes = :bytes AND changed = :changed AND :fate = '' THEN record ELSE :record "
            "END, bytes = :bytes, changed = :changed"
        )
        self._base.executemany(insert, (_row(entry) for entry in entries))
        self._base.execute("DELETE FROM files WHERE seen = 0")
        self._base.commit()

    def waiting(self) -> Iterator[tuple[str, int]]:
        """(path, bytes) of files without a record, by path, a thousand at a time."""
        last = ""
        while True:
            rows = self._base.execute(
                "SELECT path, bytes FROM files WHERE fate = '' AND path > ? ORDER BY path LIMIT 1000", (last,)
            ).fetchall()
            if not rows:
                return
            last = rows[-1][0]
            yield from rows

    def keep(self, records: Iterable[dict[str, Any]]) -> None:
        """Stores records and makes them last."""
        rows = [(r["fate"], r["series"], json.dumps(r), r["path"]) for r in records]
        self._base.executemany("UPDATE files SET fate = ?, series = ?, record = ? WHERE path = ?", rows)
        self._base.commit()

    def note(self, path: str, fate: str, case_id: str, reason: str = "") -> None:
        """What became of an image file: 'case', 'slice', 'double' or 'left out'."""
        self._base.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?)", (path, fate, case_id, reason))

    def times(self, name: str) -> int:
        """How often a case of this name was asked about since cases are made anew; on disk, for there may be many."""
        counted = "INSERT INTO names VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET times = times + 1 RETURNING times"
        return int(self._base.execute(counted, (name,)).fetchone()[0])

    def volumes(self) -> dict[str, dict[str, Any]]:
        """Name of each volume that was written -> what its writer said of it."""
        return {t: json.loads(made) for t, made in self._base.execute("SELECT target, made FROM volumes")}

    def keep_volume(self, made: dict[str, Any]) -> None:
        """A volume is named by the digests of its slices: one that stands need not be written again."""
        self._base.execute("INSERT OR REPLACE INTO volumes VALUES (?, ?)", (made["target"], json.dumps(made)))
        self._base.commit()

    def forget_outcomes(self) -> None:
        """Before cases are made anew."""
        self._base.execute("DELETE FROM outcomes")
        self._base.execute("DELETE FROM names")

    def fates(self) -> Iterator[dict[str, Any]]:
        """Every file with its fate, case and reason, by path."""
        rows = self._base.execute(
            "SELECT f.record, o.fate, o.case_id, o.reason FROM files f LEFT JOIN outcomes o ON f.path = o.path "
            "ORDER BY f.path"
        )
        for text, fate, case_id, reason in rows:
            record = json.loads(text)
            kept = {name: record.get(name, "") for name in ("path", "bytes", "format", "sha256", "pixel_sha256")}
            yield kept | {
                "fate": fate or record["fate"],
                "case_id": case_id or "",
                "reason": reason or record.get("reason", ""),
            }

    def count(self, fate: str | None = None) -> int:
        """How many files there are, of one fate ('' = not read yet) or of all."""
        clause, values = ("", ()) if fate is None else (" WHERE fate = ?", (fate,))
        return int(self._base.execute(f"SELECT count(*) FROM files{clause}", values).fetchone()[0])

    def records(self, fate: str | None = None) -> Iterator[dict[str, Any]]:
        """The records, ordered by series and path where ``fate`` is given, by path otherwise."""
        if fate is None:
            rows = self._base.execute("SELECT record FROM files ORDER BY path")
        else:
            rows = self._base.execute("SELECT record FROM files WHERE fate = ? ORDER BY series, path", (fate,))
        for (text,) in rows:
            yield json.loads(text)


def _row(entry: Listed) -> dict[str, Any]:
    record = {"path": entry.path, "bytes": entry.bytes, "fate": "refused", "reason": entry.problem, "series": ""}
    return {
        "path": entry.path,
        "bytes": entry.bytes,
        "changed": entry.changed,
        "fate": "refused" if entry.problem else "",
        "record": json.dumps(record) if entry.problem else "",
    }
