"""The append-only ledger: one JSON line per statement, each holding the SHA-256 of the line before.

A line is written by one ``os.write`` with ``O_APPEND`` under ``flock`` and is on disk (fsync) before ``append``
returns, so two writers cannot fork the chain and ``kill -9`` cannot tear it. A tail torn by power loss is named by
``check``; the next ``append`` takes it off the chain and keeps its bytes in a statement of kind 'repair'. A ledger
that is signed stays signed: without a key nothing is added to it. The clock may not stand before the last statement.
Cutting whole lines off the end needs an anchor outside the ledger: see ``audit.evidence.store``.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from securesystemslib.signer import Signer

from audit.evidence.chain import START, Line, check_lines, ran_back
from audit.evidence.difference import Difference
from audit.evidence.merkle import merkle_root
from audit.evidence.statements import (
    PERSONAL,
    Read,
    open_envelope,
    read_payload,
    seal,
    sha256,
    to_json,
    write_payload,
)
from audit.records import BadInput, Statement

BLOCK = 65536
KEPT = 4
"""Ledgers whose lines are remembered: an audit's, the register, and two more."""


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: number of the last line (0 is the first) and its digest."""

    seq: int
    digest: str


class Ledger:
    """The ledger in ``path``; ``audit`` is the audit every statement must belong to ('' = any, for the register).

    ``signer`` signs what is appended.
    """

    def __init__(self, path: Path, audit: str = "", signer: Signer | None = None) -> None:
        self.path = path
        self.audit = audit
        self.signer = signer

    def append(
        self,
        kind: str,
        subjects: Mapping[str, str],
        inputs: Sequence[str],
        body: Mapping[str, Any],
        producer: Mapping[str, Any],
        created: str | Callable[[], str],
        audit: str = "",
    ) -> Statement:
        """Adds one statement and returns it when it is on disk. ``subjects`` maps names to SHA-256, at least one.

        ``created`` is the time, or a clock that is read while no other writer can come between. Raises ``BadInput``
        where the audit is signed and no key is given, or the clock stands before the last statement.
        """
        with self._locked() as descriptor:
            at = created if isinstance(created, str) else created()
            self._mend(descriptor, producer, at, audit or self.audit)
            last = self._last(descriptor)
            self._refuse(last, at)
            payload = write_payload(kind, subjects, inputs, body, producer, at, audit or self.audit)
            _write(descriptor, _line(last, payload, self.signer))
        return read_payload(payload)[0]

    def _refuse(self, last: Line | None, at: str) -> None:
        if not self.audit or last is None or last.read is None:
            return
        self._refuse_unsigned(last.read if last.read.statement.kind not in PERSONAL else self._last_own())
        before = last.read.statement.created
        if ran_back(before, at):
            raise BadInput(
                f"audit {self.audit}: this machine's clock says {at}, before the last statement ({before}); "
                "set the clock and run the same command again."
            )

    def refuse_unsigned(self) -> None:
        """Raises ``BadInput`` where the audit is signed and no key is given: before anything is entered elsewhere."""
        self._refuse_unsigned(self._last_own())

    def _refuse_unsigned(self, own: Read | None) -> None:
        if own and own.signers and self.signer is None:
            raise BadInput(
                f"audit {self.audit} is signed by key {own.signers[0][:16]}; "
                "give the key with --key, so that what is added is signed too."
            )

    def _last_own(self) -> Read | None:
        """The last statement that is no person's sign-off."""
        read = [line.read for line in self.lines() if line.read and line.read.statement.kind not in PERSONAL]
        return read[-1] if read else None

    def read(self) -> list[Statement]:
        """Every readable statement in stored order; a broken line is left to ``check``."""
        return [line.read.statement for line in self.lines() if line.read]

    def lines(self) -> list[Line]:
        """Every line as stored; a torn tail is the last one, with a ``problem``."""
        return list(_lines(self._bytes()))

    def head(self) -> Head | None:
        """The last whole line, or None for an empty ledger."""
        if not self.path.exists():
            return None
        with self._locked() as descriptor:
            return self._head(descriptor)

    def signature_status(self) -> str:
        """'unsigned', or how many statements carry a signature, as documents print it; sign-offs are not counted."""
        read = [line.read for line in self.lines() if line.read and line.read.statement.kind not in PERSONAL]
        signed = sum(1 for one in read if one.signers)
        signers = ", ".join(sorted({key[:16] for one in read for key in one.signers}))
        return f"{signed} of {len(read)} statements signed by key {signers}" if signed else "unsigned"

    def root(self) -> str:
        """The Merkle root over all whole lines: what a document prints in its foot. A torn tail is taken off when the
        document is stated."""
        return merkle_root(line.digest for line in self.lines() if not line.problem.startswith("torn"))

    def check(self) -> list[Difference]:
        """What is wrong with the chain: changed, missing, reordered, repeated, torn, or another audit's lines."""
        return check_lines(self.path.name, self.lines(), self.audit)

    def _bytes(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b""

    @contextmanager
    def _locked(self) -> Iterator[int]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def _head(self, descriptor: int) -> Head | None:
        last = self._last(descriptor)
        return Head(last.seq, last.digest) if last else None

    def _last(self, descriptor: int) -> Line | None:
        raw = _last_line(descriptor)
        if raw is None:
            return None
        line = _parse(raw)
        if line.problem:
            raise BadInput(
                f"{self.path}: the last line cannot be continued ({line.problem}); run 'audit verify' first."
            )
        return line

    def _mend(self, descriptor: int, producer: Mapping[str, Any], created: str, audit: str) -> None:
        torn = _torn_tail(descriptor)
        if not torn:
            return
        os.ftruncate(descriptor, os.fstat(descriptor).st_size - len(torn))
        body = {"reason": "tail torn by an interrupted write", "bytes": base64.b64encode(torn).decode()}
        payload = write_payload("repair", {"ledger:torn-tail": sha256(torn)}, [], body, producer, created, audit)
        _write(descriptor, _line(self._last(descriptor), payload, self.signer))


def _line(last: Line | None, payload: bytes, signer: Signer | None) -> bytes:
    return to_json(
        {
            "seq": last.seq + 1 if last else 0,
            "previous": last.digest if last else START,
            "id": sha256(payload),
            "envelope": seal(payload, signer),
        }
    )


def _write(descriptor: int, line: bytes) -> None:
    data = line + b"\n"
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(f"ledger: {written} of {len(data)} bytes written; is the disk full?")
    os.fsync(descriptor)


@lru_cache(maxsize=KEPT)
def _lines(data: bytes) -> tuple[Line, ...]:
    """The lines in a ledger's bytes: the same bytes are parsed once, however often a verification asks."""
    *whole, tail = data.split(b"\n")
    torn = [Line(sha256(tail), problem=f"torn: {len(tail)} bytes without an end")] if tail else []
    return (*map(_parse, whole), *torn)


def _parse(data: bytes) -> Line:
    digest = sha256(data)
    try:
        raw = json.loads(data)
        payload, read = open_envelope(raw["envelope"])
        problem = "" if raw["id"] == sha256(payload) else "its id is not the SHA-256 of its payload"
        return Line(digest, _number(raw["seq"]), str(raw["previous"]), str(raw["id"]), read, problem)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return Line(digest, problem=f"not readable: {' '.join(str(error).split())[:120]}")


def _number(seq: object) -> int:
    if type(seq) is not int or seq < 0:
        raise ValueError("its number is no count of the lines before it")
    return seq


def _tail(descriptor: int, ends: int) -> bytes:
    size = os.fstat(descriptor).st_size
    data = b""
    while size > 0 and data.count(b"\n") < ends:
        step = min(BLOCK, size)
        size -= step
        data = os.pread(descriptor, step, size) + data
    return data


def _torn_tail(descriptor: int) -> bytes:
    return _tail(descriptor, 1).rpartition(b"\n")[2]


def _last_line(descriptor: int) -> bytes | None:
    whole = _tail(descriptor, 2).rpartition(b"\n")[0]
    return whole.rpartition(b"\n")[2] or None
