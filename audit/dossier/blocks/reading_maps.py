"""How to read attribution maps: a page for clinicians, whose words are data (``templates/reading_maps.yaml``)."""

from __future__ import annotations

from functools import cache
from typing import Any

import yaml

from audit.datafolders import data_folder
from audit.dossier.block import Block, Parameters
from audit.dossier.content import Node, Paragraph, text
from audit.dossier.view import AuditView


class ReadingParameters(Parameters):
    """``language``: a key of the file."""

    language: str = "en"


@cache
def _words(language: str) -> Any:
    return yaml.safe_load((data_folder("templates") / "reading_maps.yaml").read_text(encoding="utf-8"))[language]


def _build(view: AuditView, given: ReadingParameters) -> tuple[Node, ...]:
    if not len(view.explanations):
        return ()
    words = _words(given.language)
    return (Paragraph(text(words["title"], "strong"), "lead"), *(Paragraph(text(each)) for each in words["paragraphs"]))


ENTRY = Block("reading_maps", ReadingParameters, _build)
