"""``audit erase``: takes a patient's rows out of an audit; the rest goes on verifying."""

from __future__ import annotations

from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, AuditId, Command, Home, KeyPath, answer, opened


def erase(
    audit: AuditId = None,
    patient: Annotated[
        str | None, typer.Option(help="Pseudonym of the patient, as the audit's tables have it.")
    ] = None,
    case: Annotated[str | None, typer.Option(help="One case alone, by its id, instead of all of a patient.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for example 'consent withdrawn'; stays on record.")] = "",
    by: Annotated[str, typer.Option(help="The name of the person who answers for the erasure.")] = "",
    key: KeyPath = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Erases every row, mask, map and picture of a patient, and the documents that show the patient.

    A statement names each changed file with its digest before and after, the number of rows, why, who and when; never
    the patient. Estimates stay as recorded. An interrupted erasure is finished by giving the same command again.
    """
    from audit.evidence.store import open_audit
    from audit.sharing.erasing import as_dict, in_words
    from audit.sharing.erasing import erase as erase_rows

    made = erase_rows(open_audit(home, audit, key=opened(key)), patient, case, reason, by)
    answer(dict(as_dict(made)), as_json, in_words(made))


ENTRY = Command("erase", erase, 46, TRUST)
