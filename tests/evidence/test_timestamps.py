"""Time stamps by an authority made here with openssl: valid, by somebody else, over something else, damaged."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_audit import Finished

from audit.evidence.timestamps import read_certificates, read_token, request_for, stamped_size
from audit.evidence.verification import verify
from audit.records import BadInput
from audit.verifying.anchoring import anchored, ask, keep

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, which stamps, is absent")
CONFIG = """\
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[stamping]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/root.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass(frozen=True)
class Authority:
    """A time-stamping authority: a root, and a certificate for stamping under it."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "root.pem"

    def stamp(self, request: Path, answer: Path) -> Path:
        openssl("ts", "-reply", "-config", self.folder / "c", "-queryfile", request, "-out", answer)
        return answer


def openssl(*words: object) -> None:
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def authority(folder: Path, name: str) -> Authority:
    folder.mkdir()
    config = folder / "c"
    config.write_text(CONFIG.format(folder=folder, name=f"Root of {name}"))
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", config)
    openssl("req", "-x509", *key, "-keyout", folder / "root.key", "-out", folder / "root.pem", "-extensions", "root",
            "-days", "30")  # fmt: skip
    openssl("req", *key, "-keyout", folder / "tsa.key", "-out", folder / "tsa.csr", "-subj", f"/CN={name}")
    openssl("x509", "-req", "-in", folder / "tsa.csr", "-CA", folder / "root.pem", "-CAkey", folder / "root.key",
            "-CAcreateserial", "-out", folder / "tsa.pem", "-extfile", config, "-extensions", "stamping",
            "-days", "30")  # fmt: skip
    return Authority(folder)


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tsa") / "ours", "Time Stamping One")


@pytest.fixture(scope="session")
def others(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("tsa") / "others", "Time Stamping Two")


def stamped(audit: Finished, by: Authority, folder: Path) -> Path:
    ask(audit.store, folder / "ask.tsq")
    return by.stamp(folder / "ask.tsq", folder / "answer.tsr")


def test_a_stamp_anchors_the_ledger_up_to_its_root(finished: Finished, ours: Authority, tmp_path: Path) -> None:
    answer = stamped(finished, ours, tmp_path)
    finished.store.state_that("note", {"note:later": "0" * 64})
    held = anchored(finished.store, str(answer), ours.root)
    assert held.differences == ()
    assert held.sentence.startswith("Anchored: the first 7 statements")
    assert "1 was added later. It was stamped at 20" in held.sentence


def test_anybody_can_check_the_stamp_with_openssl(finished: Finished, ours: Authority, tmp_path: Path) -> None:
    answer = stamped(finished, ours, tmp_path)
    (tmp_path / "root").write_text(finished.store.ledger.root())
    openssl("ts", "-verify", "-data", tmp_path / "root", "-in", answer, "-CAfile", ours.root)


def test_the_same_root_gives_the_same_request_and_nothing_is_overwritten(finished: Finished, tmp_path: Path) -> None:
    asked = ask(finished.store, tmp_path / "a.tsq")
    assert (asked.root, asked.statements) == (finished.store.ledger.root(), 7)
    assert (tmp_path / "a.tsq").read_bytes() == request_for(asked.root)
    with pytest.raises(BadInput, match="exists already"):
        ask(finished.store, tmp_path / "a.tsq")


def test_a_stamp_by_somebody_else_is_named(
    finished: Finished, ours: Authority, others: Authority, tmp_path: Path
) -> None:
    (found,) = anchored(finished.store, str(stamped(finished, others, tmp_path)), ours.root).differences
    assert "not one by the authority that you hold" in found.explanation


def test_a_rebuilt_ledger_has_no_such_root(finished: Finished, ours: Authority, tmp_path: Path) -> None:
    answer, store = stamped(finished, ours, tmp_path), finished.store
    old = store.ledger.read()
    store.ledger.path.unlink()
    for one in old:
        store.ledger.append(one.kind, one.subjects, [], {**one.body, "edited": True}, one.producer, one.created)
    (found,) = anchored(store, str(answer), ours.root).differences
    assert found.found == "no such root"


@pytest.mark.parametrize("part", ["imprint", "time", "signature"])
def test_a_changed_stamp_never_passes(finished: Finished, ours: Authority, tmp_path: Path, part: str) -> None:
    answer = stamped(finished, ours, tmp_path)
    token, data = read_token(answer.read_bytes(), "answer.tsr"), bytearray(answer.read_bytes())
    time = token.at[:10].replace("-", "").encode()
    places = {"imprint": data.index(token.imprint), "time": data.index(time) + 3, "signature": len(data) - 3}
    data[places[part]] ^= 1
    answer.write_bytes(bytes(data))
    (found,) = anchored(finished.store, str(answer), ours.root).differences
    assert found.found == "not valid"


def test_a_stamp_is_kept_stated_and_checked_again(finished: Finished, ours: Authority, tmp_path: Path) -> None:
    answer = stamped(finished, ours, tmp_path)
    stated = keep(finished.store, answer, ours.root, "A. Assessor")
    assert (stated.kind, stated.body["statements"], list(stated.subjects)) == ("timestamp", 7, ["timestamps/001.tsr"])
    assert stated.inputs == (finished.store.statements()[6].id,)
    assert anchored(finished.store, None, ours.root).sentence.startswith("Anchored: the first 7 statements")
    assert verify(finished.store, lambda _: {}, finished.model_digests) == []
    assert "internally consistent only" in anchored(finished.store, None, None).sentence


def test_what_is_no_stamp_of_this_audit_is_not_kept(
    finished: Finished, ours: Authority, others: Authority, tmp_path: Path
) -> None:
    (tmp_path / "other.tsq").write_bytes(request_for("0" * 64))
    other = ours.stamp(tmp_path / "other.tsq", tmp_path / "other.tsr")
    with pytest.raises(BadInput, match="over no root of audit"):
        keep(finished.store, other, None, "")
    with pytest.raises(BadInput, match="not one by the authority"):
        keep(finished.store, stamped(finished, others, tmp_path), ours.root, "")
    (tmp_path / "x.tsr").write_bytes(b"no stamp")
    with pytest.raises(BadInput, match="no time stamp"):
        keep(finished.store, tmp_path / "x.tsr", None, "")
    with pytest.raises(BadInput, match="kept no time stamp"):
        anchored(finished.store, None, ours.root)
    with pytest.raises(BadInput, match="needs the certificate"):
        anchored(finished.store, str(other), None)


def test_a_refusal_of_the_authority_is_no_stamp(ours: Authority, tmp_path: Path) -> None:
    (tmp_path / "bad.tsq").write_bytes(b"no request")
    answer = ours.stamp(tmp_path / "bad.tsq", tmp_path / "bad.tsr")
    with pytest.raises(BadInput, match="no time stamp"):
        read_token(answer.read_bytes(), "bad.tsr")


def test_a_digest_of_another_kind_is_refused(ours: Authority, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("root")
    openssl("ts", "-query", "-data", tmp_path / "data", "-sha512", "-out", tmp_path / "q.tsq")
    answer = ours.stamp(tmp_path / "q.tsq", tmp_path / "q.tsr")
    with pytest.raises(BadInput, match="not over a SHA-256 digest"):
        read_token(answer.read_bytes(), "q.tsr")


def test_certificates_are_read_as_pem_and_der_or_refused(ours: Authority, tmp_path: Path) -> None:
    openssl("x509", "-in", ours.root, "-outform", "DER", "-out", tmp_path / "root.der")
    assert read_certificates(ours.root) == read_certificates(tmp_path / "root.der")
    (tmp_path / "x.pem").write_text("nothing")
    for bad, words in ((tmp_path / "x.pem", "no certificate"), (tmp_path / "absent", "cannot be read")):
        with pytest.raises(BadInput, match=words):
            read_certificates(bad)


def test_the_stamp_of_no_line_is_none(finished: Finished, ours: Authority, tmp_path: Path) -> None:
    token = read_token(stamped(finished, ours, tmp_path).read_bytes(), "answer.tsr")
    assert stamped_size(finished.store.ledger.lines(), token) == 7
    assert stamped_size([], token) is None
