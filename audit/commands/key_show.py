"""``audit key show``: the fingerprint of a public key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import TRUST, AsJson, Command, answer


def key_show(
    file: Annotated[Path, typer.Argument(help="A public key (PEM).")],
    as_json: AsJson = False,
) -> None:
    """Prints the fingerprint of a public key."""
    from audit.evidence.keys import read_public

    fingerprint = read_public(file).keyid
    answer({"public_key": str(file), "fingerprint": fingerprint}, as_json, fingerprint)


ENTRY = Command("key show", key_show, 51, TRUST)
