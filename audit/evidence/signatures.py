"""Whether the signatures of a ledger hold: each one, by a known key, on every statement or on none.

An audit is signed or unsigned as a whole: from the first signed statement on, one without a signature has lost it.
A signature that holds tells that the holder of the private key wrote the statement; whose key that is, the reader
knows from elsewhere (``audit.evidence.anchors``). Source: DSSE v1.0.2, protocol section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from securesystemslib.exceptions import UnverifiedSignatureError, VerificationError
from securesystemslib.signer import Key

from audit.evidence.chain import Line, describe
from audit.evidence.difference import Difference
from audit.evidence.statements import PERSONAL, Read


def check_signatures(name: str, lines: Sequence[Line], keys: Mapping[str, Key], whole: bool) -> list[Difference]:
    """Every signature that does not hold; ``keys`` maps fingerprints to public keys.

    ``whole``: from the first signed statement on each must be signed (an audit's ledger; the register is shared by
    signed and unsigned audits).
    """
    found: list[Difference] = []
    begun = False
    for number, line in enumerate(lines, 1):
        if line.read is None:
            continue
        place = f"{name} line {number} ({describe(line)})"
        found += list(_invalid(place, line.read, keys))
        if whole and begun and not line.read.signers:
            what = "The statement is not signed, though earlier ones are: its signature was removed."
            found.append(Difference(place, "a signature", "none", what))
        begun = begun or (bool(line.read.signers) and line.read.statement.kind not in PERSONAL)
    return found


def signed_by(lines: Sequence[Line], fingerprint: str, keys: Mapping[str, Key]) -> list[Difference]:
    """Statements in ``lines`` that the key with ``fingerprint`` has not validly signed; empty: it signed them all.

    A person's sign-off bears that person's signature instead, which is reported with its fingerprint.
    """
    found = []
    for number, line in enumerate(lines, 1):
        place = f"line {number} ({describe(line)})"
        if line.read and _personal(line.read, keys):
            continue
        if line.read is None or fingerprint not in line.read.signers:
            what = "The key that you hold has not signed this statement."
            found.append(Difference(place, f"signed by {fingerprint[:16]}", "not signed by it", what))
        elif not holds(line.read, fingerprint, keys):
            found.append(_broken(place, fingerprint))
    return found


def _personal(read: Read, keys: Mapping[str, Key]) -> bool:
    return read.statement.kind in PERSONAL and any(holds(read, one, keys) for one in read.signers)


def _invalid(place: str, read: Read, keys: Mapping[str, Key]) -> Iterator[Difference]:
    for fingerprint in read.signers:
        if fingerprint not in keys:
            what = "The public key is not in the home's folder 'keys': put it there, or the signature is not ours."
            yield Difference(place, "a signature by a known key", f"key {fingerprint[:16]}", what)
        elif not holds(read, fingerprint, keys):
            yield _broken(place, fingerprint)


def _broken(place: str, fingerprint: str) -> Difference:
    what = "The signature does not fit the statement: one of the two was changed."
    return Difference(place, f"a valid signature by key {fingerprint[:16]}", "an invalid one", what)


def holds(read: Read, fingerprint: str, keys: Mapping[str, Key]) -> bool:
    """Whether the signature of the key with ``fingerprint`` is known and fits the statement as stored."""
    key = keys.get(fingerprint)
    if key is None:
        return False
    try:
        key.verify_signature(read.envelope.signatures[fingerprint], read.envelope.pae())
    except (UnverifiedSignatureError, VerificationError):
        return False
    return True
