"""``audit verify`` names a statement that does not fit the schema of its kind, with the place in it."""

import json
from dataclasses import replace
from importlib.metadata import version

from small_audit import Small

from audit.evidence.ledger import Ledger
from audit.evidence.packages import check_packages
from audit.evidence.producer import producer
from audit.evidence.register import register_of
from audit.evidence.sbom import check_sbom
from audit.tabulating import stored_plan


def test_a_statement_that_does_not_fit_is_named_with_its_place(small: Small) -> None:
    """Somebody who can write states a product of his own: the chain holds, the form does not."""
    store = small.store
    like = store.latest("estimates")
    assert like is not None
    body = {**like.body, "rows": "many"}
    Ledger(store.ledger.path, store.audit_id).append(
        like.kind, like.subjects, like.inputs, body, like.producer, store.clock()
    )
    store.anchor()
    checked = small.verify()
    assert checked.code == 1
    (found,) = checked.json["differences"]
    assert found["thing"].endswith("(estimates: tables/estimates.parquet), /predicate/body/rows")
    assert (found["expected"], found["found"]) == ("integer", '"many"')


def test_packages_are_listed_once_and_named_by_every_statement(small: Small) -> None:
    """Lock, run and dossier were made here: one list, which each producer names."""
    statements = small.store.statements()
    (listed,) = [one for one in statements if one.kind == "packages"]
    ((name, digest),) = listed.subjects.items()
    assert statements[0] == listed
    assert {one.producer["packages"] for one in statements} == {digest}
    assert json.loads(small.store.read_bytes(name))["torch"] == version("torch")


def test_the_producer_is_complete_in_every_statement(small: Small) -> None:
    keys = {*producer()}
    for ledger in (small.store.ledger, register_of(small.home)):
        for one in ledger.read():
            assert set(one.producer) == keys
    made = small.store.latest("estimates")
    assert made is not None
    assert made.producer["determinism"]["seed"] == stored_plan(small.store).seed
    assert made.producer["determinism"]["deterministic_algorithms"] is True
    assert made.producer["torch"]["threads"] >= 1


def test_a_producer_without_its_list_is_named(small: Small) -> None:
    small.store.put_bytes("device", "device.yaml", b"{}\n")
    forged = replace(small.store, producer={**small.store.producer, "packages": "0" * 64})
    forged.put_bytes("device", "device.yaml", b"{}\n")
    (found,) = check_packages(small.store)
    assert "packages of its producer" in found.thing
    assert found.found == f"SHA-256 {'0' * 64}"


def test_the_bill_of_materials_is_stated_and_held_against_the_evidence(small: Small) -> None:
    store = small.store
    assert list(check_sbom(store)) == []
    bill = json.loads(store.read_bytes("sbom.cdx.json"))
    assert {"data", "library", "machine-learning-model"} <= {each["type"] for each in bill["components"]}
    for each in bill["components"]:
        if each["name"] == "torch":
            each["version"] = "1.0"
        if each["type"] == "data":
            each["hashes"][0]["content"] = "0" * 64
    store.put_bytes(
        "sbom", "sbom.cdx.json", json.dumps(bill).encode(), [], {"format": "CycloneDX 1.6", "components": 9}
    )
    things = [each["thing"] for each in small.verify().json["differences"]]
    assert things == ["sbom.cdx.json: pkg:pypi/torch", "sbom.cdx.json: set:scores"]
