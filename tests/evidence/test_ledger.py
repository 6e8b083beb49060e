"""The chain holds under two writers, kill -9 and a torn tail; statements are in-toto in DSSE."""

import base64
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from audit.evidence.ledger import Ledger
from audit.evidence.statements import to_json, validate
from audit.records import BadInput, Statement

WRITER = Path(__file__).with_name("writer.py")
WHEN = "2026-01-01T00:00:00+00:00"


def fill(path: Path, count: int) -> Ledger:
    ledger = Ledger(path, "tiny")
    for number in range(count):
        note(ledger, number)
    return ledger


def note(ledger: Ledger, number: int) -> Statement:
    return ledger.append("note", {f"f{number}": "0" * 64}, [], {"number": number}, {"package": "x"}, WHEN)


def test_an_appended_statement_reads_back_as_returned(tmp_path: Path) -> None:
    ledger = fill(tmp_path / "l", 2)
    written = ledger.append("x y", {"a": "1" * 64}, [ledger.read()[0].id], {"k": np.float64(0.5)}, {}, WHEN)
    assert ledger.read()[-1] == written
    assert written.body == {"k": 0.5}
    assert ledger.check() == []


def test_lines_are_in_toto_statements_in_dsse_envelopes(tmp_path: Path) -> None:
    ledger = fill(tmp_path / "l", 2)
    first, second = (json.loads(line) for line in ledger.path.read_bytes().splitlines())
    payload = base64.b64decode(first["envelope"]["payload"])
    validate(payload)
    assert json.loads(payload)["_type"] == "https://in-toto.io/Statement/v1"
    assert json.loads(payload)["predicateType"] == "urn:imaging-audit:note:v1"
    assert first["envelope"]["signatures"] == []
    assert ledger.signature_status() == "unsigned"
    assert first["id"] == hashlib.sha256(payload).hexdigest() == ledger.read()[0].id
    assert second["previous"] == hashlib.sha256(ledger.path.read_bytes().splitlines()[0]).hexdigest()


def test_a_signed_envelope_is_read_with_its_signatures(tmp_path: Path) -> None:
    ledger = fill(tmp_path / "l", 1)
    raw = json.loads(ledger.path.read_bytes())
    envelope = Envelope.from_dict(raw["envelope"])
    envelope.sign(CryptoSigner.generate_ed25519())
    ledger.path.write_bytes(to_json({**raw, "envelope": envelope.to_dict()}) + b"\n")
    (line,) = ledger.lines()
    assert line.read is not None
    assert len(line.read.signers) == 1
    assert ledger.signature_status() == f"1 of 1 statements signed by key {line.read.signers[0][:16]}"
    assert ledger.check() == []


def test_a_statement_needs_a_subject_and_numbers(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", "tiny")
    with pytest.raises(ValueError, match="subject"):
        ledger.append("note", {}, [], {}, {}, WHEN)
    with pytest.raises(ValueError, match="JSON compliant"):
        ledger.append("note", {"a": "0" * 64}, [], {"value": float("nan")}, {}, WHEN)
    with pytest.raises(TypeError):
        ledger.append("note", {"a": "0" * 64}, [], {"value": object()}, {}, WHEN)
    assert ledger.read() == []


def test_an_unknown_input_is_named(tmp_path: Path) -> None:
    ledger = fill(tmp_path / "l", 1)
    ledger.append("note", {"a": "0" * 64}, ["f" * 64], {}, {}, WHEN)
    (found,) = ledger.check()
    assert found.found == f"unknown input {'f' * 16}"


def test_a_torn_tail_is_named_and_the_next_append_keeps_its_bytes(tmp_path: Path) -> None:
    ledger = fill(tmp_path / "l", 2)
    with ledger.path.open("ab") as out:
        out.write(b'{"seq":2,')
    (found,) = ledger.check()
    assert found.thing.startswith("l line 3")
    assert "interrupted" in found.explanation
    note(ledger, 2)
    assert ledger.check() == []
    repair, last = ledger.read()[2:]
    assert repair.kind == "repair"
    assert base64.b64decode(repair.body["bytes"]) == b'{"seq":2,'
    assert last.body["number"] == 2


def test_a_ledger_torn_in_its_first_line_goes_on(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b"{")
    ledger = fill(tmp_path / "l", 1)
    assert [one.kind for one in ledger.read()] == ["repair", "note"]
    assert ledger.check() == []


def test_a_damaged_last_line_is_not_continued(tmp_path: Path) -> None:
    ledger = fill(tmp_path / "l", 2)
    ledger.path.write_bytes(ledger.path.read_bytes()[:-5] + b"xxxx\n")
    with pytest.raises(BadInput, match="audit verify"):
        note(ledger, 3)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 10_000), bit=st.integers(0, 7), data=st.data())
def test_any_flipped_bit_before_the_last_line_is_found(
    tmp_path: Path, place: int, bit: int, data: st.DataObject
) -> None:
    path = tmp_path / "l"
    path.unlink(missing_ok=True)
    ledger = fill(path, 4)
    raw = bytearray(path.read_bytes())
    end = raw[:-1].rindex(b"\n")
    raw[place % end] ^= 1 << bit
    path.write_bytes(bytes(raw))
    assert ledger.check() != []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 4), max_size=7))
def test_only_a_beginning_of_the_ledger_in_order_passes(tmp_path: Path, order: list[int]) -> None:
    path = tmp_path / "l"
    path.unlink(missing_ok=True)
    lines = fill(path, 5).path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[number] for number in order))
    assert (Ledger(path, "tiny").check() == []) == (order == list(range(len(order))))


def test_long_lines_are_continued(tmp_path: Path) -> None:
    ledger = fill(tmp_path / "l", 1)
    ledger.append("note", {"a": "0" * 64}, [], {"text": "x" * 200_000}, {}, WHEN)
    note(ledger, 2)
    assert ledger.check() == []
    assert ledger.head() is not None


def test_two_processes_neither_lose_nor_fork(tmp_path: Path) -> None:
    path = tmp_path / "l"
    children = [
        subprocess.Popen([sys.executable, str(WRITER), str(path), name, "100"], stdout=subprocess.DEVNULL)
        for name in ("a", "b")
    ]
    assert [child.wait(timeout=120) for child in children] == [0, 0]
    ledger = Ledger(path, "tiny")
    assert ledger.check() == []
    assert {name for one in ledger.read() for name in one.subjects} == {f"{w}-{n}" for w in "ab" for n in range(100)}


def test_kill_9_while_writing_leaves_a_readable_ledger(tmp_path: Path) -> None:
    path = tmp_path / "l"
    for enough in (1, 7, 30):
        command = [sys.executable, str(WRITER), str(path), f"w{enough}", "100000"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            acknowledged = [child.stdout.readline() for _ in range(enough)]
            child.send_signal(signal.SIGKILL)
        ledger = Ledger(path, "tiny")
        assert ledger.check() == []
        written = {name for one in ledger.read() for name in one.subjects}
        assert {f"w{enough}-{int(number)}" for number in acknowledged} <= written
    note(ledger, 0)
    assert ledger.check() == []


def test_five_hundred_statements_are_checked_in_a_second(
    tmp_path: Path,
) -> None:
    ledger = fill(tmp_path / "l", 500)
    began = time.process_time()
    assert ledger.check() == []
    assert len(ledger.read()) == 500
    assert time.process_time() - began < 1
