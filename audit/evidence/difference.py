"""What a verification found, in words a reader can act on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the evidence says: which thing, what was expected, what was found, what it means."""

    thing: str
    expected: str
    found: str
    explanation: str

    def __str__(self) -> str:
        return f"{self.thing}: {self.explanation} Expected {self.expected}, found {self.found}."
