"""One process runs an audit at a time; the mark goes with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from audit.evidence.store import AuditStore
from audit.records import BadInput

_HELD: dict[Path, int] = {}


def hold(store: AuditStore) -> None:
    """Marks the audit as run by this process; raises ``BadInput`` where another one runs it."""
    path = _mark(store)
    if path in _HELD:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BadInput(f"audit {store.audit_id} is being run by another process; wait for it to end.") from error
    _HELD[path] = descriptor


def release(store: AuditStore) -> None:
    """Takes the mark away."""
    descriptor = _HELD.pop(_mark(store), None)
    if descriptor is not None:
        os.close(descriptor)


def _mark(store: AuditStore) -> Path:
    return store.home / ".unfinished" / f"running-{store.run_id}"
