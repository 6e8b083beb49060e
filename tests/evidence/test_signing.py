"""Signed evidence: keys, signatures on every statement, the root and the key that an auditor holds."""

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_audit import PRODUCER, Clock, Finished, recompute, run_tiny

from audit.evidence.anchors import check_anchor
from audit.evidence.keys import SigningKey, make_key, needs_passphrase, open_key, published, read_public
from audit.evidence.ledger import Ledger
from audit.evidence.merkle import EMPTY, merkle_root, merkle_roots
from audit.evidence.signoffs import sign_off
from audit.evidence.store import AuditStore, open_audit
from audit.evidence.verification import verify
from audit.records import BadInput

PASSPHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return make_key(tmp_path_factory.mktemp("keys") / "signing", None)


@pytest.fixture(scope="module")
def pristine_signed(empty_home: Path, tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Finished:
    folder = tmp_path_factory.mktemp("signed")
    shutil.copytree(empty_home, folder / "evidence")
    return run_tiny(folder / "evidence", folder / "model", key=key)


@pytest.fixture
def signed(pristine_signed: Finished, tmp_path: Path) -> Finished:
    shutil.copytree(pristine_signed.home.parent, tmp_path / "signed")
    return Finished(tmp_path / "signed" / "evidence", tmp_path / "signed" / "model", pristine_signed.audit_id)


def differences(finished: Finished) -> list[str]:
    return [f"{one.thing}: {one.explanation}" for one in verify(finished.store, recompute, finished.model_digests)]


def edit_line(store: AuditStore, number: int, change: Callable[[dict[str, object]], None]) -> None:
    """Rewrites one line as stored; ``number`` from 0."""
    path = store.ledger.path
    lines = path.read_bytes().splitlines()
    raw = json.loads(lines[number])
    change(raw["envelope"])
    lines[number] = json.dumps(raw, sort_keys=True, separators=(",", ":")).encode()
    path.write_bytes(b"\n".join(lines) + b"\n")


def rebuild(store: AuditStore, key: SigningKey | None) -> None:
    """The forger's way: every statement written again, a figure's changed, with whatever key he has."""
    old = store.ledger.read()
    store.ledger.path.unlink()
    forged = Ledger(store.ledger.path, store.audit_id, key.signer if key else None)
    for one in old:
        body = {**one.body, "title": "edited"} if one.kind == "figure" else one.body
        forged.append(one.kind, one.subjects, [], body, one.producer, one.created)


# ---- keys


def test_a_private_key_is_for_its_owner_alone_and_encrypted(tmp_path: Path) -> None:
    made = make_key(tmp_path / "k", PASSPHRASE)
    assert (tmp_path / "k").stat().st_mode & 0o777 == 0o600
    assert needs_passphrase(tmp_path / "k")
    assert not needs_passphrase(tmp_path / "k.pub")
    assert open_key(tmp_path / "k", PASSPHRASE).fingerprint == made.fingerprint == read_public(tmp_path / "k.pub").keyid


def test_a_fingerprint_is_the_digest_of_the_public_key(tmp_path: Path) -> None:
    made = make_key(tmp_path / "k", None)
    body = b"".join((tmp_path / "k.pub").read_bytes().splitlines()[1:-1])
    assert hashlib.sha256(base64.b64decode(body)).hexdigest() == made.fingerprint


@pytest.mark.parametrize(
    ("spoil", "passphrase", "words"),
    [
        (lambda path: path.chmod(0o644), PASSPHRASE, "chmod 600"),
        (lambda path: None, "another passphrase", "passphrase is wrong"),
        (lambda path: None, None, "encrypted; give its passphrase"),
        (lambda path: path.write_bytes(b"hello"), None, "no private key"),
        (lambda path: path.unlink(), None, "cannot be read"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(
    tmp_path: Path, spoil: Callable[[Path], None], passphrase: str | None, words: str
) -> None:
    make_key(tmp_path / "k", PASSPHRASE)
    spoil(tmp_path / "k")
    with pytest.raises(BadInput, match=words):
        open_key(tmp_path / "k", passphrase)


def test_keys_are_never_overwritten_and_short_passphrases_refused(tmp_path: Path) -> None:
    make_key(tmp_path / "k", None)
    with pytest.raises(BadInput, match="never overwritten"):
        make_key(tmp_path / "k", None)
    (tmp_path / "other.pub").write_bytes(b"in the way")
    with pytest.raises(BadInput, match="never overwritten"):
        make_key(tmp_path / "other", None)
    assert not (tmp_path / "other").exists()
    with pytest.raises(BadInput, match="at least 12"):
        make_key(tmp_path / "short", "secret")


def test_a_published_key_under_a_false_name_does_not_count(signed: Finished, key: SigningKey) -> None:
    folder = signed.home / "keys"
    assert set(published(signed.home)) == {key.fingerprint}
    (folder / f"{key.fingerprint}.pem").rename(folder / f"{'0' * 64}.pem")
    assert published(signed.home) == {}
    assert all("public key is not in the home" in one for one in differences(signed))


# ---- signatures


def test_a_signed_audit_verifies_and_says_by_whom(signed: Finished, key: SigningKey) -> None:
    assert differences(signed) == []
    count = len(signed.store.ledger.lines())
    assert (
        signed.store.ledger.signature_status() == f"{count} of {count} statements signed by key {key.fingerprint[:16]}"
    )


def test_nothing_unsigned_is_added_to_a_signed_audit(signed: Finished) -> None:
    before = signed.store.ledger.path.read_bytes()
    with pytest.raises(BadInput, match="--key"):
        signed.store.put_bytes("note", "note.txt", b"later")
    assert signed.store.ledger.path.read_bytes() == before


def test_a_signed_audit_goes_on_with_its_key(signed: Finished, key: SigningKey) -> None:
    store = open_audit(signed.home, signed.audit_id, PRODUCER, Clock(7200), key)
    store.put_bytes("note", "note.txt", b"later")
    assert differences(signed) == []


def test_a_changed_signature_is_named(signed: Finished) -> None:
    def change(envelope: dict[str, object]) -> None:
        (signature,) = envelope["signatures"]  # type: ignore[misc,attr-defined]
        data = bytearray(base64.b64decode(signature["sig"]))
        data[0] ^= 1
        signature["sig"] = base64.b64encode(bytes(data)).decode()

    edit_line(signed.store, 3, change)
    found = differences(signed)
    assert any("line 4" in one and "signature does not fit" in one for one in found)


def test_a_removed_signature_is_named(signed: Finished) -> None:
    edit_line(signed.store, 2, lambda envelope: envelope.update(signatures=[]))
    assert any("line 3" in one and "its signature was removed" in one for one in differences(signed))


def test_a_rebuilt_ledger_does_not_pass_for_the_signers(signed: Finished, key: SigningKey, tmp_path: Path) -> None:
    forger = make_key(tmp_path / "forger", None)
    root = signed.store.ledger.root()
    rebuild(signed.store, forger)
    lines, keys = signed.store.ledger.lines(), published(signed.home)
    assert signed.store.ledger.check() == []
    assert check_anchor(lines, key.fingerprint, keys).differences
    assert check_anchor(lines, root, keys).differences
    assert check_anchor(lines, str(_public_file(key, tmp_path)), keys).differences


def _public_file(key: SigningKey, folder: Path) -> Path:
    path = folder / "signer.pub"
    path.write_bytes(key.public_pem)
    return path


# ---- clock


def test_a_clock_that_ran_backwards_is_named_and_stops_writing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l", "tiny")
    times = ["2026-01-01T00:00:10+00:00", "2026-01-01T00:00:09+00:00", "2026-01-01T00:00:00+00:00"]
    for at in times[:2]:  # a network clock may step by a second
        ledger.append("note", {"a": "0" * 64}, [], {}, {}, at)
    with pytest.raises(BadInput, match="set the clock"):
        ledger.append("note", {"a": "0" * 64}, [], {}, {}, times[2])
    assert ledger.check() == []
    unguarded = Ledger(tmp_path / "l")
    unguarded.append("note", {"a": "0" * 64}, [], {}, {}, times[2], "tiny")
    (found,) = ledger.check()
    assert found.thing.startswith("l line 3")
    assert "backwards by 9 s" in found.explanation


# ---- roots


def rfc_6962(leaves: list[bytes]) -> bytes:
    """Section 2.1 as it stands there, recursively."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + rfc_6962(leaves[:split]) + rfc_6962(leaves[split:])).digest()


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=40))
def test_roots_are_those_of_rfc_6962(leaves: list[bytes]) -> None:
    digests = [leaf.hex() for leaf in leaves]
    assert merkle_root(digests) == rfc_6962(leaves).hex()
    assert list(merkle_roots(digests)) == [rfc_6962(leaves[: n + 1]).hex() for n in range(len(leaves))]


def test_the_empty_root() -> None:
    assert merkle_root([]) == EMPTY == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_root_anchors_the_lines_it_stood_for(finished: Finished) -> None:
    store = finished.store
    root = store.ledger.root()
    store.put_bytes("note", "note.txt", b"later")
    lines = store.ledger.lines()
    whole = check_anchor(lines, root[:16], {})
    assert whole.differences == ()
    assert whole.sentence.startswith(f"Anchored: the first {len(lines) - 1} statements")
    assert whole.sentence.endswith("1 was added later.")
    rebuild(store, None)
    (found,) = check_anchor(store.ledger.lines(), root, {}).differences
    assert "rebuilt" in found.explanation


def test_a_key_anchors_a_signed_audit(signed: Finished, key: SigningKey) -> None:
    held = check_anchor(signed.store.ledger.lines(), key.fingerprint.upper(), published(signed.home))
    assert held.differences == ()
    assert "signed each of the" in held.sentence


@pytest.mark.parametrize("anchor", ["", "abc", "zz" * 16, "f" * 65])
def test_what_is_no_anchor_is_refused(finished: Finished, anchor: str) -> None:
    with pytest.raises(BadInput, match="expected a ledger root"):
        check_anchor(finished.store.ledger.lines(), anchor, {})


# ---- persons


def test_a_signed_audit_takes_a_persons_own_key_and_no_unsigned_hand(
    signed: Finished, key: SigningKey, tmp_path: Path
) -> None:
    """The audit's key vouches for the audit, a person's for a sign-off; each anchor still holds."""
    person = make_key(tmp_path / "person", None)
    store = open_audit(signed.home, signed.audit_id, key=person)
    files = {"documents/eu.pdf": store.subjects()["documents/eu.pdf"].subjects["documents/eu.pdf"]}
    sign_off(store, "eu", files, "QA", "reviewed", "R. Reviewer", False)
    assert differences(signed) == []
    with pytest.raises(BadInput, match="is signed by key"):
        open_audit(signed.home, signed.audit_id).put_bytes("figure", "figures/later.svg", b"<svg/>")
    lines = store.ledger.lines()
    assert check_anchor(lines, key.fingerprint, published(signed.home)).differences == ()
    assert check_anchor(lines, person.fingerprint, published(signed.home)).differences
    assert person.fingerprint[:16] not in store.ledger.signature_status()
