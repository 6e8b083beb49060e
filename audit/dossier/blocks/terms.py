"""The same sets and roles in the words of both markets: a reader who knows one is not misled by the other."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.catalogues import vocabulary
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import AuditView

TERMS = (
    ("fits the parameters of the model", "train_data"),
    ("chooses settings and thresholds", "tune_data"),
    ("evaluates the frozen version, once", "test_data"),
    ("this evaluation", "evaluation"),
    ("who develops and markets the device", "manufacturer"),
    ("who uses it under its own authority", "deployer"),
    ("a change outside what was assessed", "change"),
)


def _build(_view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    eu, fda = vocabulary("eu"), vocabulary("fda")
    columns = (Column("What is meant", 2.4), Column("AI Act, Article 3", 1.8), Column("FDA", 2.0))
    rows = tuple(Row((text(meaning), text(eu[term]), text(fda[term]))) for meaning, term in TERMS)
    return (Table("Words of the two markets", columns, rows),)


ENTRY = Block("terms", NoParameters, _build)
