"""What an audit is bound to: the plan's digest, the validation sets' and the model files' digests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audit.evidence.statements import to_json
from audit.evidence.store import Mode
from audit.records import BadInput

Digests = Mapping[str, str]
ModelDigests = Mapping[str, Digests]


@dataclass(frozen=True, slots=True)
class Lock:
    """What an audit was bound to when it was locked (or, unlocked, when it first started)."""

    plan: str
    plan_sha256: str
    sets: Digests
    models: ModelDigests
    mode: Mode
    reason: str
    who: str | None
    at: str
    amends: Mapping[str, Any] | None = None

    def to_json(self) -> bytes:
        """The bytes of lock.json."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        return to_json(fields, indent=2)


def refuse_changes(audit_id: str, bound: Lock, set_digests: Digests, model_digests: ModelDigests) -> None:
    """Raises ``BadInput`` naming the first validation set or model file that differs from the lock."""
    for what, expected, found in changes(bound, set_digests, model_digests):
        raise BadInput(
            f"{what}: wrong hash, it changed after the lock of audit {audit_id} on {bound.at[:10]} "
            f"(locked {expected[:16]}, found {found[:16]}); restore it, or lock a new plan for the changed one."
        )


def changes(bound: Lock, sets: Digests, models: ModelDigests) -> list[tuple[str, str, str]]:
    """(what, locked digest, found digest) of everything that differs; 'absent' stands for no digest."""
    out = _unequal("validation set ", bound.sets, sets)
    for version in sorted({*bound.models, *models}):
        out += _unequal(f"model {version}: file ", bound.models.get(version, {}), models.get(version, {}))
    return out


def _unequal(prefix: str, expected: Digests, found: Digests) -> list[tuple[str, str, str]]:
    names = sorted({*expected, *found})
    pairs = [(name, expected.get(name, "absent"), found.get(name, "absent")) for name in names]
    return [(prefix + name, one, other) for name, one, other in pairs if one != other]
