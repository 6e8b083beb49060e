"""Figures in declared prose that read like results of the audit: results come from the evidence, never from a text.

A sentence that names a measure of the audit's estimates and holds a share, a percentage or a distance reads like one,
whether the figure is right today or not. A declaration that names another source (``figures_from``) may hold it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from audit.dossier.device import Declaration, Device
from audit.dossier.prose import words_of
from audit.records import BadInput

FIGURE = re.compile(r"(?<![\w.,])(?:0[.,]\d+|\d+(?:[.,]\d+)?\s?(?:%|percent\b|per cent\b|mm\b|mL\b|ml\b))")
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n")
SHORTEST = 4


def typed_figures(declaration: Declaration, measures: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Measure and figure of each sentence that reads like a result; none where the figures have a source of their own.

    ``measures``: what the audit's measures are called in documents.
    """
    if declaration.figures_from.strip():
        return
    names = [name for name in measures if len(name) >= SHORTEST]
    for sentence in SENTENCE.split(words_of(declaration.parts)):
        figure = FIGURE.search(sentence)
        named = next((name for name in names if re.search(rf"\b{re.escape(name)}\b", sentence, re.IGNORECASE)), "")
        if figure and named:
            yield named, figure.group()


def refuse_typed_figures(device: Device, measures: Sequence[str]) -> None:
    """Raises ``BadInput`` naming the declaration, the measure and the figure of the first that reads like a result."""
    for name, declaration in device.declared.items():
        for measure, figure in typed_figures(declaration, measures):
            raise BadInput(
                f"declared.{name}{f' ({declaration.file})' if declaration.file else ''}: '{figure}' beside '{measure}' "
                "reads like a result of this audit, and results come from the evidence alone; leave the figure out, "
                "or name its own source with 'figures_from'."
            )
