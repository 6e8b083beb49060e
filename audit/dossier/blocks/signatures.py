"""Signature blocks: role, meaning, name, date (Regulation (EU) 2024/1689, Annex IV(2)(g); 21 CFR 11.50)."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters
from audit.dossier.content import Node, Paragraph, Signature, text
from audit.dossier.view import AuditView

DEFAULT = (
    ("Responsible for the testing", "I performed or supervised the testing described here"),
    ("Responsible for the statistical analysis", "The analysis follows the plan named here"),
    ("Regulatory affairs", "I approve this report for the technical documentation"),
)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    declared = view.device.signatories if view.device else ()
    blocks = [Signature(each.role, each.meaning, each.name) for each in declared]
    words = (
        "Each signature covers this document by its audit id and ledger root, printed in the foot of every page. "
        "Electronic signatures (audit sign) name its files by their SHA-256 and stand on its signature page."
    )
    return (Paragraph(text(words)), *(blocks or [Signature(role, meaning) for role, meaning in DEFAULT]))


ENTRY = Block("signatures", NoParameters, _build)
