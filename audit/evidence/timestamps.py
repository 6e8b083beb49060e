"""RFC 3161 time stamps over a ledger's root: asked for, kept, and checked offline against a certificate.

What is stamped is the root as 64 hexadecimal digits, under SHA-256, so that anybody can check it without this suite:
``printf %s ROOT | openssl ts -verify -data /dev/stdin -in TOKEN.tsr -CAfile TSA.pem``. A token says that the ledger up
to some line existed at its time; the authority's certificate is for the reader to know from elsewhere. Sources: RFC
3161; RFC 5816.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.x509 import Certificate, load_der_x509_certificate, load_pem_x509_certificates
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerificationError, decode_timestamp_response
from rfc3161_client.tsp import TimeStampResponse
from rfc3161_client.verify import VerifierBuilder

from audit.evidence.anchors import Anchored, up_to
from audit.evidence.chain import Line
from audit.evidence.der import with_sorted_certificates
from audit.evidence.difference import Difference
from audit.evidence.merkle import merkle_roots
from audit.records import BadInput

REQUEST, RESPONSE = ".tsq", ".tsr"
SHA256_OID = "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True, slots=True)
class Token:
    """A time stamp as read: who it is by (as it says), when, over what; nothing of it is verified yet."""

    response: TimeStampResponse
    at: str
    imprint: bytes


def request_for(root: str) -> bytes:
    """The request (DER) for a time stamp over ``root``. Same root, same bytes: it has no nonce, and asks for the
    authority's certificate."""
    builder = TimestampRequestBuilder().data(root.encode()).hash_algorithm(HashAlgorithm.SHA256)
    return bytes(builder.nonce(nonce=False).cert_request(cert_request=True).build().as_bytes())


def read_token(data: bytes, where: str) -> Token:
    """The response of a time-stamping authority; ``BadInput`` where ``data`` is none or holds no stamp."""
    try:
        response = decode_timestamp_response(with_sorted_certificates(data))
        info = response.tst_info
    except (ValueError, TypeError) as error:
        raise BadInput(
            f"{where}: no time stamp (RFC 3161 response, {RESPONSE}) was found in it; ask the authority again."
        ) from error
    imprint = info.message_imprint
    if imprint.hash_algorithm.dotted_string != SHA256_OID:
        raise BadInput(f"{where}: the stamp is not over a SHA-256 digest; ask with 'audit anchor --request'.")
    return Token(response, info.gen_time.isoformat(), bytes(imprint.message))


def read_certificates(path: Path) -> list[Certificate]:
    """The certificates in ``path`` (PEM, one or several, or DER); ``BadInput`` where there are none."""
    try:
        data = path.read_bytes()
        return load_pem_x509_certificates(data) if b"-----BEGIN" in data else [load_der_x509_certificate(data)]
    except OSError as error:
        raise BadInput(f"{path}: the certificate cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise BadInput(f"{path}: no certificate; expected the authority's X.509 certificate (PEM or DER).") from error


def stamped_size(lines: Sequence[Line], token: Token) -> int | None:
    """How many lines the ledger had when the root under the stamp was its own; None where it never was."""
    for size, root in enumerate(merkle_roots(line.digest for line in lines), 1):
        if sha256(root.encode()).digest() == token.imprint:
            return size
    return None


def check_token(lines: Sequence[Line], token: Token, certificates: Sequence[Certificate], where: str) -> Anchored:
    """Holds the ledger's ``lines`` against a stamp by an authority among (or under) ``certificates``."""
    try:
        VerifierBuilder(roots=list(certificates)).build().verify(token.response, token.imprint)
    except VerificationError as error:
        what = f"The time stamp is not one by the authority that you hold the root certificate of ({_reason(error)})."
        return Anchored("", (Difference(f"time stamp {where}", "a valid stamp by the authority", "not valid", what),))
    size = stamped_size(lines, token)
    if size is None:
        what = "No state of this ledger has the root that was stamped: it was rebuilt, or the stamp is another audit's."
        return Anchored("", (Difference(f"time stamp {where}", f"a root stamped at {token.at}", "no such root", what),))
    root = list(merkle_roots(line.digest for line in lines[:size]))[-1]
    return Anchored(f"{up_to(size, len(lines), root)} It was stamped at {token.at} by the authority given.")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
