"""A ZIP archive -> files below a folder of the set. An archive is hostile until proven otherwise.

Refused and named, one by one: paths that leave the folder, links, encrypted members, two members of one name, members
that unpack to more than they may. The rest goes on. What was unpacked before is not unpacked again.
"""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from audit.intake.listing import Listed
from audit.records import BadInput

MAX_RATIO = 200  # pixels of a blank image compress about a hundredfold
MAX_MEMBER_BYTES = 4 << 30
MAX_TOTAL_BYTES = 1 << 40
MAX_MEMBERS = 5_000_000
_CHUNK = 1 << 20


def unpack(archive: Path, folder: Path, progress: Callable[[int, int], None]) -> list[Listed]:
    """Unpacks the members that may be; returns the refused ones with their reasons."""
    try:
        with zipfile.ZipFile(archive) as stream:
            members = stream.infolist()
            _refuse_size(archive, members)
            return list(_refused(stream, members, folder, progress))
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise BadInput(f"{archive}: not a readable ZIP archive ({type(error).__name__}); pack it again.") from error


def _refuse_size(archive: Path, members: list[zipfile.ZipInfo]) -> None:
    total = sum(m.file_size for m in members)
    if len(members) > MAX_MEMBERS or total > MAX_TOTAL_BYTES:
        raise BadInput(
            f"{archive}: declares {len(members):,} members of {total:,} bytes; the limits are {MAX_MEMBERS:,} and "
            f"{MAX_TOTAL_BYTES:,}. Unpack it yourself and give the folder."
        )


def _refused(
    stream: zipfile.ZipFile, members: list[zipfile.ZipInfo], folder: Path, progress: Callable[[int, int], None]
) -> Iterator[Listed]:
    seen: set[str] = set()
    for number, member in enumerate(members, start=1):
        if not member.is_dir():
            problem = _problem(member, seen) or _extract(stream, member, folder)
            seen.add(member.filename.casefold())
            if problem:
                yield Listed(_printable(member.filename), member.file_size, 0, problem)
        progress(number, len(members))


def _problem(member: zipfile.ZipInfo, seen: set[str]) -> str:
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or (path.parts and path.parts[0].endswith(":")):
        return "its path leaves the archive's folder."
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a symbolic link is not unpacked."
    if member.flag_bits & 1:
        return "it is encrypted; unpack the archive yourself and give the folder."
    if member.filename.casefold() in seen:
        return "the archive holds two members of this name; only the first is read."
    if member.file_size > MAX_MEMBER_BYTES:
        return f"it declares {member.file_size:,} bytes; the limit is {MAX_MEMBER_BYTES:,}."
    if member.file_size > MAX_RATIO * max(member.compress_size, 1) and member.file_size > _CHUNK:
        return f"it unpacks to {member.file_size:,} bytes from {member.compress_size:,}: a decompression bomb."
    if not member.filename.isprintable() or "#" in member.filename:
        return "its path holds '#' or characters that cannot be printed; rename it."
    return ""


def _extract(stream: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> str:
    """Why the member could not be unpacked, or nothing. Written beside, then moved: no half file is left."""
    target = folder / PurePosixPath(member.filename.replace("\\", "/"))
    part = target.with_name(target.name + ".part")
    if target.is_file() and target.stat().st_size == member.file_size and not part.exists():
        return ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with stream.open(member) as source, part.open("wb") as out:
            left = member.file_size
            while chunk := source.read(min(_CHUNK, left + 1)):
                left -= len(chunk)
                if left < 0:
                    raise zipfile.BadZipFile("longer than declared")
                out.write(chunk)
        os.replace(part, target)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        part.unlink(missing_ok=True)
        return f"it cannot be unpacked ({type(error).__name__}); it is damaged."
    return ""


def _printable(name: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in name)[:1024]
