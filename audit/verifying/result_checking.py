"""Every result that an audit's documents print, against today's evidence: typed, stale, or another product's.

A document may print what its statements hold and nothing else; one quantity has one value in all of them. Read are the
documents' own records (JSON), whose digests the ledger holds; ``pdf_checking`` and ``word_checking`` read the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from audit.documents.revising import printed_in, standing_values
from audit.documents.view import audit_view
from audit.dossier.pointers import KEYS, look_up
from audit.dossier.revisions import Printed, disagreements
from audit.dossier.rounding import prints_as
from audit.dossier.view import AuditView
from audit.evidence.difference import Difference
from audit.evidence.erasures import erasures
from audit.evidence.statements import MISSHAPEN
from audit.evidence.store import AuditStore, list_audits
from audit.records import BadInput, Statement
from audit.tables import EXPLANATIONS

SHOWN = 20
MISSES = (LookupError, ValueError, TypeError)


class Evidence:
    """What the audit's evidence holds today at a result's address (or ``view``, where it was computed again); read
    when it is first asked. ``document``: whose results are asked for; what was erased since it was built is known."""

    def __init__(self, store: AuditStore, view: AuditView | None = None, document: str = "") -> None:
        self.store = store
        self.document = document
        self._statements = {one.id[:12]: one for one in store.statements()}
        self._view: Any = view
        self._indexed: dict[str, pd.DataFrame] = {}
        self._erased = [(one.at, one.kinds) for one in erasures(store)]

    def erased(self, statement: Statement) -> bool:
        """Whether rows of the statement's product were erased after the document was built: it is not as it was."""
        if not self._erased:
            return False
        built = self.store.subjects().get(self.document)
        return built is not None and any(at > built.created and statement.kind in kinds for at, kinds in self._erased)

    def statement(self, reference: str) -> Statement | None:
        """The statement that an address names, or None where the ledger has none."""
        return self._statements.get(reference.removeprefix("audit:").partition("#")[0])

    @cached_property
    def elsewhere(self) -> dict[str, str]:
        """Statement -> the other audit of this home that holds it; read once, for a rewritten ledger has none of the
        statements that thousands of results name."""
        home, mine = self.store.home, self.store.audit_id
        others = [one for one in list_audits(home) if one.audit_id != mine]
        read = {one.audit_id: AuditStore(home, one.audit_id, one.run_id, {}).statements() for one in others}
        return {each.id: audit for audit, statements in read.items() for each in statements}

    def superseded_by(self, statement: Statement) -> Statement | None:
        """The later statement of the same product, where there is one."""
        latest = [self.store.subjects()[name] for name in statement.subjects]
        newer = [one for one in latest if one.id != statement.id and one.kind == statement.kind]
        return newer[-1] if newer else None

    def at(self, reference: str) -> Any:
        """The value at an address in the product as it stands today, under its latest statement.

        Raises ``LookupError`` where the evidence has no such statement or place.
        """
        statement = self.statement(reference)
        if statement is None:
            raise LookupError(reference)
        pointer = reference.partition("#")[2]
        for kind in self._kinds(statement):  # a lock's statement is cited for the plan and for itself
            with suppress(*MISSES):
                return self._look_up(kind, pointer)
        return look_up(statement.body, pointer)

    def in_words(self, reference: str) -> str:
        """The value at an address as an explanation quotes it; empty where there is none."""
        try:
            value = self.at(reference)
        except (*MISSES, BadInput):
            return ""
        return "" if isinstance(value, Mapping | list) or pd.isna(value) else f" The evidence holds {value}."

    def _kinds(self, statement: Statement) -> list[str]:
        if self._view is None:
            self._view = _products(self.store)
        if isinstance(self._view, BadInput):
            raise self._view
        cited = self._view.statements
        return [kind for kind, one in cited.items() if statement.id == one.id or statement.kind == one.kind == kind]

    def _look_up(self, kind: str, pointer: str) -> Any:
        payload = self._view.payload(kind)
        key = next((name for name in KEYS if isinstance(payload, pd.DataFrame) and name in payload), None)
        tokens = pointer.split("/")[1:]
        if key is None or len(tokens) != 2 or "~" in pointer:
            return look_up(payload, pointer)
        if kind not in self._indexed:
            self._indexed[kind] = payload.set_index(key)
        found = self._indexed[kind].at[tokens[0], tokens[1]]
        if isinstance(found, pd.Series):
            raise LookupError(f"{len(found)} rows have the key {tokens[0]}")
        return found


def _products(store: AuditStore) -> AuditView | BadInput:
    """What the audit's documents may cite, or why that cannot be read: thousands of results ask, it is tried once."""
    try:
        return audit_view(store, "", _every_case(store))
    except BadInput as error:
        return error
    except MISSHAPEN as error:
        return BadInput(f"What the documents cite cannot be read ({' '.join(str(error).split())[:160]}).")


def _every_case(store: AuditStore) -> frozenset[str]:
    """No picture of a case is needed to look up a result."""
    return frozenset(store.read_table(EXPLANATIONS)["case_id"].astype(str))


def check_documents(store: AuditStore) -> list[Difference]:
    """Results of the audit's standing documents that the evidence does not give; quantities with two values."""
    found: list[Difference] = []
    evidence = Evidence(store)
    for name, values in standing_values(store).items():
        evidence.document = name
        checked = list(check_values(name, values, evidence))
        found += islice(checked, SHOWN)
        if len(checked) > SHOWN:
            what = "Only the first are listed."
            found.append(Difference(name, "no further difference", f"{len(checked) - SHOWN} more", what))
    return found or list(_two_values(printed_in(store)))


def check_values(name: str, values: Sequence[Mapping[str, str]], evidence: Evidence) -> Iterator[Difference]:
    """Each of the ``values`` (text, reference) of a document that has no evidence, is stale, or was typed."""
    for text, reference in dict.fromkeys((each["text"], each["reference"]) for each in values):
        thing = f"{name}: {reference}"
        statement = evidence.statement(reference)
        if statement is None:
            yield _foreign(thing, text, reference, evidence)
            continue
        if evidence.erased(statement):
            continue
        try:
            value = evidence.at(reference)
        except BadInput as error:
            yield Difference(f"{name}: evidence", "readable", "not readable", f"{error} Verify the audit.")
            return
        except MISSES:
            yield Difference(thing, text, "not in today's evidence", _since(statement, evidence))
            continue
        if not prints_as(value, text):
            yield Difference(thing, str(value), text, _since(statement, evidence))


def _since(statement: Statement, evidence: Evidence) -> str:
    newer = evidence.superseded_by(statement)
    if newer is None:
        return "The printed result is not what the evidence gives when it is rounded: it was typed or changed."
    return (
        f"The result is stale: its product ({statement.kind}) was written again on {newer.created[:19]}Z; "
        "build the document again."
    )


def _foreign(thing: str, text: str, reference: str, evidence: Evidence) -> Difference:
    prefix = reference.removeprefix("audit:").partition("#")[0]
    mine = f"a statement of audit {evidence.store.audit_id}"
    for statement, audit in evidence.elsewhere.items():
        if statement.startswith(prefix):
            what = "The result was copied from another product: its statement belongs to another audit."
            return Difference(thing, mine, f"one of audit {audit}", what)
    what = f"The result ({text}) names a statement that no audit of this home holds: no evidence stands behind it."
    return Difference(thing, mine, "no statement", what)


def _two_values(printed: Mapping[str, Sequence[Printed]]) -> Iterator[Difference]:
    for one in disagreements(printed):
        what = "One quantity has two values in the documents of this audit: build them again together."
        first, other = (f"{text} in {name}" for name, text in one.found)
        yield Difference(f"documents: {one.kind}#{one.pointer}", first, other, what)


def check_record(name: str, path: Path, store: AuditStore) -> list[Difference]:
    """The results of a document's record (JSON) in ``path``; empty where it is no such record."""
    try:
        values = [
            {key: str(one[key]) for key in ("text", "reference")} for one in json.loads(path.read_bytes())["values"]
        ]
    except (OSError, *MISSHAPEN):
        return []
    return list(check_values(name, values, Evidence(store, document=f"documents/{Path(name).name}")))
