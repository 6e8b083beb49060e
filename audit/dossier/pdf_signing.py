"""A copy of a PDF with a PAdES signature inside, for readers whose tools look for one (pyHanko; extra ``pdfsign``).

The copy is an incremental update: the delivered file's bytes are its beginning. Without a certificate of the
organisation the signature carries one made from the Ed25519 key itself, which shows integrity and the key, and names
nobody that a reader could not check by fingerprint. Source: ETSI EN 319 142-1 (PAdES baseline B-B); ISO 32002 (EdDSA).
"""

from __future__ import annotations

import datetime
import io
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from audit.records import BadInput

DAY = datetime.timedelta(days=1)
VALID_DAYS = 3650


def pades_signed(data: bytes, name: str, meaning: str, signer: Any) -> bytes:
    """``data`` (a PDF) with a signature of ``signer`` appended; raises ``BadInput`` where pyHanko is not installed."""
    _required()
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import PdfSignatureMetadata
    from pyhanko.sign.fields import SigSeedSubFilter
    from pyhanko.sign.signers import PdfSigner

    facts = PdfSignatureMetadata(
        field_name="Signature", name=name, reason=meaning, md_algorithm="sha512", subfilter=SigSeedSubFilter.PADES
    )
    out = io.BytesIO()
    PdfSigner(facts, signer).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)), output=out)
    return out.getvalue()


def signer_of_key(key: Ed25519PrivateKey, name: str, at: datetime.datetime) -> Any:
    """A pyHanko signer with a self-signed certificate in ``name`` that begins at ``at`` (UTC)."""
    _required()
    from asn1crypto.keys import PrivateKeyInfo
    from asn1crypto.x509 import Certificate
    from pyhanko.sign.signers import SimpleSigner

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - DAY)
        .not_valid_after(at + VALID_DAYS * DAY)
        .add_extension(usage, critical=True)
        .sign(key, None)
    )
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    certificate = Certificate.load(made.public_bytes(Encoding.DER))
    return SimpleSigner(certificate, PrivateKeyInfo.load(private), _registry(certificate))


def signer_of_file(path: Path, passphrase: str | None) -> Any:
    """A pyHanko signer from a PKCS #12 file; raises ``BadInput`` where it cannot be read."""
    _required()
    from pyhanko.sign.signers import SimpleSigner

    made: Any = SimpleSigner
    signer = made.load_pkcs12(str(path), passphrase=passphrase.encode() if passphrase else None)
    if signer is None:
        raise BadInput(f"{path}: no PKCS #12 file that can be opened; check the file and its passphrase.")
    return signer


def _registry(certificate: Any) -> Any:
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    kind: Any = SimpleCertificateStore
    store = kind()
    store.register(certificate)
    return store


def _required() -> None:
    try:
        import pyhanko  # noqa: F401
    except ImportError as error:
        raise BadInput("signing inside a PDF needs pyHanko; install imaging-audit[pdfsign].") from error
