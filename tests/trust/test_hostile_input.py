"""Hostile files and words, one row each: refused in one clear sentence (exit code 2, no traceback), or made harmless.

What stands in a row is what somebody else may send: a plan, a set, a device's facts, a model, a bundle, a delivered
file, a hospital's table. Files that attack the reading of images stand in ``tests/intake/test_hostile_files.py``.
"""

import json
import os
import pickle
import shutil
import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
import yaml
from PIL import Image
from small_audit import PLAN, SET, TEMPLATE, Answer, Small, audit, write_inputs

from audit.documents.view import make_documents

Attack = Callable[[Path], tuple[object, ...]]
"""Plants itself in a folder with set, scores and plan, and gives the words of the command that meets it."""
LOCK = ("lock", "plan.yaml")
DEEP = b"[" * 100_000
LAUGHS = b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n".encode() for n in range(1, 12)
)
CHAIN = b"a0: &a0 [x]\n" + b"".join(f"a{n}: &a{n} [*a{n - 1}]\n".encode() for n in range(1, 3000))


class Trap:
    """Unpickled, it leaves a file."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, ("sprung", "w"))


def written(name: str, data: bytes, *words: object) -> Attack:
    def attack(folder: Path) -> tuple[object, ...]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        return words or LOCK

    return attack


def planned(**changes: Any) -> Attack:
    return written("plan.yaml", yaml.safe_dump({**PLAN, **changes}).encode())


def manifested(old: str, new: str) -> Attack:
    """One cell of the manifest, or its first line, written otherwise."""

    def attack(folder: Path) -> tuple[object, ...]:
        path = folder / "scores" / "manifest.csv"
        path.write_text(path.read_text().replace(old, new, 1))
        return LOCK

    return attack


def with_image(name: str) -> Attack:
    def attack(folder: Path) -> tuple[object, ...]:
        path = folder / "scores" / "manifest.csv"
        head, *rows = path.read_text().splitlines()
        whole = [f"{head},image,sha256", f"{rows[0]},{name},{'0' * 64}", *(f"{row},," for row in rows[1:])]
        path.write_text("\n".join(whole) + "\n")
        (folder / "scores" / "link.png").symlink_to("/etc/hostname")
        os.mkfifo(folder / "scores" / "pipe.png")
        return LOCK

    return attack


def in_place(name: str, make: Callable[[Path], object], *words: object) -> Attack:
    """Something that is no file where a file is expected."""

    def attack(folder: Path) -> tuple[object, ...]:
        (folder / name).unlink(missing_ok=True)
        make(folder / name)
        return words or LOCK

    return attack


def zipped(name: str, data: bytes = b"x", mode: int = 0o100644, how: int = zipfile.ZIP_STORED) -> Attack:
    """A bundle with one more entry."""

    def attack(folder: Path) -> tuple[object, ...]:
        with zipfile.ZipFile(folder / "sent.zip", "w") as out:
            out.writestr("bundle.json", "{}")
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type, entry.create_system = mode << 16, how, 3
            out.writestr(entry, data)
        return ("verify", "sent.zip")

    return attack


def registered(kind: str, files: dict[str, bytes], **more: Any) -> Attack:
    """A version's files handed to ``audit register`` under a plan that names the format."""

    def attack(folder: Path) -> tuple[object, ...]:
        model = {"kind": kind, "name": "sent", "version": "1", **more}
        (folder / "plan.yaml").write_text(yaml.safe_dump({**PLAN, "model": model}))
        for name, data in files.items():
            (folder / "sent" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "sent" / name).write_bytes(data)
        np.savez(folder / "golden.npz", **GOLDEN)
        return ("register", "plan.yaml", "sent", "--golden", "golden.npz")

    return attack


def hospital(table: str) -> Attack:
    """A hospital's table beside three pictures."""

    def attack(folder: Path) -> tuple[object, ...]:
        (folder / "sent").mkdir()
        for number in range(3):
            Image.fromarray(np.full((16, 16), 40 * number + 20, np.uint8)).save(folder / "sent" / f"{number}.png")
        (folder / "table.csv").write_text(table)
        return ("intake", "sent", "--out", "taken", "--table", "table.csv", "--reference", "finding")

    return attack


GOLDEN = {"input": np.zeros((2, 1, 8, 8), np.float32), "output:score": np.zeros(2, np.float32)}
BUNDLE = {
    "configs/metadata.json": json.dumps({"network_data_format": {"outputs": {"pred": {}}}}).encode(),
    "configs/inference.json": json.dumps(
        {"network_def": {"_target_": "monai.networks.nets.BasicUNet", "in_channels": "$open('sprung', 'w') or 1"}}
    ).encode(),
    "models/model.pt": b"",
}

REFUSED: dict[str, tuple[Attack, tuple[str, ...]]] = {
    # models
    "pickle that the plan does not name": (
        registered("pickle", {"model.pth": pickle.dumps(Trap())}, sha256="0" * 64),
        ("the plan allows the pickle 000", "not opened"),
    ),
    "expression in a bundle": (registered("monai_bundle", BUNDLE), ("is Python and is not evaluated",)),
    # YAML
    "tag that makes an object": (
        written("plan.yaml", b"id: !!python/object/apply:os.system ['touch sprung']\n"),
        ("plan.yaml", "line 1, column 5", "python/object/apply:os.system"),
    ),
    "tag in the set's facts": (
        written("scores/set.yaml", b"name: !!python/name:os.system ''\n"), ("set.yaml", "python/name:os.system"),
    ),
    "aliases that unfold": (written("plan.yaml", LAUGHS), ("plan.yaml", "unfold to more than 100000 values")),
    "aliases that nest": (written("plan.yaml", CHAIN), ("plan.yaml", "50 levels")),
    "alias of itself": (written("plan.yaml", b"a: &a [*a]\n"), ("plan.yaml", "an alias that holds itself")),
    "deep YAML": (written("plan.yaml", DEEP), ("plan.yaml", "nested deeper than 50 levels")),
    "huge YAML": (written("plan.yaml", b"# " + b"x" * (5 << 20)), ("plan.yaml", "larger than 4 MiB")),
    "NUL in YAML": (written("plan.yaml", b"id: a\0b\n"), ("plan.yaml", "save the file as UTF-8")),
    "unfolding device facts": (
        written("scores/set.yaml", b"description: &d {x: [*d]}\n"), ("set.yaml", "an alias that holds itself"),
    ),
    # paths
    "path upwards": (with_image("../plan.yaml"), ("manifest.csv: row 1, column 'image'", "leaves the set's folder")),
    "absolute path": (with_image("/etc/hostname"), ("row 1, column 'image'", "leaves the set's folder")),
    "path of another system": (with_image("C:\\\\secret.png"), ("row 1, column 'image'", "leaves the set's folder")),
    "link out of the set": (with_image("link.png"), ("link that leaves the set's folder",)),
    "pipe for an image": (with_image("pipe.png"), ("'pipe.png' does not exist",)),
    "device file for an image": (with_image("/dev/zero"), ("leaves the set's folder",)),
    "NUL in a path": (with_image("a\0b.png"), ("manifest.csv",)),
    "absolute path of a set": (planned(validation_sets=["/etc"]), ("/etc",)),
    "pipe for a plan": (in_place("plan.yaml", os.mkfifo), ("plan.yaml", "no regular file")),
    "endless plan": (in_place("plan.yaml", lambda path: path.symlink_to("/dev/zero")), ("no regular file",)),
    "endless delivered file": (
        in_place("sent.pdf", lambda path: path.symlink_to("/dev/zero"), "verify", "sent.pdf"),
        ("sent.pdf: cannot be read", "no regular file"),
    ),
    # archives
    "zip entry upwards": (zipped("../up"), ("'../up'", "leaves the folder")),
    "absolute zip entry": (zipped("/etc/up"), ("'/etc/up'", "leaves the folder")),
    "zip entry that is a link": (zipped("link", b"/etc/passwd", stat.S_IFLNK | 0o777), ("'link' is a link",)),
    "zip that unfolds": (
        zipped("bomb", b"\0" * (8 << 20), how=zipfile.ZIP_DEFLATED), ("would unfold (a zip bomb)",),
    ),
    "zip entry that is compressed": (
        zipped("small", os.urandom(200) + b"\0" * 60, how=zipfile.ZIP_DEFLATED), ("is compressed",),
    ),
    "deep JSON in a bundle": (
        lambda folder: (_bundle_of(folder / "sent.zip", DEEP), ("verify", "sent.zip"))[1],
        ("bundle.json: not a bundle",),
    ),
    # tables
    "formula in a table": (
        hospital("file,finding,site\n0.png,0,North\n1.png,1,\"=HYPERLINK(\"\"//x\"\")\"\n2.png,0,North\n"),
        ("column 'site'", "=HYPERLINK", "a spreadsheet would run as a formula"),
    ),
    "program call in a table": (
        hospital("file,finding,site\n0.png,0,North\n1.png,1,\"+cmd|' /C calc'!A0\"\n2.png,0,North\n"),
        ("+cmd|", "a spreadsheet would run as a formula"),
    ),
}  # fmt: skip


def _bundle_of(path: Path, mark: bytes) -> None:
    with zipfile.ZipFile(path, "w") as out:
        out.writestr("bundle.json", mark)


@pytest.fixture(scope="session")
def inputs(vacant: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs") / "work"
    folder.mkdir()
    write_inputs(folder)
    shutil.copytree(vacant, folder / "evidence")
    return folder


def meets(folder: Path, attack: Attack, monkeypatch: pytest.MonkeyPatch) -> Answer:
    words = attack(folder)
    monkeypatch.chdir(folder)
    home = () if words[0] == "intake" else ("--home", folder / "evidence")
    return audit(*words, *home)


@pytest.mark.parametrize("name", REFUSED)
def test_what_attacks_is_refused_in_one_sentence(
    inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = Path(shutil.copytree(inputs, tmp_path / "work"))
    attack, expected = REFUSED[name]
    began = time.monotonic()
    answer = meets(folder, attack, monkeypatch)
    assert answer.code == 2, answer
    (line,) = [each for each in answer.err.splitlines() if each.startswith("audit: ")]
    assert "Traceback" not in answer.err
    assert [part for part in expected if part not in line] == [], line
    assert line.endswith(".")
    assert len(line) < 600
    assert not (folder / "sprung").exists()
    assert not (tmp_path / "up").exists()
    assert time.monotonic() - began < 60


# ---- words that become part of a document

HOSTILE = "<b>x</b><script>alert(1)</script>{{7*7}}${7*7}{0.__class__}%s&amp;]]></w:t>=1+1"


@pytest.fixture(scope="module")
def labelled(vacant: Path, tmp_path_factory: pytest.TempPathFactory) -> Small:
    """An audit whose manufacturer, set, device and plan bear names that attack whatever prints them."""
    folder = tmp_path_factory.mktemp("labelled") / "audit"
    folder.mkdir()
    shutil.copytree(vacant, folder / "evidence")
    path = write_inputs(folder)
    manifest = folder / "scores" / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("Corvid", HOSTILE))
    (folder / "scores" / "set.yaml").write_text(yaml.safe_dump({**SET, "description": HOSTILE}))
    path.write_text(yaml.safe_dump({**PLAN, "title": HOSTILE, "intended_purpose": HOSTILE}, sort_keys=False))
    device = {"manufacturer": HOSTILE, "name": HOSTILE, "version": "1"}
    (folder / "device.yaml").write_text(yaml.safe_dump(device))
    (folder / "summary.yaml").write_text(TEMPLATE.format(id="summary", title="Summary"))
    run = audit("run", path, "--home", folder / "evidence", "--device", "cpu", "--json")
    assert run.code in (0, 1), run.err
    small = Small(folder, run.json["audit"])
    make_documents(small.store, "2026-03-02T10:00:00Z", templates=[folder / "summary.yaml"])
    return small


def test_labels_stand_in_every_format_as_the_words_they_are(labelled: Small) -> None:
    """Neither markup nor template nor formula: the words are printed, nothing in them is carried out."""
    folder = labelled.documents
    html = (folder / "summary.html").read_text(encoding="utf-8")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}${7*7}{0.__class__}%s&amp;amp;" in html
    with zipfile.ZipFile(folder / "summary.docx") as word:
        body = word.read("word/document.xml").decode()
    assert "&lt;script&gt;" in body
    assert "{{7*7}}" in body
    pages = pypdfium2.PdfDocument(folder / "summary.pdf")
    text = "".join(pages[number].get_textpage().get_text_range() for number in range(len(pages)))
    assert "{{7*7}}" in "".join(text.split())
    assert "49" not in {word for word in text.split() if "x" in word}
    assert labelled.verify().code == 0, labelled.verify().out


@pytest.mark.parametrize(
    ("suffix", "data"),
    [
        (".pdf", b"%PDF-1.7\n" + b"1 0 obj <</Kids [1 0 R]>> endobj\n" * 500),
        (".pdf", b"\0" * 1000),
        (".json", DEEP),
        (".html", b"<a href='audit:x'>" * 5000),
    ],
    ids=["pdf of itself", "no pdf", "deep json", "html of links"],
)
def test_a_hostile_delivered_file_is_only_not_the_delivered_one(
    labelled: Small, tmp_path: Path, suffix: str, data: bytes
) -> None:
    sent = tmp_path / f"summary{suffix}"
    sent.write_bytes(data)
    checked = labelled.verify(sent)
    assert checked.code == 1, checked.err
    assert "not the delivered file" in checked.json["differences"][0]["explanation"]


def test_a_word_document_that_is_none_is_refused(labelled: Small, tmp_path: Path) -> None:
    sent = tmp_path / "summary.docx"
    sent.write_bytes(b"PK\x03\x04" + b"\0" * 500)
    checked = labelled.verify(sent)
    assert checked.code == 2
    assert "no Word document (DOCX)" in checked.err


def test_a_ledger_line_that_is_too_deep_is_named(labelled: Small, tmp_path: Path) -> None:
    small = Small(Path(shutil.copytree(labelled.folder, tmp_path / "audit")), labelled.audit_id)
    with small.store.ledger.path.open("ab") as ledger:
        ledger.write(DEEP + b"\n")
    checked = small.verify()
    assert checked.code == 1, checked.err
    assert any("(unreadable)" in each["thing"] for each in checked.json["differences"])
