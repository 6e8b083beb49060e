"""Ed25519 keys that sign statements: made, opened, published, and recognised by fingerprint.

A private key lies in a PKCS #8 PEM file of mode 0600, encrypted where a passphrase is given. Its fingerprint is the
SHA-256 of the public key's DER bytes (SubjectPublicKeyInfo), which is also the ``keyid`` of every signature. The
public keys that signed in a home are published in its folder ``keys/``; that a fingerprint is really the signer's is
for the reader to know from elsewhere. Sources: RFC 8032 (Ed25519); RFC 8410; DSSE v1.0.2.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from securesystemslib.signer import CryptoSigner, Key, SSlibKey

from audit.evidence.statements import sha256
from audit.records import BadInput

KEYS = "keys"
OTHERS_MAY = 0o077
SHORTEST_PASSPHRASE = 12


@dataclass(frozen=True)
class SigningKey:
    """An opened private key: what signs, its fingerprint, the public half as PEM and the key itself."""

    signer: CryptoSigner
    fingerprint: str
    public_pem: bytes
    private: Ed25519PrivateKey = field(repr=False)


def make_key(path: Path, passphrase: str | None) -> SigningKey:
    """Writes a new private key to ``path`` (mode 0600) and its public half beside it as ``<name>.pub``.

    Raises ``BadInput`` where the file exists or the passphrase is shorter than 12 characters. None: not encrypted.
    """
    if passphrase is not None and len(passphrase) < SHORTEST_PASSPHRASE:
        raise BadInput(
            f"the passphrase has {len(passphrase)} characters; give at least {SHORTEST_PASSPHRASE}, or none on purpose."
        )
    key = Ed25519PrivateKey.generate()
    locked: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        locked = BestAvailableEncryption(passphrase.encode())
    made = _signing(key)
    _write_new(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked), 0o600)
    public = path.with_name(f"{path.name}.pub")
    try:
        _write_new(public, made.public_pem, 0o644)
    except BadInput:
        path.unlink()
        raise
    return made


def open_key(path: Path, passphrase: str | None) -> SigningKey:
    """The private key in ``path``.

    Raises ``BadInput`` where it cannot be read, others may read it, the passphrase is wrong or missing, or it is no
    Ed25519 key.
    """
    try:
        data, mode = path.read_bytes(), path.stat().st_mode
    except OSError as error:
        raise BadInput(f"{path}: the key cannot be read ({error.strerror}); make one with 'audit key new'.") from error
    if mode & OTHERS_MAY:
        raise BadInput(f"{path}: others may read this private key (mode {mode & 0o777:o}); run chmod 600 {path}.")
    try:
        key = load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError as error:
        need = "is encrypted; give its passphrase" if passphrase is None else "is not encrypted; give no passphrase"
        raise BadInput(f"{path}: the private key {need}.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadInput(
            f"{path}: no private key, or the passphrase is wrong; give an Ed25519 key in PEM format."
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadInput(f"{path}: expected an Ed25519 private key; make one with 'audit key new'.")
    return _signing(key)


def needs_passphrase(path: Path) -> bool:
    """Whether the file holds an encrypted private key; False where it cannot be read."""
    try:
        return b"ENCRYPTED PRIVATE KEY" in path.read_bytes()
    except OSError:
        return False


def read_public(path: Path) -> Key:
    """The public key in ``path`` (PEM); raises ``BadInput`` where there is none."""
    try:
        return _public(load_pem_public_key(path.read_bytes()), str(path))
    except OSError as error:
        raise BadInput(f"{path}: the public key cannot be read ({error.strerror}).") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadInput(f"{path}: no public key; expected an Ed25519 key in PEM format.") from error


def publish(home: Path, key: SigningKey) -> None:
    """Puts the public half into the home, so that whoever has the home can check signatures."""
    folder = home / KEYS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key.fingerprint}.pem"
    if not path.exists():
        path.write_bytes(key.public_pem)


def published(home: Path) -> dict[str, Key]:
    """Fingerprint -> public key of the home's ``keys/``; a file whose name is not its fingerprint is left out."""
    found: dict[str, Key] = {}
    for path in sorted((home / KEYS).glob("*.pem")):
        try:
            key = read_public(path)
        except BadInput:
            continue
        if key.keyid == path.stem:
            found[key.keyid] = key
    return found


def _signing(key: Ed25519PrivateKey) -> SigningKey:
    public = key.public_key()
    known = _public(public, "key")
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return SigningKey(CryptoSigner(key, known), known.keyid, pem, key)


def _public(key: object, where: str) -> SSlibKey:
    if not isinstance(key, Ed25519PublicKey):
        raise BadInput(f"{where}: expected an Ed25519 public key.")
    fingerprint = sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return SSlibKey.from_crypto(key, keyid=fingerprint)


def _write_new(path: Path, data: bytes, mode: int) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError as error:
        raise BadInput(f"{path} exists already; give another name, a key is never overwritten.") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror}); give a folder that exists.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
