"""Identifiers -> keyed digests: the same key gives the same pseudonym in every set; without it nobody can try names.

The key lies beside the set, never in it. Source: NIST FIPS 198-1 (HMAC), SHA-256, first 64 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from audit.records import BadInput

LENGTH = 16


def pseudonym(key: bytes, kind: str, identifier: str) -> str:
    """``p-`` and 16 hex digits for patient, ``s-`` and so on; empty for an empty identifier."""
    if not identifier.strip():
        return ""
    digest = hmac.new(key, f"{kind}\0{identifier.strip()}".encode(), hashlib.sha256).hexdigest()
    return f"{kind[0]}-{digest[:LENGTH]}"


def read_or_make_key(path: Path) -> bytes:
    """The key in ``path`` (64 hex digits); made, readable by its owner only, where there is none."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32) + "\n")
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: not a readable key; expected 64 hexadecimal digits in one line.") from error
    if len(key) < 16:
        raise BadInput(f"{path}: the key is too short; expected 64 hexadecimal digits in one line.")
    return key
