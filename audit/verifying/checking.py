"""What ``audit verify`` says about an audit or a delivered file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit.evidence.anchors import Anchored
from audit.evidence.bundled import Bundle, as_home, bundle_of
from audit.evidence.difference import Difference
from audit.evidence.erasures import erasures, sentence
from audit.evidence.integrity import check_chain, check_integrity
from audit.evidence.locks import PLAN_FILE, read_lock
from audit.evidence.producer import producer
from audit.evidence.signoffs import in_words, sign_offs
from audit.evidence.store import AuditStore, open_audit
from audit.evidence.verification import FileCheck, verify_file
from audit.records import BadInput, SignOff
from audit.tabulating import stored_plan
from audit.verifying.anchoring import anchored
from audit.verifying.delivered_checking import check_delivered
from audit.verifying.html_checking import diagnose_html
from audit.verifying.pdf_checking import diagnose_pdf
from audit.verifying.prose_checking import check_prose
from audit.verifying.recomputing import verify_audit
from audit.verifying.result_checking import check_documents, check_record
from audit.verifying.root_checking import check_future, check_roots
from audit.verifying.sets_today import SetsToday, sets_today
from audit.verifying.word_checking import diagnose_word

IN_HOME = (
    "Ledger, every file, the plan, the validation sets' manifests, the model's files and the MLflow run were compared "
    "with their digests; all observations, estimates, importances and verdicts were computed again from the stored "
    "predictions."
)
IN_ERASED = (
    "Ledger, every file, the plan, the validation sets' manifests, the model's files and the MLflow run were compared "
    "with their digests; the remaining observations were computed again from the stored predictions, verdicts from the "
    "recorded estimates; of estimates it was checked that their counts fell by no more than was erased, and that "
    "values of groups without an erased case come out as recorded."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What was looked at (audit id or file), in words what was done, and every difference found."""

    what: str
    done: str
    differences: tuple[Difference, ...]
    sign_offs: tuple[SignOff, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The result for machines."""
        return {
            "checked": self.what,
            "verified": not self.differences,
            "done": self.done,
            "sign_offs": [asdict(each) for each in self.sign_offs],
            "differences": [asdict(each) for each in self.differences],
        }

    def as_text(self) -> str:
        """The result for people."""
        if not self.differences:
            return f"{self.what}: verified. {self.done}"
        lines = [f"{self.what}: {len(self.differences)} differences. {self.done}"]
        for each in self.differences:
            lines += [f"- {each.thing}", f"    expected {each.expected}", f"    found    {each.found}"]
            lines += [f"    {each.explanation}"]
        return "\n".join(lines)


def verify_anything(
    what: str | None,
    home: Path,
    anchor: str | None = None,
    tsa: Path | None = None,
    sets: Path | None = None,
    device: Path | None = None,
) -> Checked:
    """Verifies a bundle or a delivered file where ``what`` is one, an audit (default: the latest) otherwise.

    A bundle stands for its audit, as ``what`` or as ``home``. ``anchor`` and ``tsa``: what the auditor holds against a
    rebuilt forgery (``audit.verifying.anchoring``). ``sets``: the folder that the plan's validation sets are named
    from. ``device``: the device.yaml whose declared words are to be those of the documents.
    """
    with as_home(what, home) as (place, named):
        if named is not None and (Path(named).is_file() or Path(named).suffix in (".pdf", ".docx", ".html", ".json")):
            return _verify_file(place, Path(named), anchor, tsa)
        given = what if what is not None and what != named else str(home)
        where = f"bundle {given}, " if place != home else ""
        return _verify_audit(open_audit(place, named), anchor, tsa, sets, device, where)


def _verify_audit(
    store: AuditStore, anchor: str | None, tsa: Path | None, sets: Path | None, device: Path | None, where: str
) -> Checked:
    held, bundle = anchored(store, anchor, tsa), bundle_of(store.home)
    looked_at = bundle is None or sets is not None
    try:
        plan = stored_plan(store)
    except BadInput as error:
        return _without_plan(store, held, where, error)
    found = sets_today(store, plan, sets) if looked_at else SetsToday({}, ())
    recomputed = verify_audit(store, lambda: found.digests(read_lock(store).sets))
    printed = (*_documents(store), *([] if bundle and device is None else check_prose(store, device)))
    clocked = (*check_roots(store), *check_future(store))
    differences, signed = (*recomputed, *clocked, *printed, *held.differences), sign_offs(store)
    erased = sentence(erasures(store))
    looked = _in_bundle(store, bundle) if bundle else IN_ERASED if erased else IN_HOME
    said = f"{looked}{found.in_words()}{f' {erased}' if erased else ''}"
    words = (
        f"{said} Signatures: {store.ledger.signature_status()}. {_signed(signed)}{held.sentence} {_other_code(store)}"
    )
    return Checked(f"{where}audit {store.audit_id}", words.strip(), differences, tuple(signed))


def _without_plan(store: AuditStore, held: Anchored, where: str, error: BadInput) -> Checked:
    """What can be said of an audit whose plan cannot be read any more."""
    unreadable = Difference(PLAN_FILE, "a readable plan", "not readable", str(error))
    done = "Only chains, digests and the MLflow run were compared: without its plan nothing can be computed again."
    return Checked(f"{where}audit {store.audit_id}", done, (*check_integrity(store), unreadable, *held.differences))


def _signed(signed: Sequence[SignOff]) -> str:
    return f"Sign-offs: {' '.join(map(in_words, signed))} " if signed else ""


def _documents(store: AuditStore) -> list[Difference]:
    """What the documents print that the evidence does not give; nothing where the evidence of cases was left out."""
    bundle = bundle_of(store.home)
    return [] if bundle and bundle.lacks_cases else check_documents(store)


def _in_bundle(store: AuditStore, bundle: Bundle) -> str:
    again = (
        "verdicts were computed again from the stored estimates"
        if bundle.lacks_cases
        else "all observations, estimates, importances and verdicts were computed again from the stored predictions"
    )
    absent = bundle.not_checked(bool(stored_plan(store).registered))
    return (
        "Ledger, the files in the bundle, the plan and the bundle's record of MLflow were compared with their digests; "
        f"{again}. Not checked, because not in the bundle: {'; '.join(absent)}."
    )


def _other_code(store: AuditStore) -> str:
    """A warning where the audit was made by other code than that which checks it."""
    made, here = (
        f"version {facts.get('version')}, commit {facts.get('commit')}" for facts in (_made_by(store), producer())
    )
    if made == here:
        return ""
    return f"The audit was made by {made}; this is {here}: recomputed numbers may differ for that reason."


def _made_by(store: AuditStore) -> Mapping[str, Any]:
    stated = store.latest("estimates") or store.latest("environment")
    return stated.producer if stated else {}


def _verify_file(home: Path, path: Path, anchor: str | None, tsa: Path | None) -> Checked:
    found = verify_file(home, path)
    rests_on = _rests_on(home, found, anchor, tsa)
    whose = f"It is {found.document} of audit {found.audit_id}." if found.audit_id and not found.changed else ""
    differences = (*found.differences, *_diagnosed(home, path, found), *rests_on.differences)
    signed = _sign_offs_of(home, found)
    words = f"SHA-256 {found.sha256}. {whose} {_signed(signed)}{rests_on.sentence}".strip()
    return Checked(str(path), words, differences, signed)


def _rests_on(home: Path, found: FileCheck, anchor: str | None, tsa: Path | None) -> Anchored:
    """The ledger that says which bytes were delivered, as it stands, and held against what the auditor has."""
    if found.audit_id is None:
        return Anchored("")
    store = open_audit(home, found.audit_id)
    held = anchored(store, anchor, tsa)
    return Anchored(held.sentence, (*check_chain(store), *held.differences))


def _sign_offs_of(home: Path, found: FileCheck) -> tuple[SignOff, ...]:
    """The sign-offs of just these bytes."""
    if found.audit_id is None:
        return ()
    known = sign_offs(open_audit(home, found.audit_id))
    return tuple(one for one in known if found.sha256 in one.files.values())


def _diagnosed(home: Path, path: Path, found: FileCheck) -> tuple[Difference, ...]:
    """What was edited in a file that is not the delivered one, as its digest has said already; else what is stale."""
    named = (found.audit_id, found.document) if found.audit_id and found.document and found.changed else None
    if path.suffix == ".docx" and named:
        return diagnose_word(open_audit(home, named[0]), named[1], path)
    if path.suffix == ".pdf" and found.differences and not found.superseded:
        return diagnose_pdf(home, path, named)
    if path.suffix == ".html" and found.differences and not found.superseded:
        return diagnose_html(home, path, named)
    if path.suffix == ".json" and named:
        return tuple(check_record(path.name, path, open_audit(home, named[0])))
    if not found.differences and found.statement and found.statement.kind == "document":
        return tuple(check_delivered(path, open_audit(home, found.audit_id), found.document or ""))
    return ()
