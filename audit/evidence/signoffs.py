"""Sign-offs: who signed which bytes of a document, in what role, with which meaning, when, and whether it still stands.

A sign-off is a statement of its own, signed with the signer's key, that names the signed files by digest. So signing
changes no signed byte, one document can bear any number of signatures, and each stands or falls by itself. Nothing is
taken back: a revocation is a further statement. Sources: 21 CFR 11.50 (printed name, date and time, meaning), 11.70
(linked to the record), 11.10(e) (changes do not obscure); Regulation (EU) 2024/1689, Annex IV(2)(g).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path

from audit.evidence.chain import Line
from audit.evidence.difference import Difference
from audit.evidence.erasures import erasures
from audit.evidence.merkle import EMPTY, merkle_roots
from audit.evidence.store import AuditStore
from audit.records import BadInput, SignOff, SignOffState, Statement

SIGNED, REVOKED, PAGE = "signed off", "revoked", "signature page"
AUTHORED = "authored"
MEANINGS = (AUTHORED, "reviewed", "approved")
PREFIX = "signed:"
STATED = {"document", "role", "meaning", "name", "key", "four_eyes"}
TAKEN_BACK = {"sign_off", "name", "reason"}
WHOLE = "audit"
"""What a sign-off of all documents and the ledger, instead of one document, is filed under."""


def sign_off(
    store: AuditStore, document: str, files: Mapping[str, str], role: str, meaning: str, name: str, four_eyes: bool
) -> Statement:
    """States that ``name`` signs these ``files`` (name in the audit -> SHA-256); the store's key signs it.

    Raises ``BadInput`` as ``refuse_sign_off`` does.
    """
    fingerprint = store.key.fingerprint if store.key else None
    refuse_sign_off(sign_offs(store), document, files, role, meaning, name, fingerprint, four_eyes)
    body = {
        "document": document,
        "role": role.strip(),
        "meaning": meaning,
        "name": _plain(name),
        "key": fingerprint,
        "four_eyes": four_eyes,
        "ledger_root": store.ledger.root(),
    }
    inputs = {store.subjects()[file].id: None for file in files}
    return store.state_that(SIGNED, {PREFIX + file: digest for file, digest in files.items()}, list(inputs), body)


def revoke(store: AuditStore, sign_off_id: str, reason: str, name: str) -> Statement:
    """States that a sign-off no longer stands; ``sign_off_id``: its statement's id or a unique beginning of it.

    Raises ``BadInput`` for an unknown or revoked one, without reason or name, and where a sign-off that was made with a
    key would be revoked without one.
    """
    found = [one for one in sign_offs(store) if sign_off_id and one.id.startswith(sign_off_id)]
    if len(found) != 1:
        raise BadInput(
            f"'{sign_off_id}': {len(found)} sign-offs of audit {store.audit_id} begin so; see audit list --signatures."
        )
    (one,) = found
    if not reason.strip() or not name.strip():
        raise BadInput("a revocation needs --reason and --name: what is taken back, why and by whom stays on record.")
    if one.state == "revoked":
        raise BadInput(f"the sign-off {one.id[:12]} is revoked already ({one.note}).")
    if one.key and store.key is None:
        raise BadInput(f"the sign-off {one.id[:12]} was made with a key; revoke it with --key, which tells who did.")
    key = store.key.fingerprint if store.key else None
    body = {"sign_off": one.id, "document": one.document, "reason": reason.strip(), "name": _plain(name), "key": key}
    return store.state_that(REVOKED, {"signoff:revoked": one.id}, [one.id], body)


def sign_offs(store: AuditStore) -> list[SignOff]:
    """Every sign-off of the audit in the order of signing, each with its state today."""
    revoked = {one.body["sign_off"]: one for one in store.statements(REVOKED) if set(one.body) >= TAKEN_BACK}
    today = {name: one.subjects[name] for name, one in store.subjects().items()}
    gone = {(name, digest) for one in erasures(store) for name, digest in one.removed.items()}
    whole = [one for one in store.statements(SIGNED) if set(one.body) >= STATED]
    return [_today(one, revoked.get(one.id), today, gone) for one in whole]


def _today(
    stated: Statement, revoked: Statement | None, today: Mapping[str, str], gone: Set[tuple[str, str]]
) -> SignOff:
    body = stated.body
    files = {name.removeprefix(PREFIX): digest for name, digest in stated.subjects.items()}
    one = SignOff(
        stated.id, body["document"], files, body["role"], body["meaning"], body["name"], stated.created, body["key"],
        body["four_eyes"],
    )  # fmt: skip
    if revoked is not None:
        by = f"{revoked.created[:19]}Z by {revoked.body['name']}: {revoked.body['reason']}"
        return replace(one, state="revoked", note=by)
    state: SignOffState = "valid"
    if not gone.isdisjoint(files.items()):
        state = "erased"
    elif any(today.get(name) != digest for name, digest in files.items()):
        state = "replaced"
    return replace(one, state=state)


def refuse_sign_off(
    known: Sequence[SignOff],
    document: str,
    files: Mapping[str, str],
    role: str,
    meaning: str,
    name: str,
    key: str | None,
    four_eyes: bool,
) -> None:
    """Raises ``BadInput`` for a sign-off without name, role or known meaning, a repeated one, and against four eyes."""
    if not name.strip() or not role.strip():
        raise BadInput("a signature shows a printed name and a role (21 CFR 11.50); give --name and --role.")
    if meaning not in MEANINGS:
        raise BadInput(f"meaning '{meaning}' is unknown; a signature means one of {', '.join(MEANINGS)}.")
    if four_eyes and key is None:
        raise BadInput("device.yaml asks for four eyes, which only keys can tell apart; sign with --key.")
    standing = [one for one in known if one.files == files and one.state == "valid"]
    for one in standing:
        if one.meaning == meaning and _same_person(one, name, key):
            raise BadInput(f"{one.name} has signed {document} as {meaning} already, on {one.at[:19]}Z.")
    if four_eyes:
        _refuse_two_eyes(standing, document, meaning, name, key)


def _refuse_two_eyes(standing: Sequence[SignOff], document: str, meaning: str, name: str, key: str | None) -> None:
    authors = [one for one in standing if one.meaning == AUTHORED]
    if meaning != AUTHORED and not authors:
        raise BadInput(f"four eyes: nobody has signed {document} as its author yet; the author signs first.")
    others = [one for one in standing if (one.meaning == AUTHORED) != (meaning == AUTHORED)]
    for one in others:
        if _same_person(one, name, key):
            how = "key" if one.key == key else "name"
            raise BadInput(
                f"four eyes: the {how} of {one.name} signed {document} as {one.meaning}; whoever writes a document "
                "does not review or approve it: another person signs, with another key."
            )


def _same_person(one: SignOff, name: str, key: str | None) -> bool:
    return _plain(one.name).casefold() == _plain(name).casefold() or (key is not None and one.key == key)


def _plain(name: str) -> str:
    return " ".join(name.split())


def check_sign_offs(store: AuditStore) -> Iterator[Difference]:
    """Sign-offs that cannot stand: of bytes that the audit never had, against four eyes, under another key."""
    known = {(name, digest) for one in store.statements() for name, digest in one.subjects.items()}
    lines = {line.id: line for line in store.ledger.lines()}
    every = sign_offs(store)
    for place, one in enumerate(every):
        thing = f"sign-off {one.id[:12]} by {one.name}"
        for name, digest in one.files.items():
            if (name, digest) not in known:
                what = "It signs bytes that this audit never delivered."
                yield Difference(thing, f"a version of {name} that was stated", f"SHA-256 {digest}", what)
        if not _signed_with(lines[one.id], one.key):
            what = "It claims a key that has not signed it."
            yield Difference(thing, f"signed by key {(one.key or 'none')[:16]}", "not signed by it", what)
        yield from _two_eyes(thing, one, every[:place])


def check_placed(store: AuditStore) -> Iterator[Difference]:
    """Sign-offs of another document than their files', or made on a ledger that this one never was; revocations of
    nothing."""
    roots = [EMPTY, *merkle_roots(line.digest for line in store.ledger.lines())]
    known: set[str] = set()
    for before, one in enumerate(store.statements()):
        thing = f"sign-off {one.id[:12]} by {one.body.get('name')}"
        if one.kind == SIGNED and set(one.body) >= STATED:
            known.add(one.id)
            root, named = one.body.get("ledger_root"), {Path(name).stem for name in one.subjects}
            if root not in (None, *roots[: before + 1]):
                what = "It was made on another ledger than the one that stands here: one of the two was rewritten."
                yield Difference(thing, "a root of this ledger", f"root {str(root)[:16]}", what)
            if one.body["document"] not in (WHOLE, *named):
                what = "It claims another document than the files that it names by digest."
                yield Difference(thing, ", ".join(sorted(named)), str(one.body["document"]), what)
        if one.kind == REVOKED and one.body.get("sign_off") not in known:
            what = "It revokes a sign-off that the ledger does not hold before it."
            yield Difference(f"revocation {one.id[:12]}", "a sign-off", str(one.body.get("sign_off"))[:16], what)


def _signed_with(line: Line, key: str | None) -> bool:
    return key is None or bool(line.read and key in line.read.signers)


def _two_eyes(thing: str, one: SignOff, before: Sequence[SignOff]) -> Iterator[Difference]:
    clash = [each for each in before if each.files == one.files and _same_person(each, one.name, one.key)]
    if one.four_eyes and any((each.meaning == AUTHORED) != (one.meaning == AUTHORED) for each in clash):
        what = "Four eyes were declared, and one person signed as author and as reviewer or approver."
        yield Difference(thing, "two people", "one", what)


def in_words(one: SignOff) -> str:
    """A sign-off in one sentence, as ``audit verify`` prints it."""
    key = f"key {one.key[:16]}" if one.key else "no key: the name was typed"
    states = {"valid": "valid", "replaced": "the document was replaced since", "erased": "its files were erased since"}
    state = states.get(one.state, f"revoked {one.note}")
    return f"{one.document} {one.meaning} by {one.name} ({one.role}), {one.at[:19]}Z, {key}: {state}."
