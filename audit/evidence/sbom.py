"""The bill of materials of one audit (CycloneDX 1.6, JSON): packages of the pass, audited versions, validation sets.

Written from what the audit holds and what is installed, so that the same pass in the same environment gives the same
bytes: the serial number is derived from the audit, the time is that of the pass. ``audit verify`` holds it against the
list of packages and the lock. Sources: ECMA-424 (CycloneDX 1.6); purl specification, type pypi; PEP 376 and 627
(RECORD); PEP 639 (License-Expression).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import Distribution, PackageMetadata
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from audit.evidence.difference import Difference
from audit.evidence.locks import read_lock
from audit.evidence.packages import KEY, Package, installed, normalised, packages_file
from audit.evidence.statements import MISSHAPEN, sha256
from audit.evidence.store import AuditStore
from audit.records import BadInput, Statement

KIND, FILE, FORMAT = "sbom", "sbom.cdx.json", "CycloneDX 1.6"
PACKAGE, MODEL, DATA = "library", "machine-learning-model", "data"
LONGEST_LICENCE = 200
SUITE = "imaging-audit"


@dataclass(frozen=True, slots=True)
class Materials:
    """What a bill lists besides packages. ``facts``: the pass's producer; ``models``: model.json; ``files``: role ->
    file -> digest as locked; ``sets``: set.json's; ``at``: the time of the pass (UTC, ISO 8601)."""

    audit_id: str
    facts: Mapping[str, Any]
    models: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, Mapping[str, str]]
    sets: Iterable[Mapping[str, Any]]
    at: str


def state_sbom(store: AuditStore) -> Statement:
    """Writes and states the bill of the pass that has just stated its environment, unless it stands already."""
    passes = store.statements("environment")
    here = [one for one in passes if one.producer.get(KEY) == passes[-1].producer.get(KEY)]
    data = sbom_bytes(
        Materials(
            store.audit_id,
            passes[-1].producer,
            json.loads(store.read_bytes("model.json")),
            read_lock(store).models,
            json.loads(store.read_bytes("set.json"))["sets"],
            here[0].created,
        ),
        installed().values(),
    )
    known = store.subjects().get(FILE)
    if known is not None and known.subjects[FILE] == sha256(data) and store.has(FILE):
        return known
    made_from = [one for one in (store.latest(kind) for kind in ("environment", "model", "set")) if one]
    body = {"format": FORMAT, "components": len(json.loads(data)["components"])}
    return store.put_bytes(KIND, FILE, data, made_from, body)


def sbom_bytes(materials: Materials, packages: Iterable[Package]) -> bytes:
    """The bill; the same arguments give the same bytes."""
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.output.json import JsonV1Dot6

    components = [*map(_package, packages), *_system(materials.facts)]
    components += [_model(role, each, materials.files[role]) for role, each in materials.models.items()]
    components += [_data(each) for each in materials.sets]
    name = f"urn:imaging-audit:sbom:{materials.audit_id}:{materials.facts.get(KEY)}"
    bom = Bom(
        components=components,
        serial_number=uuid5(NAMESPACE_URL, name),
        metadata=BomMetaData(component=_subject(materials), timestamp=datetime.fromisoformat(materials.at)),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no graph of who needs whom: pip resolved it, the bill tells what was there
        return (JsonV1Dot6(bom).output_as_string(indent=1) + "\n").encode()


def _subject(materials: Materials) -> Any:
    from cyclonedx.model.component import Component, ComponentType

    facts = materials.facts
    known = {"commit": facts.get("commit"), "dirty": facts.get("dirty"), "audit": materials.audit_id}
    return Component(
        name=SUITE, version=facts.get("version"), type=ComponentType.APPLICATION, bom_ref=SUITE,
        properties=_properties({key: str(value).lower() for key, value in known.items() if value is not None}),
    )  # fmt: skip


def _package(each: Package) -> Any:
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    purl = PackageURL("pypi", name=each.name, version=each.version)
    return Component(
        name=each.name, version=each.version, type=ComponentType.LIBRARY, purl=purl, bom_ref=purl.to_string(),
        licenses=_licences(each.facts), external_references=list(_record(each.distribution)),
    )  # fmt: skip


def _record(each: Distribution) -> Iterator[Any]:
    """The installed RECORD by its digest: it holds the SHA-256 of every installed file of the package."""
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri

    text = each.read_text("RECORD")
    if text is not None:
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=sha256(text.encode()))]
        comment = "RECORD of the installed package: SHA-256 of every file of it"
        yield ExternalReference(type=ExternalReferenceType.OTHER, url=XsUri("RECORD"), comment=comment, hashes=hashes)


def _licences(facts: PackageMetadata) -> list[Any]:
    """The SPDX expression, else the name as declared, else the classifiers' names; none where nothing is declared."""
    from cyclonedx.contrib.license.factories import LicenseFactory

    make, declared = LicenseFactory(), _fact(facts, "License-Expression") or _fact(facts, "License")
    if declared and "\n" not in declared and len(declared) <= LONGEST_LICENCE:  # else the licence's whole text
        return [make.make_from_string(declared)]
    classified = [one for one in facts.get_all("Classifier") or [] if one.startswith("License ::")]
    return [make.make_with_name(name) for name in sorted({one.rpartition(" :: ")[2] for one in classified})]


def _fact(facts: PackageMetadata, name: str) -> str:
    return str(facts[name]).strip() if name in facts else ""


def _system(facts: Mapping[str, Any]) -> list[Any]:
    from cyclonedx.model.component import Component, ComponentType

    python, system = str(facts.get("python")), str(facts.get("platform"))
    return [
        Component(name="Python", version=python, type=ComponentType.PLATFORM, bom_ref=f"python@{python}"),
        Component(name=system, type=ComponentType.OPERATING_SYSTEM, bom_ref=f"system:{system}"),
    ]


def _model(role: str, facts: Mapping[str, Any], files: Mapping[str, str]) -> Any:
    from cyclonedx.model.component import Component, ComponentType

    known = {"role": role, "format": facts["kind"], "training_set_sha256": facts.get("training_set_digest")}
    parts = [
        Component(name=name, type=ComponentType.FILE, bom_ref=f"model:{role}/{name}", hashes=[_sha256(digest)])
        for name, digest in files.items()
    ]
    return Component(
        name=facts["name"], version=str(facts["version"]), type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=f"model:{role}", components=parts, properties=_properties(known),
    )  # fmt: skip


def _data(stated: Mapping[str, Any]) -> Any:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model.component import Component, ComponentType

    facts = stated["facts"]
    covers = "set.yaml, manifest and the digests of images and masks that it declares"
    return Component(
        name=stated["name"], version=str(facts["version"]), type=ComponentType.DATA, bom_ref=f"set:{stated['name']}",
        hashes=[_sha256(stated["sha256"])], licenses=[LicenseFactory().make_from_string(facts["licence"])],
        properties=_properties({"digest_covers": covers}),
    )  # fmt: skip


def _sha256(digest: str) -> Any:
    from cyclonedx.model import HashAlgorithm, HashType

    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _properties(known: Mapping[str, str | None]) -> list[Any]:
    from cyclonedx.model import Property

    return [Property(name=f"{SUITE}:{key}", value=value) for key, value in known.items() if value is not None]


def check_sbom(store: AuditStore) -> Iterator[Difference]:
    """What the bill says and the audit does not: packages against their list, model files and sets against the lock.

    Nothing for an audit without a bill; one whose file is not the stated one is named by its digest already.
    """
    stated = store.subjects().get(FILE)
    if stated is None:
        return
    try:
        listed = _listed(json.loads(store.read_bytes(FILE))["components"])
        expected = _expected(store, stated)
    except (BadInput, *MISSHAPEN) as error:
        what = "The bill of materials, or what it is held against, cannot be read."
        yield Difference(FILE, f"a bill of materials ({FORMAT})", "not readable", f"{what} ({type(error).__name__})")
        return
    for name in sorted({*listed, *expected}):
        if listed.get(name) != expected.get(name):
            what = "The bill of materials does not say what the audit's evidence says."
            yield Difference(
                f"{FILE}: {name}", expected.get(name, "no such entry"), listed.get(name, "no such entry"), what
            )


def _listed(components: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in components:
        if each["type"] == PACKAGE:
            found[f"pkg:pypi/{normalised(each['name'])}"] = str(each["version"])
        elif each["type"] == MODEL:
            found |= {part["bom-ref"]: part["hashes"][0]["content"] for part in each.get("components", ())}
        elif each["type"] == DATA:
            found[each["bom-ref"]] = each["hashes"][0]["content"]
    return found


def _expected(store: AuditStore, stated: Statement) -> dict[str, str]:
    bound = read_lock(store)
    packages = json.loads(store.read_bytes(packages_file(str(stated.producer[KEY]))))
    return {
        **{f"pkg:pypi/{name}": version for name, version in packages.items()},
        **{f"model:{role}/{name}": digest for role, files in bound.models.items() for name, digest in files.items()},
        **{f"set:{name}": digest for name, digest in bound.sets.items()},
    }
