"""``audit revoke``: a signature no longer stands; it stays on record."""

from __future__ import annotations

from typing import Annotated

import typer

from audit.commands.shared import EVIDENCE, TRUST, AsJson, Command, Home, KeyPath, answer, opened


def revoke(
    sign_off: Annotated[str, typer.Argument(help="The sign-off's id, or a beginning of it (audit list --signatures).")],
    reason: Annotated[str, typer.Option(help="Why it no longer stands.")] = "",
    name: Annotated[str, typer.Option(help="The printed name of the person who revokes.")] = "",
    key: KeyPath = None,
    audit: Annotated[str | None, typer.Option(help="Audit id; default: whichever audit has the sign-off.")] = None,
    home: Home = EVIDENCE,
    as_json: AsJson = False,
) -> None:
    """Revokes a signature under a document: who, when and why stay on record beside the signature itself."""
    from audit.documents.signing import take_back

    page = take_back(home, audit, sign_off, reason, name, opened(key))
    answer({"revoked": sign_off, "page": str(page)}, as_json, f"Revoked {sign_off}.\nSignature page: {page}")


ENTRY = Command("revoke", revoke, 43, TRUST)
