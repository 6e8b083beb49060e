"""What an auditor holds against a forgery that was rebuilt from end to end: a Merkle root or a signer's key.

Whoever may write everywhere can rebuild ledger, register and database without a contradiction. Only something that was
out of his reach tells the difference: the root printed in the foot of a document delivered earlier, or the public key
(its fingerprint) of a signer whom the auditor knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from securesystemslib.signer import Key

from audit.evidence.chain import Line
from audit.evidence.difference import Difference
from audit.evidence.keys import read_public
from audit.evidence.merkle import merkle_roots
from audit.evidence.signatures import signed_by
from audit.records import BadInput

SHORTEST = 16
WITHOUT = "No anchor was given: the evidence is internally consistent only (see --anchor)."


@dataclass(frozen=True, slots=True)
class Anchored:
    """What an anchor proves, in one sentence, and what contradicts it."""

    sentence: str
    differences: tuple[Difference, ...] = ()


def check_anchor(lines: Sequence[Line], anchor: str, keys: Mapping[str, Key]) -> Anchored:
    """Holds the audit's ``lines`` against ``anchor``: a root, a fingerprint (16 or more hexadecimal digits of either)
    or the path of a public key. ``keys`` are the home's. Raises ``BadInput`` for anything else."""
    if Path(anchor).is_file():
        key = read_public(Path(anchor))
        return _by_key(lines, key.keyid, {**keys, key.keyid: key})
    wanted = anchor.strip().lower()
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST},64}}", wanted):
        raise BadInput(
            f"anchor '{anchor}': expected a ledger root or a key's fingerprint ({SHORTEST} to 64 hexadecimal digits), "
            "or the path of a public key, of a delivered PDF or Word document, or of a time stamp (.tsr, with --tsa)."
        )
    for size, root in enumerate(merkle_roots(line.digest for line in lines), 1):
        if root.startswith(wanted):
            return Anchored(up_to(size, len(lines), root))
    known = sorted({one for line in lines if line.read for one in line.read.signers if one.startswith(wanted)})
    if known:
        return _by_key(lines, known[0], keys)
    what = "No state of this ledger has this root, and no key with this fingerprint has signed it: it was rebuilt."
    return Anchored("", (Difference("anchor", wanted, "neither root nor signer of this ledger", what),))


def up_to(size: int, whole: int, root: str) -> str:
    """What a root of the first ``size`` of ``whole`` statements proves, in words."""
    added = whole - size
    later = f"; {added} {'was' if added == 1 else 'were'} added later" if added else ""
    return f"Anchored: the first {size} statements are those that the root {root[:16]} stands for{later}."


def _by_key(lines: Sequence[Line], fingerprint: str, keys: Mapping[str, Key]) -> Anchored:
    found = signed_by(lines, fingerprint, keys)
    if found:
        return Anchored("", tuple(found))
    return Anchored(f"Anchored: key {fingerprint[:16]} signed each of the {len(lines)} statements.")
