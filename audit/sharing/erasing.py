"""``audit erase``: takes a patient's rows out of a finished audit, and says what was taken out.

The order makes a kill harmless: the statement first (digests before and after), then pictures and documents, then
tables, and last the list of cases, by which an interrupted erasure finds the patient again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.evidence import mirror
from audit.evidence.bundled import bundle_of
from audit.evidence.erasures import WITH_CASES, Erasure, erasures, may_change, unfinished
from audit.evidence.files import inside, is_file, replace_shredded, sweep
from audit.evidence.register import register_of
from audit.evidence.running import hold, release
from audit.evidence.statements import ERASED, sha256
from audit.evidence.store import LEDGER, AuditStore, list_audits, table_path
from audit.explanations.marking import marked_path
from audit.home import DATABASE
from audit.records import BadInput
from audit.sharing.erased_files import changed_bytes, rows_gone
from audit.tables import CASES, CURVES, EXPLANATIONS, MARKS, OBSERVATIONS

LAST = f"tables/{CASES.name}.parquet"
FIRST = "tables/rationales.parquet"
"""Its pointers into the observations move up, so these must still have their rows when it is written."""
WORKSHOP = ".unfinished"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cases to be erased and every name that tells of them."""

    cases: frozenset[str]
    patients: int
    partly: bool
    ids: tuple[str, ...]

    @property
    def named(self) -> re.Pattern[str]:
        """Matches a text that names one of the ids as a word of its own."""
        return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, self.ids))})(?![\w-])")


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased; ``documents`` must be built again; ``still_named``: where an id stands that cannot be taken
    out; ``elsewhere``: further audits of the home with rows of the same cases; ``scores``: how many thresholds of the
    recorded curves no remaining case has."""

    erasure: Erasure
    documents: tuple[str, ...]
    still_named: tuple[str, ...]
    elsewhere: tuple[str, ...]
    scores: int = 0


def erase(store: AuditStore, patient: str | None, case: str | None, reason: str, by: str) -> Erased:
    """Erases the rows of ``patient`` (pseudonym), or of one ``case`` alone; finishes an interrupted erasure.

    Raises ``BadInput`` for an unknown patient or case, without reason or name, and in a bundle.
    """
    _refuse(store, patient, case, reason, by)
    hold(store)
    try:
        wanted = _wanted(store, patient, case)
        if any(wanted.named.search(text) for text in (reason, by)):
            raise BadInput("--reason and --by stay in the ledger for good; leave the patient's and cases' ids out.")
        erasure = _begun(store, wanted) or _state(store, wanted, reason.strip(), by.strip())
        _apply(store, wanted, erasure)
    finally:
        release(store)
    documents = sorted({Path(name).stem for name in erasure.removed if name.startswith("documents/")})
    named, elsewhere = tuple(_still_named(store, wanted)), tuple(_elsewhere(store, wanted))
    return Erased(erasure, tuple(documents), named, elsewhere, _scores_left(store))


def _refuse(store: AuditStore, patient: str | None, case: str | None, reason: str, by: str) -> None:
    if bundle_of(store.home):
        raise BadInput("a bundle is read-only; erase in the home, make a new bundle and destroy this one.")
    if bool(patient) == bool(case):
        raise BadInput("give --patient PSEUDONYM, or --case ID for a single case of a patient; one of the two.")
    if not reason.strip() or not by.strip():
        raise BadInput(
            "an erasure needs --reason and --by: why rows are missing, and who took them out, stays on record."
        )
    if not store.has(LAST):
        raise BadInput(f"audit {store.audit_id} has no {LAST}: it never read a case, so there is nothing to erase.")


def _wanted(store: AuditStore, patient: str | None, case: str | None) -> Wanted:
    cases = store.read_table(CASES)
    mine = cases[cases["patient_id"] == patient] if patient else cases[cases["case_id"] == case]
    if not len(mine):
        what = f"patient '{patient}'" if patient else f"case '{case}'"
        raise BadInput(f"audit {store.audit_id} has no {what} (any more); pseudonyms and ids stand in {LAST}.")
    ids, patients = frozenset(mine["case_id"].astype(str)), sorted(set(mine["patient_id"].astype(str)))
    others = cases[cases["patient_id"].isin(patients) & ~cases["case_id"].isin(ids)]
    return Wanted(ids, len(patients), len(others) > 0, (*sorted(ids), *([] if len(others) else patients)))


def _begun(store: AuditStore, wanted: Wanted) -> Erasure | None:
    """The erasure that was interrupted, if there is one; ``BadInput`` where it was of somebody else."""
    today = {name: _digest(store, name) for one in erasures(store) for name in (*one.files, *one.removed)}
    left = unfinished(store, today)
    if not left:
        return None
    last = erasures(store)[-1]
    changes = [name for name in left if name in last.files]
    if any(sha256(changed_bytes(store, name, wanted.cases)) != last.files[name].after for name in changes):
        raise BadInput(
            f"the erasure of {last.at[:19]}Z was interrupted and is of another patient or case; give that command again"
            " first."
        )
    return last


def _digest(store: AuditStore, name: str) -> str:
    path = inside(store.folder, name)
    return sha256(path.read_bytes()) if path.is_file() else ""


def _state(store: AuditStore, wanted: Wanted, reason: str, by: str) -> Erasure:
    """States what will have been erased; nothing is touched yet."""
    known = {name: one for name, one in store.subjects().items() if is_file(name)}
    removed = {name: known[name].subjects[name] for name in _to_remove(store, wanted, list(known))}
    files: dict[str, dict[str, Any]] = {}
    for name in filter(may_change, known):
        rows = rows_gone(store, name, wanted.cases)
        if rows:
            before, after = known[name].subjects[name], sha256(changed_bytes(store, name, wanted.cases))
            if sha256(store.read_bytes(name)) != before:
                raise BadInput(f"{name}: not the bytes that audit {store.audit_id} stated; run 'audit verify' first.")
            files[name] = {"before": before, "after": after, "rows": len(rows)}
    body = {
        "patients": wanted.patients, "cases": len(wanted.cases), "partly": wanted.partly, "reason": reason, "by": by,
        "files": files, "removed": removed,
    }  # fmt: skip
    inputs = {known[name].id: None for name in (*files, *removed)}
    store.state_that(ERASED, {name: each["after"] for name, each in files.items()}, list(inputs), body)
    return erasures(store)[-1]


def _to_remove(store: AuditStore, wanted: Wanted, names: Sequence[str]) -> list[str]:
    """Files that go whole: the cases' pictures and maps, documents and reproductions that show something of them."""
    shown = _pictures(store, wanted)
    marked = _places(store, wanted)
    documents = {
        Path(name).stem for name in names
        if name.startswith("documents/") and name.endswith(".json") and _shows(store, name, wanted, shown, marked)
    }  # fmt: skip
    kept = (name for name in names if name.startswith(WITH_CASES))
    return [
        name for name in kept
        if name in shown
        or (name.startswith("documents/") and Path(name).stem in documents)
        or (name.startswith("reproductions/") and wanted.named.search(store.read_bytes(name).decode()))
    ]  # fmt: skip


def _pictures(store: AuditStore, wanted: Wanted) -> frozenset[str]:
    if not store.has(f"tables/{EXPLANATIONS.name}.parquet"):
        return frozenset()
    rows = store.read_table(EXPLANATIONS)
    mine = rows[rows["case_id"].isin(wanted.cases)]
    pictures = [*map(str, mine["overlay"].dropna())]
    return frozenset([*pictures, *map(marked_path, pictures), *map(str, mine["attribution"].dropna())])


def _places(store: AuditStore, wanted: Wanted) -> frozenset[str]:
    """'statement id#/rows/<n>' of each row that goes: by what a document cites single cases without naming them."""
    out: set[str] = set()
    for name, one in store.subjects().items():
        if name.startswith("tables/") and may_change(name):
            for place in rows_gone(store, name, wanted.cases):
                out.add(f"{one.id[:12]}#/rows/{place}")
    return frozenset(out)


def _shows(store: AuditStore, name: str, wanted: Wanted, shown: frozenset[str], places: frozenset[str]) -> bool:
    """Whether a document's record names a case or its picture, cites a row of it, or plots every case as a point."""
    text = store.read_bytes(name).decode()
    if wanted.named.search(text) or '"type":"AgreementPlot"' in text or any(path in text for path in shown):
        return True
    cited = (str(each["reference"]).removeprefix("audit:") for each in json.loads(text).get("values", ()))
    return any(reference.rpartition("/")[0] in places for reference in cited)


def _apply(store: AuditStore, wanted: Wanted, erasure: Erasure) -> None:
    """Overwrites and removes what still stands as before; the list of cases comes last."""
    workshop = store.home / WORKSHOP
    sweep(workshop)
    for name, before in erasure.removed.items():
        if _digest(store, name) == before:
            replace_shredded(inside(store.folder, name), None, workshop)
    order = sorted(erasure.files, key=lambda name: (name == LAST, name != FIRST, name))
    for name in order:
        if _digest(store, name) == erasure.files[name].before:
            data = changed_bytes(store, name, wanted.cases)
            replace_shredded(inside(store.folder, name), data, workshop)
    if mirror.is_mirrored(store.home, store.run_id):
        mirror.put(store.home, store.run_id, store.folder, order)
        mirror.take_out(store.home, store.run_id, erasure.removed)


def _still_named(store: AuditStore, wanted: Wanted) -> Iterator[str]:
    """Where an id still stands: lines of ledger and register, the plan, MLflow's database, any other file."""
    for ledger in (store.ledger, register_of(store.home)):
        for number, line in enumerate(ledger.lines(), 1):
            if line.read and wanted.named.search(line.read.envelope.payload.decode()):
                yield f"{ledger.path.name} line {number}"
    plain = [path for path in store.folder.rglob("*") if path.suffix in (".json", ".yaml", ".html", ".csv")]
    for path in [*sorted(plain), store.home / DATABASE]:
        if path.is_file() and wanted.named.search(path.read_bytes().decode("utf-8", "replace")):
            yield path.relative_to(store.home).as_posix()


def _scores_left(store: AuditStore) -> int:
    """Thresholds of the recorded curves that no remaining case or mark has: scores of those that were erased."""
    if not store.has(table_path(CURVES)):
        return 0
    left = set(store.read_table(OBSERVATIONS)["score"].dropna())
    if store.has(table_path(MARKS)):
        left |= set(store.read_table(MARKS)["rating"].dropna())
    return len(set(store.read_table(CURVES)["threshold"].dropna()) - left)


def _elsewhere(store: AuditStore, wanted: Wanted) -> Iterator[str]:
    for one in list_audits(store.home):
        other = AuditStore(store.home, one.audit_id, one.run_id, {})
        present = one.run_id != store.run_id and (other.folder / LEDGER).is_file() and other.has(LAST)
        if present and wanted.cases & set(other.read_table(CASES)["case_id"].astype(str)):
            yield one.audit_id


def as_dict(made: Erased) -> Mapping[str, Any]:
    """The erasure for machines."""
    one = made.erasure
    return {
        "erased": one.id, "at": one.at, "patients": one.patients, "cases": one.cases, "rows": one.rows,
        "files": len(one.files), "removed": list(one.removed), "build_again": list(made.documents),
        "still_named": list(made.still_named), "elsewhere": list(made.elsewhere), "scores_in_curves": made.scores,
    }  # fmt: skip


def in_words(made: Erased) -> str:
    """The erasure for people, with what is left for them to do."""
    one = made.erasure
    lines = [f"Erased: {one.in_words()}", f"{len(one.files)} files lost rows, {len(one.removed)} were removed."]
    if made.documents:
        names = ", ".join(made.documents)
        only = " ".join(f"--only {name}" for name in made.documents)
        lines.append(
            f"Removed, because they showed something of these cases: {names}. Build them again (audit dossier {only}) "
            "and call back copies that were delivered."
        )
    if made.still_named:
        where = ", ".join(made.still_named)
        lines.append(f"An id still stands in {where}, which cannot be changed without breaking the evidence.")
    if made.scores:
        many = f"{made.scores} thresholds" if made.scores > 1 else "1 threshold"
        lines.append(
            f"{many} of the recorded curves (tables/curves.parquet) can only be scores of erased cases; whose is not "
            "said. They stay, as the estimates that were read off the curves do."
        )
    if made.elsewhere:
        lines.append(
            f"Other audits of this home hold rows of these cases too: {', '.join(made.elsewhere)}; erase there."
        )
    lines.append("The validation set, bundles made before and backups are not touched: erase there as well.")
    return "\n".join(lines)
