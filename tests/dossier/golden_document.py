"""The small document whose resolved JSON is kept; `python tests/dossier/golden_document.py` writes it again."""

import json
import sys
from pathlib import Path

from dossier_example import a_plan, make_view

from audit.dossier.content import Document
from audit.dossier.device import Device
from audit.dossier.resolve import resolve
from audit.dossier.schema import made_schema
from audit.dossier.serial import FORMAT, SCHEMA, to_json
from audit.dossier.templates import read_template

FOLDER = Path(__file__).parent / "golden"
DEVICE = {
    "manufacturer": "Example Imaging (fictional)", "name": "Lesion Finder", "version": "2.0",
    "target_countries": ["DE"], "predetermined_changes": False,
    "declared": {"aia.annex4.1.a": {"text": "Marks slices.", "author": "Regulatory affairs", "date": "2026-11-02"}},
}  # fmt: skip
PACKAGED = Path(__file__).resolve().parents[2] / "templates" / SCHEMA


def the_document() -> Document:
    """One endpoint, no strata: what is printed is about the whole set."""
    plan = a_plan(strata={}, intersections=[], endpoints=a_plan().model_dump(mode="json")["endpoints"][:1],
                  explanations=None, perturbation_arms=[])  # fmt: skip
    view = make_view(plan=plan, device=Device.model_validate(DEVICE))
    return resolve(read_template(FOLDER / "small.yaml"), view)


def readable(tree: object) -> str:
    """JSON that a person can compare line by line."""
    return json.dumps(tree, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def main() -> None:
    (FOLDER / "small.json").write_text(readable(json.loads(to_json(the_document()))), encoding="utf-8")
    PACKAGED.write_text(readable(made_schema(FORMAT)), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
