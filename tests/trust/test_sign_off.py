"""Signing a document: bound to its bytes, told from a forgery, kept when revoked; two pairs of eyes."""

import datetime
import io
from pathlib import Path

import pypdfium2
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID
from small_audit import DEVICE, Small, audit

from audit.documents.signing import sign, take_back, target_of
from audit.evidence.keys import SigningKey, make_key
from audit.evidence.signoffs import sign_offs
from audit.evidence.store import open_audit
from audit.records import BadInput


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two private keys, of an author and of an approver."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("author", "approver"):
        make_key(folder / name, None)
    return folder / "author", folder / "approver"


def signed(
    small: Small, key: Path | None, meaning: str = "approved", name: str = "A. Approver", what: object = "summary"
):
    words = ("--role", "Head of validation", "--meaning", meaning, "--name", name, "--home", small.home, "--json")
    return audit("sign", what, *words, *(("--key", key) if key else ()))


def words_of(path: Path) -> str:
    document = pypdfium2.PdfDocument(path)
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in document)


def test_a_signature_is_bound_to_bytes_and_leaves_them_alone(small: Small, keys: tuple[Path, Path]) -> None:
    before = {path.name: path.read_bytes() for path in small.documents.iterdir()}
    done = signed(small, keys[0])
    assert done.code == 0, done.err
    assert {path.name: path.read_bytes() for path in small.documents.iterdir()} == before
    (one,) = sign_offs(small.store)
    assert (one.role, one.meaning, one.name, one.state) == ("Head of validation", "approved", "A. Approver", "valid")
    assert set(one.files) == {f"documents/summary.{kind}" for kind in ("pdf", "docx", "json", "html")}
    page = words_of(Path(done.json["page"]))
    for words in ("A. Approver", "Head of validation", "approved", one.at[:10], one.key[:16], *one.files.values()):
        assert words.replace(" ", "") in page.replace(" ", "")
    checked = small.verify(small.documents / "summary.pdf")
    assert checked.code == 0
    assert [each["name"] for each in checked.json["sign_offs"]] == ["A. Approver"]
    whole = small.verify()
    assert whole.code == 0, whole.out
    assert "summary approved by A. Approver" in whole.json["done"]


def test_an_unsigned_audit_stays_one_that_anybody_may_continue(small: Small, keys: tuple[Path, Path]) -> None:
    assert signed(small, keys[0]).code == 0
    small.build("report")
    assert small.store.ledger.signature_status() == "unsigned"
    assert small.verify().code == 0


def test_a_replaced_document_carries_no_signature_and_lists_the_old_one(small: Small, keys: tuple[Path, Path]) -> None:
    signed(small, keys[0])
    small.build("summary", at="2026-03-09T10:00:00Z")
    assert [one.state for one in sign_offs(small.store)] == ["replaced"]
    listed = audit("list", "--signatures", "--home", small.home).out
    assert "the document was replaced since" in listed
    assert "Signatures of earlier versions" in words_of(small.documents / "summary.pdf")


def test_a_revoked_signature_stays_on_record(small: Small, keys: tuple[Path, Path]) -> None:
    stated = signed(small, keys[0]).json["sign_off"]
    call = ("revoke", stated[:12], "--home", small.home, "--name", "A. Approver")
    assert "needs --reason" in audit(*call).err
    assert "revoke it with --key" in audit(*call, "--reason", "wrong version").err
    done = audit(*call, "--reason", "wrong version", "--key", keys[0], "--json")
    assert done.code == 0, done.err
    (one,) = sign_offs(small.store)
    assert one.state == "revoked"
    assert "by A. Approver: wrong version" in one.note
    assert "wrong version" in words_of(Path(done.json["page"]))
    assert "is revoked already" in audit(*call, "--reason", "again", "--key", keys[0]).err
    assert small.verify(small.documents / "summary.pdf").json["sign_offs"][0]["state"] == "revoked"
    assert signed(small, keys[0]).code == 0, "after a revocation it may be signed again"


def test_what_cannot_be_signed(small: Small, keys: tuple[Path, Path], tmp_path: Path) -> None:
    assert "meaning 'liked' is unknown" in signed(small, keys[0], "liked").err
    assert "printed name" in signed(small, keys[0], name=" ").err
    assert signed(small, keys[0]).code == 0
    assert "has signed summary as approved already" in signed(small, keys[0], name="a.  approver").err
    copied = tmp_path / "summary.pdf"
    copied.write_bytes((small.documents / "summary.pdf").read_bytes() + b"\n")
    assert "not the delivered file" in signed(small, keys[0], what=copied).err
    (small.documents / "report.pdf").write_bytes(b"%PDF-1.4 other")
    assert "run 'audit verify' first" in signed(small, keys[0], what="report").err


def with_four_eyes(small: Small) -> None:
    path = small.folder / "device.yaml"
    path.write_text(yaml.safe_dump({**DEVICE, "four_eyes": True}), encoding="utf-8")
    small.store.put_bytes("device", "device.yaml", path.read_bytes())


def test_four_eyes(small: Small, keys: tuple[Path, Path]) -> None:
    with_four_eyes(small)
    author, approver = keys
    assert "sign with --key" in signed(small, None, "authored", "An Author").err
    assert "author signs first" in signed(small, approver).err
    assert signed(small, author, "authored", "An Author").code == 0
    assert "the name of An Author" in signed(small, approver, "approved", "an author").err
    assert "the key of An Author" in signed(small, author, "approved", "A. Approver").err
    assert signed(small, approver).code == 0
    assert "the key of A. Approver" in signed(small, approver, "authored", "A. Approver").err
    assert "ask for four eyes" in words_of(small.store.folder / "signatures" / "summary.pdf")
    assert small.verify().code == 0


def opened(small: Small, key: SigningKey):
    return open_audit(small.home, small.audit_id, key=key)


def test_forged_sign_offs_are_named(small: Small, keys: tuple[Path, Path], tmp_path: Path) -> None:
    key = make_key(tmp_path / "k", None)
    store = opened(small, key)
    target = target_of("summary", small.home, None, key)
    body = {"document": "summary", "role": "r", "meaning": "authored", "name": "N", "key": key.fingerprint}
    body |= {"four_eyes": True, "ledger_root": "0" * 64}
    files = {f"signed:{name}": digest for name, digest in target.files.items()}
    store.state_that("signed off", files, [], body)
    store.state_that("signed off", files, [], {**body, "meaning": "approved"})
    store.state_that("signed off", {"signed:documents/summary.pdf": "1" * 64}, [], {**body, "name": "M"})
    store.state_that("signed off", files, [], {**body, "name": "O", "key": "2" * 64})
    store.state_that("signed off", files, [], {"nothing": "of this"})
    said = [each["explanation"] for each in small.verify().json["differences"]]
    for words in (
        "one person signed as author",
        "bytes that this audit never delivered",
        "a key that has not signed it",
    ):
        assert any(words in each for each in said), (words, said)


def test_a_whole_audit_is_signed(small: Small, keys: tuple[Path, Path]) -> None:
    done = signed(small, keys[0], what=small.audit_id)
    assert done.json["document"] == "audit"
    (one,) = sign_offs(small.store)
    assert len(one.files) == 8
    small.build("report", at="2026-03-09T10:00:00Z")
    assert sign_offs(small.store)[0].state == "replaced"


def test_a_copy_with_a_signature_inside(small: Small, keys: tuple[Path, Path], tmp_path: Path) -> None:
    pytest.importorskip("pyhanko", reason="the extra 'pdfsign' is not installed")
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    words = ("--role", "QA", "--meaning", "approved", "--name", "A. Approver", "--home", small.home)
    path = tmp_path / "signed.pdf"
    assert "--pdf needs a key" in audit("sign", "summary", *words, "--pdf", path).err
    done = audit("sign", "summary", *words, "--key", keys[0], "--pdf", path)
    assert done.code == 0, done.err
    delivered = (small.documents / "summary.pdf").read_bytes()
    assert path.read_bytes().startswith(delivered)
    (inside,) = PdfFileReader(io.BytesIO(path.read_bytes())).embedded_signatures
    trusted = ValidationContext(trust_roots=[inside.signer_cert], allow_fetching=False)
    status = validate_pdf_signature(inside, trusted)
    assert status.intact
    assert status.valid
    assert inside.sig_object["/Name"] == "A. Approver"
    assert inside.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert "exists already" in audit("sign", "report", *words, "--key", keys[0], "--pdf", path).err


@pytest.fixture(scope="module")
def organisation(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A signer's PKCS #12 file (passphrase 'open'), under a root whose certificate (DER) a reader would trust."""
    at, day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.timedelta(days=1)
    root_key, own_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in ("Example root", "Example quality")]
    made = []
    for subject, key, authority in ((names[0], root_key, True), (names[1], own_key, False)):
        usage = x509.KeyUsage(not authority, not authority, False, False, False, authority, authority, False, False)
        made.append(
            x509.CertificateBuilder(names[0], subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at)
            .not_valid_after(at + 3650 * day)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(usage, critical=True)
            .sign(root_key, hashes.SHA256())
        )
    path = tmp_path_factory.mktemp("organisation") / "quality.p12"
    sealed = BestAvailableEncryption(b"open")
    path.write_bytes(pkcs12.serialize_key_and_certificates(b"quality", own_key, made[1], [made[0]], sealed))
    return path, made[0].public_bytes(Encoding.DER)


def test_a_copy_signed_by_an_organisations_certificate(
    small: Small, organisation: tuple[Path, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyhanko", reason="the extra 'pdfsign' is not installed")
    from asn1crypto.x509 import Certificate
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    certificate, root = organisation
    path = tmp_path / "signed.pdf"
    words = ("--role", "QA", "--meaning", "approved", "--name", "A. Approver", "--home", small.home, "--pdf", path)
    for given, passphrase in ((certificate, "wrong"), (small.documents / "summary.pdf", "open")):
        monkeypatch.setenv("AUDIT_KEY_PASSPHRASE", passphrase)
        refused = audit("sign", "summary", *words, "--certificate", given)
        assert refused.code == 2, refused.out
        assert "no PKCS #12 file that can be opened" in " ".join(refused.err.split())
        assert "Traceback" not in refused.err
        assert not path.exists()
        assert sign_offs(small.store) == [], "nothing is signed by half"
    monkeypatch.setenv("AUDIT_KEY_PASSPHRASE", "open")
    done = audit("sign", "summary", *words, "--certificate", certificate)
    assert done.code == 0, done.err
    assert path.read_bytes().startswith((small.documents / "summary.pdf").read_bytes())
    (inside,) = PdfFileReader(io.BytesIO(path.read_bytes())).embedded_signatures
    assert inside.signer_cert.subject.native["common_name"] == "Example quality"
    trusted = ValidationContext(trust_roots=[Certificate.load(root)], allow_fetching=False)
    status = validate_pdf_signature(inside, trusted)
    assert (status.intact, status.valid, status.trusted) == (True, True, True)
    assert inside.sig_object["/Reason"] == "approved"
    stranger = validate_pdf_signature(inside, ValidationContext(trust_roots=[], allow_fetching=False))
    assert (stranger.intact, stranger.trusted) == (True, False)
    edited = path.read_bytes().replace(b"/Type", b"/typE", 1)
    (broken,) = PdfFileReader(io.BytesIO(edited)).embedded_signatures
    assert not validate_pdf_signature(broken, trusted).intact


def test_signing_by_hand_in_code(small: Small, keys: tuple[Path, Path]) -> None:
    """The functions behind the commands say the same."""
    with pytest.raises(BadInput, match="has such a sign-off"):
        take_back(small.home, None, "0" * 12, "why", "who", None)
    target = target_of("summary", small.home, small.audit_id, None)
    stated, _ = sign(target, "QA", "reviewed", "R. Reviewer")
    assert sign_offs(small.store)[0].key is None
    take_back(small.home, small.audit_id, stated.id, "typed by mistake", "R. Reviewer", None)
    assert sign_offs(small.store)[0].state == "revoked"
