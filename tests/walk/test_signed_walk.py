"""A walk signed from the lock to the dossier, as a newcomer would do it."""

from pathlib import Path

import pytest
from toy_walk import MAIN, QUICK, Walk, audit, write_plan

PASSPHRASE = "correct horse battery"


def test_signed_from_lock_to_dossier(fresh: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = tmp_path / "signing"
    write_plan(fresh.folder, **QUICK)
    assert audit("key", "new", key).code == 2, "no passphrase, no terminal"
    monkeypatch.setenv("AUDIT_KEY_PASSPHRASE", PASSPHRASE)
    made = audit("key", "new", key, "--json").json
    assert audit("key", "show", f"{key}.pub", "--json").json["fingerprint"] == made["fingerprint"]
    here = ("--home", fresh.home)
    assert audit("lock", fresh.plan, *here, "--key", key).code == 0
    unsigned = audit("run", fresh.plan, *here, "--device", "cpu")
    assert unsigned.code == 2
    assert "is signed by key" in unsigned.err
    assert audit("run", fresh.plan, *here, "--device", "cpu", "--key", key).code in (0, 1)
    documents = audit("dossier", *here, *MAIN, "--key", key, "--json").json["documents"]
    for anchor in (made["fingerprint"], f"{key}.pub"):
        held = audit("verify", *here, "--anchor", anchor)
        assert held.code == 0, held.out
        assert "signed each of the" in held.out
    assert audit("verify", *here, "--anchor", "0" * 64).code == 1
    without = audit("verify", *here)
    assert "internally consistent only" in without.out
    assert Path(documents[0]).exists()
