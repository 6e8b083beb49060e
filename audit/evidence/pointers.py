"""Tags of the audit's MLflow run that lead from MLflow's page into the ledger: kind of product -> its statement.

``audit.statement.<kind>`` holds the first twelve digits of the statement's id, as documents cite it; each document
has a tag of its own, ``audit.document.<name>``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from audit.evidence.difference import Difference
from audit.evidence.registry import KIND as REGISTRY
from audit.evidence.store import AuditStore
from audit.records import Statement

PREFIX, DOCUMENT = "audit.statement.", "audit.document."
SHORT = 12


def log_pointers(store: AuditStore) -> None:
    """Tags the run with the statement that counts for each kind, and for each document."""
    store.set_tags({_tag(one): one.id[:SHORT] for one in store.statements() if one.kind != "shard"})


def check_pointers(store: AuditStore) -> Iterator[Difference]:
    """Tags that lead to no statement of their kind, and kinds whose tag was taken out."""
    statements, tags = store.statements(), store.tags()
    known = {(_tag(one), one.id[:SHORT]) for one in statements}
    pointing = {tag: value for tag, value in sorted(tags.items()) if tag.startswith((PREFIX, DOCUMENT))}
    for tag, value in pointing.items():
        if (tag, value[:SHORT]) not in known and not _earlier(tag, value, statements):
            what = "The tag points to a statement that the ledger does not have, or has of another kind."
            yield Difference(f"MLflow tag {tag}", "a statement of this audit", value, what)
    for tag in sorted(_due(statements) - set(pointing)) if tags else ():
        what = "The tag that leads from MLflow's page to the statement was taken out."
        yield Difference(f"MLflow tag {tag}", "a statement of this audit", "no tag", what)


def _due(statements: Sequence[Statement]) -> set[str]:
    """Tags that the run had when it ended: of what was stated before the record of MLflow."""
    kinds = [one.kind for one in statements]
    ended = kinds.index(REGISTRY) if REGISTRY in kinds else 0
    return {_tag(one) for one in statements[:ended] if one.kind not in ("shard", "document")}


def _earlier(tag: str, value: str, statements: Sequence[Statement]) -> bool:
    """Whether an earlier version of the suite wrote the tag: one for all documents."""
    return tag == f"{PREFIX}document" and any(one.id == value for one in statements if one.kind == "document")


def _tag(one: Statement) -> str:
    if one.kind == "document" and "document" in one.body:
        return f"{DOCUMENT}{one.body['document']}"
    return f"{PREFIX}{re.sub(r'[^A-Za-z0-9_. /-]', '_', one.kind)}"
