"""The bill of materials: valid CycloneDX 1.6, the same bytes twice, everything in it that was there."""

import json
from importlib.metadata import version
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from tiny_audit import AT, DIGEST, PRODUCER

from audit.evidence.packages import installed, normalised, packages_json
from audit.evidence.sbom import Materials, sbom_bytes

MATERIALS = Materials(
    "tiny-20260301-abcdef",
    {**PRODUCER, "packages": DIGEST},
    {"candidate": {"name": "finder", "version": "2", "kind": "mlflow", "training_set_digest": "cd" * 32}},
    {"candidate": {"data/model.pt2": DIGEST}},
    [{"name": "four", "sha256": DIGEST, "facts": {"version": "1", "licence": "made for tests"}}],
    AT,
)


@pytest.fixture(scope="module")
def bill() -> bytes:
    return sbom_bytes(MATERIALS, installed().values())


@pytest.fixture(scope="module")
def components(bill: bytes) -> dict[str, Any]:
    return {each["bom-ref"]: each for each in json.loads(bill)["components"]}


def test_it_is_what_the_standard_asks_for(bill: bytes) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill.decode()) is None
    broken = {**json.loads(bill), "serialNumber": "tiny"}
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(broken)) is not None


def test_the_same_pass_gives_the_same_bytes_and_another_another_number(bill: bytes) -> None:
    assert sbom_bytes(MATERIALS, installed().values()) == bill
    whole, other = json.loads(bill), json.loads(sbom_bytes(_of_audit("other-20260301-abcdef"), []))
    assert whole["metadata"]["timestamp"] == AT.replace(".000000", "")
    assert whole["serialNumber"].startswith("urn:uuid:")
    assert whole["serialNumber"] != other["serialNumber"]


def _of_audit(name: str) -> Materials:
    facts = {slot: getattr(MATERIALS, slot) for slot in Materials.__slots__}
    return Materials(**{**facts, "audit_id": name})


def test_every_installed_package_is_in_it_with_version_licence_and_record(components: dict[str, Any]) -> None:
    listed = {normalised(each["name"]): each for each in components.values() if each["type"] == "library"}
    assert {name: each["version"] for name, each in listed.items()} == json.loads(packages_json())
    torch = listed["torch"]
    assert torch["version"] == version("torch")
    assert torch["purl"] == "pkg:pypi/torch@" + version("torch").replace("+", "%2B")
    assert listed["pyyaml"]["licenses"] == [{"license": {"id": "MIT"}}]
    (record,) = torch["externalReferences"]
    assert len(record["hashes"][0]["content"]) == 64
    assert sum("licenses" in each for each in listed.values()) > 0.9 * len(listed)


def test_model_and_sets_are_components_of_their_own_kind(components: dict[str, Any]) -> None:
    model, data = components["model:candidate"], components["set:four"]
    assert (model["type"], model["name"], model["version"]) == ("machine-learning-model", "finder", "2")
    assert model["components"][0]["hashes"] == [{"alg": "SHA-256", "content": DIGEST}]
    assert {"name": "imaging-audit:training_set_sha256", "value": "cd" * 32} in model["properties"]
    assert (data["type"], data["hashes"][0]["content"]) == ("data", DIGEST)
    assert data["licenses"] == [{"license": {"name": "made for tests"}}]


@pytest.mark.parametrize(("name", "expected"), [("Flask_WTF", "flask-wtf"), ("zope.interface", "zope-interface")])
def test_names_are_compared_as_indexes_do(name: str, expected: str) -> None:
    assert normalised(name) == expected
