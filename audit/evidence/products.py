"""JSON files that statements name, against their schemas: one per file in ``schemas/files/``, named as the file is.

A digest tells that nobody changed a file since it was stated; the schema, that this suite could have written it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import islice

from jsonschema_rs import Draft202012Validator

from audit.evidence.difference import Difference
from audit.evidence.predicates import FOLDER, SHOWN, misfit
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore
from audit.records import BadInput


@cache
def file_schemas() -> dict[str, Draft202012Validator]:
    """File of an audit -> what its content must fit."""
    files = sorted((FOLDER / "files").glob("*.json"))
    return {path.name: Draft202012Validator(json.loads(path.read_bytes())) for path in files}


def check_products(store: AuditStore) -> Iterator[Difference]:
    """Files as they were stated that do not fit their schemas, the first misfits of each; changed ones are named by
    their digests."""
    known = file_schemas()
    for name, one in store.subjects().items():
        if name in known:
            yield from islice(_misfits(store, name, one.subjects[name], known[name]), SHOWN)


def _misfits(store: AuditStore, name: str, stated: str, schema: Draft202012Validator) -> Iterator[Difference]:
    try:
        data = store.read_bytes(name)
        if sha256(data) != stated:
            return
        content = json.loads(data)
    except BadInput:
        return
    except (ValueError, RecursionError) as error:
        yield Difference(name, "readable JSON", "not readable", " ".join(str(error).split()))
        return
    for each in schema.iter_errors(content):
        found = misfit(each)
        what = "The file does not fit its schema: it was not written by this suite as it stands."
        yield Difference(f"{name}: {found.pointer}", found.expected, found.found, what)
