"""The schema of each predicate type: strict, one for each kind that is written, and it refuses what does not belong."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema_rs import meta
from tiny_audit import DIGEST, PRODUCER

from audit import decision_tables, tables
from audit.evidence.ledger import Ledger
from audit.evidence.predicates import FOLDER, SHARED, check_statements, misfits, schemas
from audit.evidence.register import ENDS, LOCKS, SHOWN
from audit.evidence.statements import predicate_type, write_payload
from audit.tables import Table

AT = "2026-03-01T08:00:00.000000+00:00"
PACKAGE = FOLDER.parents[1]
KINDS = sorted(str(each["title"]) for each in schemas().values() if each["title"] not in SHARED)
BOUND = {"plan": "tiny", "plan_sha256": DIGEST, "sets": {"s": DIGEST}, "models": {"candidate": {"f": DIGEST}}}
BOUND |= {"mode": "confirmatory", "reason": "Locked.", "who": None, "at": AT, "amends": None}
EVENT = {"run_id": "0" * 32, "plan": "tiny", "sets": {"s": DIGEST}, "models": {"candidate": {"f": DIGEST}}}
EVENT |= {"who": "A", "note": None, "head": [3, DIGEST]}
SIGNED = {"document": "eu", "role": "QA", "meaning": "reviewed", "name": "R", "key": None, "four_eyes": False}
CHANGED = {"kind": "estimates", "pointer": "/e/value", "before": "0.9", "after": "0.8"}

BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "start": ("start.json", BOUND),
    "lock": ("plan:sha256", EVENT | {"event": "lock"}),
    "amended": ("plan:successor", {"audit": "a", "reason": "r", "who": None}),
    "repair": ("ledger:torn-tail", {"reason": "torn", "bytes": "e30="}),
    "shard": ("shards/00000.parquet", {"shard": 0, "rows": 4}),
    "case shown": ("plan:sha256", {k: v for k, v in EVENT.items() if k not in ("models", "note", "head")}
                   | {"event": "case shown", "role": "assessment", "purpose": "in a bundle", "cases": [DIGEST]}),
    "document": ("documents/eu.pdf", {"document": "eu", "results": 3}),
    "acknowledged": ("replaced:documents/eu.json", {
        "document": "eu", "replaces": DIGEST, "reason": "r", "who": "A", "count": 1, "changed": [CHANGED]}),
    "timestamp": ("timestamps/001.tsr", {"statements": 9, "at": AT, "who": "A"}),
    "reproduction": ("reproductions/001.json", {"reproduced": True, "who": "A"}),
    "signed off": ("signed:documents/eu.pdf", SIGNED | {"ledger_root": DIGEST}),
    "erased": (
        "tables/cases.parquet",
        {
            "patients": 1, "cases": 2, "partly": False, "reason": "r", "by": "B",
            "files": {"tables/cases.parquet": {"before": DIGEST, "after": DIGEST, "rows": 2}},
            "removed": {"documents/eu.pdf": DIGEST},
        },
    ),
    "revoked": ("signoff:revoked", {"sign_off": DIGEST, "document": "eu", "reason": "r", "name": "R", "key": DIGEST}),
    "signature page": ("signatures/eu.pdf", {"document": "eu"}),
    "recorded": ("recorded/candidate.parquet", {}),
    "recorded marks": ("marks/candidate.parquet", {}),
    "reference masks": ("references/outline.npz", {}),
    "explanations": ("tables/explanations.parquet", {}),
    "marked maps": ("explanations/marked/candidate/c1.png", {}),
    "device": ("device.yaml", {}),
    "prose": ("prose/what.md", {"author": "A", "date": "2026-03-01", "clauses": ["claim.5"]}),
    "handed back": ("handed back:eu.docx", {"document": "eu", "by": "A", "date": "2026-03-01", "texts": [
        {"requirement": "claim.5", "file": "prose/what.md", "before": DIGEST, "after": DIGEST}]}),
    "exported": ("export:estimates.csv", {"rows": 4, "withheld": 0, "role": "", "who": "A"}),
    "packages": (f"packages/{DIGEST}.json", {}),
    "sbom": ("sbom.cdx.json", {"format": "CycloneDX 1.6", "components": 3}),
    **{name: (f"{name}.json", {}) for name in ("set", "model", "environment", "determinism", "findings", "registry")},
    **{name: (f"tables/{name}.parquet", {}) for name in ("cases", "references", "lesions")},
    **{name: ("plan:sha256", EVENT | {"event": name}) for name in ("amend", "run started", *ENDS)},
}  # fmt: skip


def example(kind: str) -> dict[str, Any]:
    """A statement of ``kind`` as the suite writes it; a table's where nothing else is said."""
    subject, body = BODIES.get(kind, (f"tables/{kind}.parquet", {"table": kind, "rows": 4}))
    payload = write_payload(kind, {subject: DIGEST}, [DIGEST], body, PRODUCER, AT, "tiny-20260301-abcdef")
    whole: dict[str, Any] = json.loads(payload)
    return whole


def pointers(statement: dict[str, Any]) -> list[str]:
    return [each.pointer for each in misfits(statement)]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: str(path.stem))
def test_each_schema_is_one_and_is_named_after_its_type(path: Path) -> None:
    schema = json.loads(path.read_bytes())
    assert meta.is_valid(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    shared = path.stem in SHARED
    assert schema["$id"] == (f"urn:imaging-audit:{path.stem}" if shared else predicate_type(schema["title"]))
    assert path.stem == schema["title"].replace(" ", "-")
    assert schema["description"]


def test_every_kind_that_is_written_has_a_schema() -> None:
    """Kinds as they stand in the code: literals and constants given to what states them, and the tables' names."""
    known = {one.name for one in (*vars(tables).values(), *vars(decision_tables).values()) if isinstance(one, Table)}
    assert set(KINDS) <= written() | known
    assert written() <= set(KINDS)


STATING = ("put_bytes", "put_files", "state_that", "ledger.append", "_once", "state_binding", "write_payload", "enter")
TABLING = ("put_table", "stated")


def written() -> set[str]:
    """The kinds in calls of what states a product, and of ``put_table`` the table's name."""
    texts = {path: path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    found = {*LOCKS, *ENDS, SHOWN}
    for text in (text for text in texts.values() if any(f"{name}(" in text for name in (*STATING, *TABLING))):
        tree = ast.parse(text)
        constants = {**dict(_imported(tree)), **dict(_constants(tree))}
        for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call) and each.args):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            name = "ledger.append" if name == "append" else name
            if name in STATING and len(call.args) >= 2:
                second = isinstance(call.func, ast.Name) and name != "write_payload"  # f(store, kind, ...)
                found.add(_text(call.args[1 if second else 0], constants))
            if name in TABLING:
                found.add(_table(call.args[0]))
    return found - {""}


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for each in tree.body:
        if isinstance(each, ast.Assign):
            (target,) = each.targets
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = each.value.elts if isinstance(each.value, ast.Tuple) else [each.value]
            pairs = zip(names, values, strict=False)
            yield from ((n.id, v.value) for n, v in pairs if isinstance(n, ast.Name) and isinstance(v, ast.Constant))


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Names of constants (capitals) that come from another module of the package."""
    for each in ast.walk(tree):
        names = [one for one in each.names if one.name.isupper()] if isinstance(each, ast.ImportFrom) else []
        if names and str(each.module).startswith("audit."):  # type: ignore[attr-defined]
            path = PACKAGE.parent.joinpath(*str(each.module).split(".")).with_suffix(".py")  # type: ignore[attr-defined]
            known = dict(_constants(ast.parse(path.read_text(encoding="utf-8"))))
            yield from ((one.asname or one.name, known[one.name]) for one in names if one.name in known)


def _text(node: ast.expr, constants: dict[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Attribute):  # EXPLANATIONS.name
        return _table(node.value)
    return constants.get(node.id, "") if isinstance(node, ast.Name) else ""


def _table(node: ast.expr) -> str:
    known = {**vars(tables), **vars(decision_tables)}
    found = known.get(node.id) if isinstance(node, ast.Name) else None
    return found.name if isinstance(found, Table) else ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_statement_as_it_is_written_fits(kind: str) -> None:
    assert misfits(example(kind)) == []


def test_both_statements_of_a_lock_fit() -> None:
    """In the audit's ledger with its files, in the register as an event; each in its own place only."""
    lock, event = example("start"), example("lock")
    lock["predicateType"], lock["predicate"]["kind"] = predicate_type("lock"), "lock"
    lock["subject"][0]["name"] = "lock.json"
    assert misfits(lock) == misfits(event) == []
    del event["predicate"]["body"]["event"]
    assert "/predicate/body/mode" in pointers(event)


@pytest.mark.parametrize("kind", KINDS)
def test_each_schema_refuses_what_does_not_belong(kind: str) -> None:
    """A key too many, a key too few, another kind, another name, a digest that is none."""
    for key in example(kind)["predicate"]["body"]:
        short = example(kind)
        del short["predicate"]["body"][key]
        assert pointers(short), key  # a lock without its event is held to be the other form of a lock
    longer = example(kind)
    longer["predicate"]["body"]["rumour"] = "added"
    assert pointers(longer) == ["/predicate/body/rumour"]
    other = example(kind)
    other["predicate"]["kind"] = "something else"
    assert pointers(other) == ["/predicate/kind"]
    renamed = example(kind)
    renamed["subject"][0]["name"] = "../elsewhere"
    assert "/subject/0/name" in pointers(renamed)
    broken = example(kind)
    broken["subject"][0]["digest"]["sha256"] = DIGEST.upper()
    assert pointers(broken) == ["/subject/0/digest/sha256"]


SHARED_MISFITS = {
    "/predicate/created": ("yesterday", "text like"),
    "/predicate/audit": ("tiny", "text like"),
    "/predicate/inputs/0": ("abc", "text like"),
    "/predicate/producer/commit": ("main", "text like"),
    "/predicate/producer/dirty": ("no", "null or boolean"),
    "/predicate/producer/package": ("another", '"imaging-audit"'),
}


@pytest.mark.parametrize("pointer", SHARED_MISFITS)
def test_what_all_statements_share_is_held_too(pointer: str) -> None:
    value, expected = SHARED_MISFITS[pointer]
    whole: Any = example("findings")
    *way, last = pointer.split("/")[1:]
    place = whole
    for part in way:
        place = place[part]
    place[int(last) if isinstance(place, list) else last] = value
    (one,) = misfits(whole)
    assert one.pointer == pointer
    assert one.expected.startswith(expected)
    assert one.found == json.dumps(value)


def test_a_misfit_is_named_by_line_and_place_and_the_list_is_short(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl", "tiny-20260301-abcdef")
    ledger.append("findings", {"findings.json": DIGEST}, [], {}, PRODUCER, AT)
    for _ in range(25):
        ledger.append("findings", {"findings.json": DIGEST}, [], {"a/b": 1}, PRODUCER, AT)
    found = check_statements(ledger.path.name, ledger.lines())
    assert found[0].thing == "ledger.jsonl line 2 (findings: findings.json), /predicate/body/a~1b"
    assert (found[0].expected, found[0].found) == ("no such key", "1")
    assert len(found) == 21
    assert found[-1].found == "5 more misfits"


def test_a_kind_that_nobody_knows_is_named(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl", "tiny-20260301-abcdef")
    ledger.append("rumour", {"a": DIGEST}, [], {}, PRODUCER, AT)
    (found,) = check_statements(ledger.path.name, ledger.lines())
    assert "predicate type that this version knows" in found.expected
