"""When a lock is allowed and what it makes of an audit: pure, given the register's events."""

from __future__ import annotations

from audit.evidence.binding import Digests, Lock
from audit.evidence.register import LOCKS, Event
from audit.evidence.store import AuditStore, Mode
from audit.plan import StoredPlan
from audit.records import BadInput


def refuse_second_lock(known: list[Event], plan: StoredPlan) -> None:
    """Raises ``BadInput`` where exactly this plan is locked already."""
    for one in known:
        if one.event in LOCKS and one.plan_sha256 == plan.sha256:
            raise BadInput(
                f"plan '{plan.plan.id}' ({plan.sha256[:12]}) is locked already, as audit {one.audit} on {one.at[:10]}; "
                "run it, or change it by an amendment."
            )


def refuse_known_results(known: list[Event], plan: StoredPlan, sets: Digests) -> None:
    """Raises ``BadInput`` where this plan has been run on one of the sets."""
    for one in known:
        used = sorted(set(one.sets.values()) & set(sets.values()))
        if one.event == "run started" and one.plan_sha256 == plan.sha256 and used:
            raise BadInput(
                f"plan '{plan.plan.id}' cannot be locked: audit {one.audit} ran it on the same set on {one.at[:10]}, "
                "so results may be known; lock before the first run, on a set that this plan has not seen."
            )


def refuse_bad_amendment(
    known: list[Event], old: AuditStore, before: Lock, plan: StoredPlan, reason: str, results_known: bool
) -> None:
    """Raises ``BadInput`` for an amendment without reason or change, or one that denies known results."""
    if not reason.strip():
        raise BadInput("an amendment needs a reason; say in one sentence why the plan changes.")
    if plan.sha256 == before.plan_sha256:
        raise BadInput(f"the plan is the one that audit {old.audit_id} holds already; there is nothing to amend.")
    ran = [one for one in known if one.audit == old.audit_id and one.event == "run started"]
    if ran and not results_known:
        raise BadInput(
            f"audit {old.audit_id} was started on {ran[0].at[:10]}, so results may be known; "
            "declare that results were known when the plan was amended."
        )


def mode_of_lock(known: list[Event], plan: StoredPlan, sets: Digests, who: str | None, at: str) -> tuple[Mode, str]:
    """Mode of a new lock and the sentence that says why."""
    earlier = [one for one in known if one.event in LOCKS and one.plan == plan.plan.id]
    uses = _uses(known, sets)
    if earlier:
        last = earlier[-1]
        return "exploratory", (
            f"Plan '{plan.plan.id}' was locked before with other content (audit {last.audit}, {last.at[:10]}) and "
            f"this version was not declared as an amendment.{uses}"
        )
    return "confirmatory", f"The plan was locked on {at}{_by(who)}, before its results existed.{uses}"


def mode_of_amendment(before: Lock, reason: str, results_known: bool, who: str | None, at: str) -> tuple[Mode, str]:
    """Mode of an amended plan and the sentence that says why."""
    why = f"The plan of {before.at[:10]} was amended on {at}{_by(who)}: {reason.strip().rstrip('.')}."
    if results_known:
        return "exploratory", f"{why} Results were known by then."
    if before.mode == "exploratory":
        return "exploratory", f"{why} The plan it amends was exploratory: {before.reason}"
    return "confirmatory", f"{why} Results were not known by then."


def why_unlocked(known: list[Event], plan: StoredPlan) -> str:
    """Why a run of a plan that is not locked is exploratory."""
    earlier = [one for one in known if one.event in LOCKS and one.plan == plan.plan.id]
    if earlier:
        last = earlier[-1]
        return (
            f"The plan differs from the one locked on {last.at[:10]} as audit {last.audit} "
            f"(locked {last.plan_sha256[:12]}, now {plan.sha256[:12]}) and was not amended."
        )
    return "The plan was not locked before inference."


def _uses(known: list[Event], sets: Digests) -> str:
    out = ""
    for name, digest in sorted(sets.items()):
        runs = {one.audit for one in known if one.event == "run started" and digest in one.sets.values()}
        if runs:
            many = f"{len(runs)} earlier runs" if len(runs) > 1 else "1 earlier run"
            out += f" The set {name} has been used by {many}."
    return out


def _by(who: str | None) -> str:
    return f" by {who}" if who else ""
