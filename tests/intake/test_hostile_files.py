"""Hostile and damaged files are refused by name, in bounded time; the rest of the folder is taken in."""

from __future__ import annotations

import gzip
import os
import stat
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest

from audit.cases.manifest import read_set
from audit.intake import pool
from audit.intake.sniffing import kind_of
from audit.records import BadInput
from tests.intake.conftest import body, dicom, png_bytes, save
from tests.intake.deadly import never_begins, slow_or_deadly


def png_of(width, height):
    """A PNG whose header declares any size."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"\0" * 100)
    parts = (struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in (chunk, data, b"IEND"))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def nifti_bomb():
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 3, 30000, 30000, 30000, 1, 1, 1, 1)
    struct.pack_into("<hh", head, 70, 4, 16)
    struct.pack_into("<f", head, 108, 352.0)
    head[344:348] = b"n+1\0"
    return gzip.compress(bytes(head) + b"\0" * 100)


def test_every_hostile_file_is_named_and_the_rest_goes_on(hospital):
    hospital.radiographs(3)
    files = {
        "bomb.png": png_of(100_000, 100_000),
        "wrong.dcm": png_bytes(np.zeros((8, 8), np.uint8)),
        "wrong.png": b"MZ" + b"\0" * 500,
        "empty.dcm": b"",
        "bomb.nii.gz": nifti_bomb(),
        "no_name": png_bytes(np.zeros((8, 8), np.uint8)),
    }
    for name, data in files.items():
        (hospital.source / name).write_bytes(data)
    save(dicom(body(1), Rows=60000, Columns=60000), hospital.source / "absurd.dcm")
    whole = save(dicom(body(1)), hospital.source / "short.dcm")
    whole.write_bytes(whole.read_bytes()[:-500])
    (hospital.source / "link.dcm").symlink_to("/etc/passwd")
    (hospital.source / "linked").symlink_to("/etc", target_is_directory=True)
    os.mkfifo(hospital.source / "pipe.dcm")
    started = time.monotonic()
    taken = hospital.take()
    assert time.monotonic() - started < 20
    reasons = {r["file"]: r["reason"] for r in hospital.report()["refused"]}
    expected = {
        "bomb.png": "the limit is",
        "wrong.dcm": "its content is PNG",
        "wrong.png": "its name says PNG",
        "empty.dcm": "the file is empty",
        "bomb.nii.gz": "the limit is",
        "no_name": "rename it",
        "absurd.dcm": "the limit is",
        "short.dcm": "fewer bytes",
        "link.dcm": "symbolic link",
        "linked": "symbolic link",
        "pipe.dcm": "not a regular file",
    }
    assert set(reasons) == set(expected)
    assert all(words in reasons[name] for name, words in expected.items()), reasons
    assert len(taken.intake.cases) == 3
    counts = hospital.report()["files"]
    assert counts["all"] == 3 + len(expected) == counts["case"] + counts["refused"]


def test_zip_members_that_attack_are_refused(hospital):
    archive = hospital.folder / "export.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
        for i in range(3):
            out.writestr(f"a/{i}.png", png_bytes((body(i) / 16).astype(np.uint8)))
        out.writestr("../outside.png", b"x")
        out.writestr("/absolute.png", b"x")
        out.writestr("a/../../up.png", b"x")
        link = zipfile.ZipInfo("a/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        out.writestr(link, "/etc/passwd")
        out.writestr("a/bomb.png", b"\0" * (1 << 25))
    taken = hospital.take(archive)
    reasons = {r["file"]: r["reason"] for r in hospital.report()["refused"]}
    assert "leaves the archive" in reasons["../outside.png"]
    assert "leaves the archive" in reasons["/absolute.png"]
    assert "leaves the archive" in reasons["a/../../up.png"]
    assert "symbolic link" in reasons["a/link.png"]
    assert "decompression bomb" in reasons["a/bomb.png"]
    assert len(taken.intake.cases) == 3
    assert not (hospital.folder / "outside.png").exists()
    assert not any(p.is_symlink() for p in hospital.set.rglob("*"))
    assert len(read_set(hospital.set).cases) == 3


def test_a_task_that_hangs_or_kills_costs_only_itself():
    chunks = [["a", "slow", "b"], ["c", "deadly", "d"], ["e"]]
    tasks = ([(name,) for name in chunk] for chunk in chunks)
    results = [
        r for done in pool.run(slow_or_deadly, tasks, lambda t, why: f"{t[0]}: {why}", 2, seconds=3) for r in done
    ]
    assert sorted(r for r in results if ":" not in r) == ["A", "B", "C", "D", "E"]
    crashed, late = sorted(r for r in results if ":" in r)
    assert "crashed" in crashed
    assert "longer than 3 seconds" in late


def test_a_worker_that_cannot_begin_is_no_file_s_fault(monkeypatch):
    monkeypatch.setattr(pool, "_serve", never_begins)
    with pytest.raises(BadInput, match="ended before its first file: not a file but this installation"):
        list(pool.run(slow_or_deadly, iter([[("a",)]]), lambda t, why: why, 1, seconds=3))


@pytest.mark.parametrize(
    ("name", "head", "kind", "problem"),
    [
        ("a.dcm", b"\0" * 128 + b"DICM", "DICOM", False),
        ("IM0001", b"\0" * 128 + b"DICM", "DICOM", False),
        ("a.png", b"\0" * 128 + b"DICM", "PNG", True),
        ("a.nii.gz", b"\x1f\x8b\x08", "NIfTI", False),
        ("a.csv", b"case_id,", "other", False),
        ("a.zip", b"PK\x03\x04", "other", True),
        ("a.jpg", b"\xff\xd8\xff\xe0", "JPEG", False),
    ],
)
def test_content_and_name_must_agree(name, head, kind, problem):
    found = kind_of(name, head)
    assert found.format == kind
    assert bool(found.problem) is problem


def test_sources_that_cannot_be_used(hospital):
    with pytest.raises(BadInput, match="there is no such file"):
        hospital.take(hospital.folder / "absent")
    with pytest.raises(BadInput, match="none of its 0 files"):
        hospital.take()
    (hospital.source / "a.dcm").write_bytes(b"")
    with pytest.raises(BadInput, match=r"a\.dcm: the file is empty"):
        hospital.take()
