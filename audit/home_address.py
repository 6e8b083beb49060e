"""Where a home keeps its MLflow records and artifacts when that is not the folder itself: ``home.yaml``.

A home is always a folder with register, ledgers and every file of its audits. ``home.yaml`` in it (or, where there is
none, AUDIT_TRACKING_URI and AUDIT_ARTIFACTS) names another database or a tracking server, and where MLflow's artifacts
go: then runs, versions and a copy of each file stand there too. Credentials are read by MLflow, the database driver and
the artifact store's client from the environment; an address that holds any is refused, so that none is ever stored.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import yaml

from audit.given_files import file_bytes, plain_yaml
from audit.records import BadInput

FILE, ID_FILE = "home.yaml", "home.id"
KEYS = ("tracking", "artifacts", "experiments")
BY_DRIVER = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, PGPASSWORD, AWS_ACCESS_KEY_ID and the like"
SCHEMES = ("http", "https", "postgresql", "mysql", "mssql")


@dataclass(frozen=True, slots=True)
class Address:
    """``tracking``: a tracking server (http, https) or a database URI of MLflow; ``artifacts``: where artifacts go
    (None: the server's own place, or the home for a database); ``experiments``: what the names of the home's
    experiments begin with."""

    tracking: str
    artifacts: str | None
    experiments: str

    @property
    def is_server(self) -> bool:
        return self.tracking.startswith(("http://", "https://"))


def address_of(home: Path) -> Address | None:
    """The address in ``home.yaml``, else in the environment; None for a home that keeps all in its folder.

    Raises ``BadInput`` for an address that is none, or that holds a password.
    """
    path = home / FILE
    if path.is_file():
        return _address(_mapping(path), str(path))
    if os.environ.get("AUDIT_TRACKING_URI"):
        named = {"tracking": os.environ["AUDIT_TRACKING_URI"], "artifacts": os.environ.get("AUDIT_ARTIFACTS")}
        return _address(named, "AUDIT_TRACKING_URI")
    return None


def home_id(home: Path) -> str:
    """What marks this home's experiments on a server that others use as well; made when it is first asked."""
    path = home / ID_FILE
    try:
        with path.open("x", encoding="utf-8") as out:
            out.write(f"{uuid4().hex}\n")
    except FileExistsError:
        pass
    return path.read_text(encoding="utf-8").strip()


def _mapping(path: Path) -> dict[str, Any]:
    try:
        raw = plain_yaml(file_bytes(path))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: not readable YAML; give {', '.join(KEYS)}.") from error
    if not isinstance(raw, dict) or not set(raw) <= set(KEYS) or not isinstance(raw.get("tracking"), str):
        raise BadInput(f"{path}: expected 'tracking' (a URI) and, if need be, {' and '.join(KEYS[1:])}; nothing else.")
    return raw


def _address(raw: dict[str, Any], where: str) -> Address:
    tracking, artifacts = str(raw["tracking"]), raw.get("artifacts")
    for name, uri in (("tracking", tracking), ("artifacts", artifacts)):
        if uri is not None:
            _refuse_credentials(str(uri), f"{where}: {name}")
    scheme = urlsplit(tracking).scheme.partition("+")[0]
    if scheme not in SCHEMES:
        raise BadInput(f"{where}: tracking '{scheme}://…' is not known; give one of {', '.join(SCHEMES)}.")
    prefix = str(raw.get("experiments") or "")
    return Address(tracking, str(artifacts).rstrip("/") if artifacts else None, f"{prefix}/" if prefix else "")


def _refuse_credentials(uri: str, where: str) -> None:
    parts = urlsplit(uri)
    if parts.password is not None or "password" in parts.query.lower() or (parts.username and "http" in parts.scheme):
        raise BadInput(
            f"{where}: the address holds credentials; take them out, they come from the environment ({BY_DRIVER})."
        )
