"""The status of each requirement: a clause is never met, it is evidenced, declared, missing or not applicable."""

from __future__ import annotations

from audit.dossier.catalogues import Requirement, known_requirements
from audit.dossier.conditions import holds
from audit.dossier.content import Answer
from audit.dossier.probes import PROBES, Evidence
from audit.dossier.templates import Asked, TemplateSection, translate
from audit.dossier.view import AuditView
from audit.records import Status


def answers(view: AuditView, section: TemplateSection, key: str, words: str) -> tuple[Answer, ...]:
    """One answer per requirement of the section, in its order."""
    return tuple(_answer(view, section, asked, key, words) for asked in section.requirements)


def _answer(view: AuditView, section: TemplateSection, asked: Asked, key: str, words: str) -> Answer:
    requirement = known_requirements()[asked.id]
    for part in (section, asked):
        if part.when and not holds(part.when, view):
            return _not_applicable(requirement, translate(part.not_applicable_because, words), key)
    return _applicable(view, requirement, asked, key)


def _not_applicable(requirement: Requirement, reason: str, key: str) -> Answer:
    return Answer(
        requirement.id, requirement.label, requirement.title, requirement.kind,
        "not applicable", reason, False, "", "", (), key,
    )  # fmt: skip


def _applicable(view: AuditView, requirement: Requirement, asked: Asked, key: str) -> Answer:
    answering = asked.answering
    found = [PROBES[kind](view) for kind in answering.evidence] if requirement.kind != "declared" else []
    declared = view.device is not None and requirement.id in view.device.declared
    status = _status(requirement, found, declared)
    lacking = [each for each in found if each.extent != "full"]
    missing, owners = [each.why for each in lacking], [each.owner for each in lacking]
    if requirement.kind != "computed" and not declared:
        missing.append(": ".join(filter(None, ("a declaration in device.yaml", _lower(requirement.evidence)))))
        owners.append(answering.owner)
    statements = tuple(dict.fromkeys(each.statement for each in found if each.statement))
    return Answer(
        requirement.id, requirement.label, requirement.title, requirement.kind,
        status, "", declared and requirement.kind != "computed", "; ".join(missing), ", ".join(dict.fromkeys(owners)),
        statements, key, answering.evidence if requirement.kind != "declared" else (),
    )  # fmt: skip


def _status(requirement: Requirement, found: list[Evidence], declared: bool) -> Status:
    if requirement.kind == "declared":
        return "declared" if declared else "missing"
    full = bool(found) and all(each.extent == "full" for each in found)
    some = any(each.extent != "none" for each in found)
    if requirement.kind == "computed":
        return "evidenced" if full else "partly evidenced" if some else "missing"
    if full and declared:
        return "evidenced"
    return "partly evidenced" if some or declared else "missing"


def _lower(words: str) -> str:
    head = words.rstrip(".").removeprefix("Declared").lstrip(";, ")
    return head[:1].lower() + head[1:] if head[1:2].islower() else head
