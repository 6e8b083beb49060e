"""``audit key new``: makes a key pair."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from audit.commands.shared import TRUST, AsJson, Command, answer, passphrase
from audit.records import BadInput


def key_new(
    file: Annotated[Path, typer.Argument(help="Where the private key goes; the public half lands in FILE.pub.")],
    no_passphrase: Annotated[bool, typer.Option(help="Leave the private key unencrypted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Makes a key pair. The private key is encrypted by a passphrase (asked for, or AUDIT_KEY_PASSPHRASE)."""
    from audit.evidence.keys import make_key

    chosen = None if no_passphrase else passphrase(f"New passphrase of {file} (12 characters or more): ")
    if chosen is None and not no_passphrase:
        raise BadInput("no passphrase: set AUDIT_KEY_PASSPHRASE, run at a terminal, or say --no-passphrase.")
    made = make_key(file, chosen)
    text = (
        f"Private key: {file} (readable by you alone). Keep it outside the evidence folder, with a copy in a safe "
        f"place; without it a signed audit cannot go on.\nPublic key:  {file}.pub\nFingerprint: {made.fingerprint}\n"
        "Tell the fingerprint to whoever will verify, by another way than with the evidence."
    )
    result = {"private_key": str(file), "public_key": f"{file}.pub", "fingerprint": made.fingerprint}
    answer(result, as_json, text)


ENTRY = Command("key new", key_new, 50, TRUST)
