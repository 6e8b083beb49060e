"""Packages installed where a statement was made: listed once in the audit, named by digest in every statement."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

from audit.evidence.difference import Difference
from audit.evidence.statements import PERSONAL, sha256, to_json

if TYPE_CHECKING:
    from audit.evidence.store import AuditStore

KIND, KEY = "packages", "packages"


@dataclass(frozen=True, slots=True)
class Package:
    """An installed distribution; ``facts`` are its METADATA, read once, because parsing takes longer than anything
    else here."""

    name: str
    version: str
    facts: metadata.PackageMetadata
    distribution: metadata.Distribution


@cache
def installed() -> dict[str, Package]:
    """Normalised name (PEP 503) -> every installed distribution; the first on the path, which is what imports take."""
    found: dict[str, Package] = {}
    for each in metadata.distributions():
        facts = each.metadata
        one = Package(str(facts["Name"]), str(facts["Version"]), facts, each)
        found.setdefault(normalised(one.name), one)
    return dict(sorted(found.items()))


def normalised(name: str) -> str:
    """A distribution's name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def packages_json() -> bytes:
    """Name -> version of every installed distribution, as the audit keeps it."""
    return to_json({name: each.version for name, each in installed().items()}, indent=2)


@cache
def packages_digest() -> str:
    """SHA-256 of ``packages_json``: what a producer names."""
    return sha256(packages_json())


def packages_file(digest: str) -> str:
    """Where the audit keeps the list with this digest."""
    return f"packages/{digest}.json"


def check_packages(store: AuditStore) -> Iterator[Difference]:
    """Statements whose producer names a list of packages that the audit does not hold.

    A person who signs elsewhere adds no list: what a sign-off says does not depend on packages.
    """
    statements = store.statements()
    known = {digest for one in statements if one.kind == KIND for digest in one.subjects.values()}
    for one in statements:
        digest = one.producer.get(KEY) if isinstance(one.producer, dict) else None  # else a misfit, named as one
        if digest is not None and digest not in known and one.kind not in PERSONAL:
            what = "Which packages made the statement cannot be told."
            thing = f"statement {one.id[:12]} ({one.kind}): packages of its producer"
            yield Difference(thing, "a list that the audit holds", f"SHA-256 {digest}", what)
