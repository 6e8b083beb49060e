"""Statements: in-toto Statement v1 payloads in DSSE envelopes, hashed as the bytes stored.

The payload is written once and never re-serialised; its SHA-256 is the statement's id. An envelope may carry no
signature: it is then *unsigned*, and printed so. Sources: in-toto Attestation Framework, Statement v1; DSSE v1.0.2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf import json_format  # type: ignore[import-untyped,unused-ignore]
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import STATEMENT_TYPE_URI
from in_toto_attestation.v1.statement import Statement as InTotoStatement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import Signer

from audit.records import Statement

PAYLOAD_TYPE = "application/vnd.in-toto+json"
PERSONAL = ("signed off", "revoked", "signature page")
"""Kinds that persons add with keys of their own; whether the audit itself is signed does not depend on them."""
ERASED = "erased"
"""Kind of the statement that takes a patient's rows out of an audit (``audit.evidence.erasures``)."""


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def predicate_type(kind: str) -> str:
    """The URI of a kind's predicate; a URN, because no domain is claimed."""
    return f"urn:imaging-audit:{kind.replace(' ', '-')}:v1"


def to_json(value: object, indent: int | None = None) -> bytes:
    """Canonical JSON in UTF-8: sorted keys, no NaN; numpy scalars as numbers. Same value, same bytes."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(
        value,
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        indent=indent,
        separators=separators,
        default=_plain,
    )
    return (text + ("\n" if indent else "")).encode()


def _plain(value: object) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a statement cannot hold {type(value).__name__}")


@dataclass(frozen=True, slots=True)
class Read:
    """A statement as read back: the statement, the audit it belongs to and the envelope with its signatures."""

    statement: Statement
    audit: str
    envelope: Envelope

    @property
    def signers(self) -> tuple[str, ...]:
        """Fingerprints of the keys that the envelope says have signed."""
        return tuple(sorted(self.envelope.signatures))


def write_payload(
    kind: str,
    subjects: Mapping[str, str],
    inputs: Sequence[str],
    body: Mapping[str, Any],
    producer: Mapping[str, Any],
    created: str,
    audit: str,
) -> bytes:
    """Payload bytes; ``ValueError`` where it is no valid in-toto Statement (for example without a subject)."""
    payload = to_json(
        {
            "_type": STATEMENT_TYPE_URI,
            "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())],
            "predicateType": predicate_type(kind),
            "predicate": {
                "kind": kind,
                "inputs": list(inputs),
                "producer": dict(producer),
                "created": created,
                "audit": audit,
                "body": dict(body),
            },
        }
    )
    validate(payload)
    return payload


MISSHAPEN = (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError)
"""What reading JSON raises that is none, or has another shape than this suite writes: somebody else wrote it."""


def validate(payload: bytes) -> None:
    """Holds the payload against the in-toto schema; raises ``ValueError`` (or its subclass) where it does not fit."""
    parsed = json_format.Parse(payload, statement_pb2.Statement())
    InTotoStatement.copy_from_pb(parsed).validate()


def read_payload(payload: bytes) -> tuple[Statement, str]:
    """The statement in ``payload`` and its audit id; ``ValueError`` where it is none of ours."""
    try:
        raw = json.loads(payload)
        predicate = raw["predicate"]
        kind = str(predicate["kind"])
        if raw["_type"] != STATEMENT_TYPE_URI or raw["predicateType"] != predicate_type(kind):
            raise ValueError(f"type {raw['_type']}, predicate {raw['predicateType']}")
        statement = Statement(
            id=sha256(payload),
            kind=kind,
            subjects={str(s["name"]): str(s["digest"]["sha256"]) for s in raw["subject"]},
            inputs=tuple(predicate["inputs"]),
            producer=predicate["producer"],
            created=str(predicate["created"]),
            body=predicate["body"],
        )
        return statement, str(predicate["audit"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a statement of this suite ({error})") from error


def seal(payload: bytes, signer: Signer | None = None) -> dict[str, Any]:
    """The DSSE envelope of ``payload`` as a dictionary, signed where there is a ``signer``."""
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    if signer is not None:
        envelope.sign(signer)
    sealed: dict[str, Any] = envelope.to_dict()
    return sealed


def open_envelope(raw: Mapping[str, Any]) -> tuple[bytes, Read]:
    """Payload bytes and statement of an envelope; ``ValueError`` where either cannot be read."""
    try:
        envelope = Envelope.from_dict({**raw, "signatures": [dict(s) for s in raw["signatures"]]})
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a DSSE envelope ({error})") from error
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError(f"payload type {envelope.payload_type}")
    statement, audit = read_payload(envelope.payload)
    return envelope.payload, Read(statement, audit, envelope)
