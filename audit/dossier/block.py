"""What every block of a template is: a name, its parameters, and how it turns an audit into content."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from audit.dossier.content import Node, Paragraph, text
from audit.dossier.view import AuditView


class Parameters(BaseModel):
    """Base of a block's parameters: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class NoParameters(Parameters):
    """A block that needs none."""


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Block(Generic[P]):
    """An entry of ``dossier/blocks/``; ``build`` gives the nodes, in words where there is nothing to show.

    ``single_cases``: it names cases one by one, which no public document may.
    """

    name: str
    parameters: type[P]
    build: Callable[[AuditView, P], tuple[Node, ...]]
    single_cases: bool = False


def nothing(words: str) -> tuple[Node, ...]:
    """What a block prints where the audit has nothing for it."""
    return (Paragraph(text(words), "note"),)
