"""An archive gives the same bytes twice and is unpacked only where every entry is a plain file."""

import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.evidence.archive import MOST_ENTRIES, holds, unpack, write_archive
from audit.evidence.bundled import is_bundle, unpacked
from audit.evidence.files import folder_files
from audit.records import BadInput

NAMES = st.from_regex(r"[a-z]{1,6}(/[a-z.]{1,5}[a-z])?", fullmatch=True)
LINK = (stat.S_IFLNK | 0o777) << 16


def archive(path: Path, *entries: tuple[str, bytes], **facts: int) -> Path:
    """A zip with entries as given, whatever they are; ``facts`` are set on each entry."""
    with zipfile.ZipFile(path, "w") as out:
        for name, data in entries:
            entry = zipfile.ZipInfo(name)
            for key, value in facts.items():
                setattr(entry, key, value)
            out.writestr(entry, data)
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=st.dictionaries(NAMES, st.binary(max_size=50), min_size=1, max_size=5))
def test_what_was_packed_is_unpacked_and_packs_to_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("archive")
    files = {name: data for name, data in files.items() if not any(other.startswith(f"{name}/") for other in files)}
    contents = {name: (lambda data=data: data) for name, data in files.items()}
    write_archive(folder / "a", contents)
    write_archive(folder / "b", dict(reversed(contents.items())))
    assert (folder / "a").read_bytes() == (folder / "b").read_bytes()
    unpack(folder / "a", folder / "out")
    assert {name: path.read_bytes() for name, path in folder_files(folder / "out").items()} == files


@pytest.mark.parametrize(
    "name", ["../up", "/root", "a/../../b", "a\\b", "c:d", "a//b", "./a", "a/", "a\0b"], ids=lambda name: ascii(name)
)
def test_a_path_that_is_not_plain_is_refused(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "x.bundle", (name.replace("\0", "X"), b"x"))
    if "\0" in name:  # zipfile would cut the name off there when it writes
        path.write_bytes(path.read_bytes().replace(b"aXb", b"a\0b"))
    with pytest.raises(BadInput, match="leaves the folder"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "up").exists()


@pytest.mark.parametrize(
    ("entries", "facts", "words"),
    [
        ([("a", b"1"), ("a", b"2")], {}, "twice"),
        ([("a", b"1"), ("a/b", b"2")], {}, "twice"),
        ([("a/b", b"1"), ("a", b"2")], {}, "twice"),
        ([("a", b"/etc/passwd")], {"external_attr": LINK}, "a link"),
        ([("a", b"0" * 1000)], {"compress_type": zipfile.ZIP_DEFLATED}, "larger than the file|is compressed"),
        ([("a", b"ab" * 3)], {"compress_type": zipfile.ZIP_BZIP2}, "is compressed"),
    ],
    ids=["same name", "file and folder", "folder and file", "link", "deflated", "other method"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_odd_entry_is_refused(
    tmp_path: Path, entries: list[tuple[str, bytes]], facts: dict[str, int], words: str
) -> None:
    path = archive(tmp_path / "x.bundle", *entries, **facts)
    with pytest.raises(BadInput, match=words) as refused:
        unpack(path, tmp_path / "out")
    assert str(refused.value).count("\n") == 0
    assert not (tmp_path / "out").exists()


def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = archive(tmp_path / "x", ("a", bytes(50_000_000)), compress_type=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 100_000
    with pytest.raises(BadInput, match="would unfold"):
        unpack(path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x", ("a", b"x" * 4000), ("b", b"y" * 10))
    raw = path.read_bytes()
    directory = raw.rindex(b"PK\x01\x02")
    offset = directory + 42  # the second entry now begins where the first does
    sizes = directory + 20
    first = raw.index(b"PK\x01\x02")
    path.write_bytes(
        raw[:sizes] + raw[first + 20 : first + 28] + raw[sizes + 8 : offset] + bytes(4) + raw[offset + 4 :]
    )
    with pytest.raises(BadInput, match=r"would unfold|damaged"):
        unpack(path, tmp_path / "out")


def test_an_encrypted_entry_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x", ("a", b"1"))
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(BadInput, match="encrypted"):
        unpack(path, tmp_path / "out")


def test_a_damaged_byte_is_named_as_damage(tmp_path: Path) -> None:
    path = archive(tmp_path / "x", ("a", b"hello"))
    path.write_bytes(path.read_bytes().replace(b"hello", b"hellp"))
    with pytest.raises(BadInput, match="damaged"):
        unpack(path, tmp_path / "out")


def test_too_many_entries_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_ENTRIES == 200_000
    monkeypatch.setattr("audit.evidence.archive.MOST_ENTRIES", 2)
    with pytest.raises(BadInput, match="3 entries; at most 2"):
        unpack(archive(tmp_path / "x", *((name, b"") for name in "abc")), tmp_path / "out")


def test_what_is_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no archive")
    assert not holds(tmp_path / "text", "a")
    assert not is_bundle(tmp_path)
    with pytest.raises(BadInput, match="damaged"), unpacked(tmp_path / "text"):
        pass
    with pytest.raises(BadInput, match="no bundle of an audit"), unpacked(archive(tmp_path / "z", ("a", b""))):
        pass
    other = archive(tmp_path / "other", ("bundle.json", b'{"format": "imaging-audit bundle 9"}'))
    with pytest.raises(BadInput, match="not a bundle that this version knows"), unpacked(other):
        pass


def test_a_bundle_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"):
        write_archive(tmp_path / "absent" / "x", {"a": lambda: b""})

    def broken() -> bytes:
        raise OSError(28, "No space left on device")

    with pytest.raises(BadInput, match="No space left"):
        write_archive(tmp_path / "x", {"a": broken})
    assert list(tmp_path.iterdir()) == []
