"""Running text with words of the instrument; it cannot hold a result."""

from __future__ import annotations

from typing import Literal

from audit.dossier.block import Block, Parameters
from audit.dossier.content import Node, Paragraph, text
from audit.dossier.view import AuditView


class TextParameters(Parameters):
    """``text`` is the paragraph; ``role`` how it is set."""

    text: str
    role: Literal["body", "lead", "note"] = "body"


def _build(_view: AuditView, given: TextParameters) -> tuple[Node, ...]:
    return (Paragraph(text(given.text), given.role),)


ENTRY = Block("text", TextParameters, _build)
