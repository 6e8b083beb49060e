"""What the user gives: a folder, an archive or a table. All three become a folder of files, and perhaps a table."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.intake.listing import Listed, listed
from audit.intake.tables import Table, best_key, index_of
from audit.intake.unpacking import unpack
from audit.records import BadInput

SOURCE = "source"
TABLES = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True)
class Source:
    """``root``: folder of the files; ``table``: where the source is one; ``inside``: the files were unpacked into the
    set; ``refused``: members of an archive that were not unpacked."""

    root: Path
    described: str
    table: Path | None = None
    inside: bool = False
    refused: tuple[Listed, ...] = ()

    def files(self, out: Path) -> Iterator[Listed]:
        """Every file of the source; the set that is being written is no part of it."""
        yield from self.refused
        yield from listed(self.root, None if self.inside else out.resolve())


def open_source(source: Path, out: Path, report: Callable[[str, int, int], None]) -> Source:
    """The source at ``source``; raises ``BadInput`` for anything that is none of the three."""
    path = source.resolve()
    if path.is_dir():
        if path == out.resolve():
            raise BadInput(f"{source}: the set cannot be written into the folder that is taken in; give another --out.")
        return Source(path, str(path))
    if path.is_file() and path.name.lower().endswith(TABLES):
        return Source(path.parent, str(path), table=path)
    if path.is_file() and zipfile.is_zipfile(path):
        folder = out.resolve() / SOURCE
        refused = unpack(path, folder, lambda done, total: report("unpacking", done, total))
        return Source(folder, f"{path} ({path.stat().st_size} bytes)", inside=True, refused=tuple(refused))
    found = "there is no such file" if not path.exists() else "it is none of these"
    raise BadInput(f"{source}: {found}; give a folder, a table (.csv, .csv.gz, .parquet) or a .zip archive.")


def named_by(table: Table, source: Source, out: Path) -> frozenset[str]:
    """Paths of the files that a table names, in whichever column names the most; empty where none names any."""
    index = index_of(entry.path for entry in source.files(out))
    column, how, hits = best_key(table, {kind: names.__contains__ for kind, names in index.items()})
    if not hits:
        return frozenset()
    return frozenset(index[how][str(v)] for v in table.frame[column].dropna() if str(v) in index[how])
