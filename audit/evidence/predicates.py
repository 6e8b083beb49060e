"""What a statement of each kind must hold: one JSON Schema (draft 2020-12) per predicate type, in ``schemas/``.

``statement.json`` and ``producer.json`` describe what all have in common; the schema of a kind says what its subjects
are called and what its body holds. Its ``$id`` is the predicate type, so that a reader of one statement finds it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator, Registry, ValidationError

from audit.evidence.chain import Line, describe
from audit.evidence.difference import Difference

FOLDER = Path(__file__).resolve().parent / "schemas"
SHARED = ("statement", "producer")
"""Schemas that others refer to; every other file describes one kind."""
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Misfit:
    """What does not fit: the place in the statement (JSON pointer, RFC 6901), what the schema expects there, what
    stands there."""

    pointer: str
    expected: str
    found: str


@cache
def schemas() -> dict[str, dict[str, Any]]:
    """Predicate type -> the schema of a whole statement (the in-toto payload) of that type; the shared ones too."""
    read = (json.loads(path.read_bytes()) for path in sorted(FOLDER.glob("*.json")))
    return {each["$id"]: each for each in read}


@cache
def _validators() -> dict[str, Draft202012Validator]:
    known = schemas()
    registry = Registry(list(known.items()))
    return {type_: Draft202012Validator(schema, registry=registry) for type_, schema in known.items()}


def misfits(statement: dict[str, Any]) -> list[Misfit]:
    """Everything in a statement (its payload, parsed) that the schema of its predicate type does not allow."""
    type_ = str(statement.get("predicateType"))
    known = _validators().get(type_)
    if known is None:
        return [Misfit("/predicateType", "a predicate type that this version knows", _shown(type_))]
    return [misfit(error) for error in known.iter_errors(statement)]


def check_statements(name: str, lines: Sequence[Line]) -> list[Difference]:
    """Statements of a ledger that do not fit the schema of their kind; the first 20 are listed."""
    found = list(_differences(name, lines))
    rest = len(found) - SHOWN
    if rest <= 0:
        return found
    more = Difference(name, "statements that fit their schemas", f"{rest} more misfits", "Only the first are listed.")
    return [*found[:SHOWN], more]


def _differences(name: str, lines: Sequence[Line]) -> Iterator[Difference]:
    for number, line in enumerate(lines, 1):
        if line.read is None:
            continue
        for each in misfits(json.loads(line.read.envelope.payload)):
            place = f"{name} line {number} ({describe(line)}), {each.pointer}"
            what = "The statement does not fit the schema of its kind: it was not written by this suite as it stands."
            yield Difference(place, each.expected, each.found, what)


def misfit(error: ValidationError) -> Misfit:
    """What a validator found, in our words."""
    pointer, what, asked = _pointer(error.instance_path), error.kind.name, error.kind.as_dict()
    if what == "required":
        return Misfit(f"{pointer}/{_escaped(asked['property'])}", "this key", "no such key")
    if what == "additionalProperties":
        odd, given = asked["unexpected"][0], error.instance
        found = _shown(given[odd]) if isinstance(given, dict) else _shown(given)
        return Misfit(f"{pointer}/{_escaped(odd)}", "no such key", found)
    return Misfit(pointer or "/", _expected(what, asked, error.message), _shown(error.instance))


def _expected(what: str, asked: dict[str, Any], message: str) -> str:
    if what == "type":
        return " or ".join(asked["types"])
    if what == "const":
        return _shown(asked["expected_value"])
    if what == "enum":
        return f"one of {_shown(asked['options'])}"
    return f"text like {asked['pattern']}" if what == "pattern" else message


def _pointer(path: Sequence[str | int]) -> str:
    return "".join(f"/{_escaped(part)}" for part in path)


def _escaped(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."
