"""One file that holds many: a zip whose entries are stored, not compressed, sorted and without dates.

The same files give the same bytes on every machine, and nothing in it can unfold into more than it is. Reading trusts
nothing: an archive is unpacked only where every entry is a plain file with a plain name, once, inside the folder.
Sources: PKWARE APPNOTE 6.3.10, sections 4.3 to 4.4; Fifield, USENIX WOOT 2019, on overlapping entries.
"""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from audit.evidence.files import inside
from audit.records import BadInput

DATE = (1980, 1, 1, 0, 0, 0)
MOST_ENTRIES = 200_000
PLAIN_FILE = (stat.S_IFREG | 0o644) << 16
ENCRYPTED = 0x1
Contents = Mapping[str, Callable[[], bytes]]


def write_archive(path: Path, contents: Contents) -> None:
    """Writes ``contents`` (name -> what reads its bytes) to ``path``, which is whole or absent; sorted by name."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_STORED) as archive:
            for name in sorted(contents):
                entry = zipfile.ZipInfo(name, DATE)
                entry.create_system, entry.external_attr = 3, PLAIN_FILE
                archive.writestr(entry, contents[name]())
        unfinished.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); give a folder you may write to.") from error
    finally:
        unfinished.unlink(missing_ok=True)


def holds(path: Path, name: str) -> bool:
    """Whether ``path`` is an archive with an entry ``name``; False for whatever is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            return name in archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def unpack(path: Path, folder: Path) -> None:
    """Unpacks ``path`` into the empty ``folder``; ``BadInput`` for the first entry that is not a plain, stored file.

    Nothing is written before every entry has been looked at.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _refuse(path, entries)
            for entry in entries:
                place = inside(folder, entry.filename)
                place.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as packed, place.open("xb") as out:
                    shutil.copyfileobj(packed, out)
    except (OSError, ValueError, EOFError, NotImplementedError, zipfile.BadZipFile) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"{path}: the bundle is damaged ({reason}); ask for it again.") from error


def _refuse(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES:
        raise BadInput(f"{path}: the bundle has {len(entries)} entries; at most {MOST_ENTRIES} are taken.")
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise BadInput(f"{path}: the bundle's entries are larger than the file: it would unfold (a zip bomb).")
    seen: set[str] = set()
    for entry in entries:
        problem = _problem(entry, seen)
        if problem:
            raise BadInput(f"{path}: entry '{entry.orig_filename[:80]!s}' {problem}; such a bundle is not unpacked.")
        seen.add(entry.filename)
        seen.update(f"{parent}/" for parent in _parents(entry.filename))


def _problem(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    """Why an entry is not taken; empty for a plain file."""
    if entry.filename != entry.orig_filename or not _plain(entry.filename):
        return "has a path that leaves the folder or is no plain name"
    if entry.filename in seen or f"{entry.filename}/" in seen or seen.intersection(_parents(entry.filename)):
        return "stands in it twice"
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if entry.is_dir() or kind not in (0, stat.S_IFREG):
        return "is a link or no file"
    if entry.flag_bits & ENCRYPTED:
        return "is encrypted"
    if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
        return "is compressed"
    return ""


def _plain(name: str) -> bool:
    try:
        return "/".join(inside(Path(), name).parts) == name
    except BadInput:
        return False


def _parents(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]
