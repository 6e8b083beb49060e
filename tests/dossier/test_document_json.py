"""The documents' JSON: its packaged schema follows the content tree, every document follows it, one is kept whole."""

import copy
import json

import jsonschema
import pytest
from golden_document import FOLDER, PACKAGED, readable, the_document

from audit.dossier.building import default_templates, template_at
from audit.dossier.locating import Shared
from audit.dossier.resolve import resolve
from audit.dossier.schema import made_schema
from audit.dossier.serial import FORMAT, document_schema, to_json

VALID = jsonschema.Draft202012Validator(document_schema())
RENEW = "run `python tests/dossier/golden_document.py` and read the difference before keeping it"


def test_the_packaged_schema_is_that_of_the_content_tree() -> None:
    assert PACKAGED.read_text(encoding="utf-8") == readable(made_schema(FORMAT)), RENEW
    jsonschema.Draft202012Validator.check_schema(document_schema())


@pytest.fixture(scope="module")
def shared() -> Shared:
    return Shared()


@pytest.mark.parametrize("path", default_templates(), ids=lambda path: path.stem)
def test_every_document_follows_the_schema(path, view, shared) -> None:
    tree = json.loads(to_json(resolve(template_at(path), view, shared)))
    assert next(VALID.iter_errors(tree), None) is None


def test_the_kept_document_is_resolved_as_before() -> None:
    assert (FOLDER / "small.json").read_text(encoding="utf-8") == readable(json.loads(to_json(the_document()))), RENEW


def test_what_is_no_document_is_refused() -> None:
    tree = json.loads((FOLDER / "small.json").read_text(encoding="utf-8"))
    assert VALID.is_valid(tree)
    for spoil in (
        lambda it: it.pop("ledger_root"),
        lambda it: it.update(verdict="compliant"),
        lambda it: it["values"][0].update(statement="0"),
        lambda it: it["values"][0].update(reference="typed by hand"),
        lambda it: it["sections"][0]["answers"][0].update(status="met"),
        lambda it: it["sections"][0]["nodes"].append({"type": "Script"}),
        lambda it: it["sections"][0]["nodes"].append({**it["front"][1], "level": "one"}),
    ):
        other = copy.deepcopy(tree)
        spoil(other)
        assert not VALID.is_valid(other)
