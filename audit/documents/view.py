"""The evidence of one audit as its documents see it, and the documents put into the evidence."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from audit.decision_tables import MAP_AGREEMENT, RATIONALES
from audit.documents.revising import acknowledge
from audit.dossier.building import (
    BuiltDocument,
    applicable_templates,
    build_documents,
    default_templates,
    template_at,
)
from audit.dossier.changed import listed_cases
from audit.dossier.declared_texts import DEVICE_FILE
from audit.dossier.device import Device, prose_files, read_device
from audit.dossier.view import CITABLE, AuditView, ConcernView, MeasureFacts, SetView
from audit.dossier.worst import worst_cases
from audit.evidence.bundled import bundle_of
from audit.evidence.erasures import erasures
from audit.evidence.locks import read_lock
from audit.evidence.pointers import log_pointers
from audit.evidence.register import accesses
from audit.evidence.signoffs import sign_offs
from audit.evidence.store import AuditStore
from audit.explanations.marking import shown_path
from audit.findings import overall_verdict
from audit.measures.choice import known_measures
from audit.measures.measure import Measure
from audit.plan import parse_plan
from audit.records import BadInput, Finding, ModelVersion, Statement
from audit.sequestering import withheld
from audit.stating import check_declared, state_device
from audit.tables import (
    ACCESSES,
    ANALYSES,
    CASES,
    CURVES,
    DISPOSITIONS,
    ESTIMATES,
    EXPLANATION_VERDICTS,
    EXPLANATIONS,
    IMPORTANCE,
    OBSERVATIONS,
    Table,
)
from audit.tabulating import DETERMINISM_FILE

GRAVITY: Mapping[str, str] = {"stop": "serious", "major": "moderate", "minor": "note"}


def make_documents(
    store: AuditStore,
    created: str,
    device: Path | None = None,
    templates: Sequence[Path] | None = None,
    role: str = "",
    who: str = "",
    acknowledged: str = "",
) -> list[tuple[BuiltDocument, Path]]:
    """Builds the documents of a finished audit and states them; returns each with the path of its PDF.

    Without ``templates``: every document that applies to the device's markets.
    Single cases of sequestered sets (``_named_cases``) are left out unless ``role`` is 'assessment'; then their showing
    is registered.
    A result that differs from the standing version of its document is refused unless ``acknowledged`` says why.
    """
    if store.state != "complete":
        raise BadInput(
            f"audit {store.audit_id} is {store.state or 'not started'}; run 'audit run PLAN' to the end first."
        )
    declared = _declared(store, device)
    hidden = withheld(store, _named_cases(store), role, "in the dossier", who, created)
    _state_accesses(store)
    view = audit_view(store, created, hidden)
    paths = list(templates or applicable_templates(view))
    built = build_documents(view, paths)
    if acknowledge(store, built, acknowledged, who):  # once more, with the reason in the revision history
        built = build_documents(audit_view(store, created, hidden), paths)
    cited = [*(statement for kind, statement in sorted(view.statements.items())), *declared]
    for each in built:
        name = f"documents/{each.id}"
        files = {f"{name}.{suffix}": data for suffix, data in each.files.items()}
        store.put_files("document", files, cited, {"document": each.id, "results": len(each.values)})
    log_pointers(store)
    return [(each, store.folder / "documents" / f"{each.id}.pdf") for each in built]


def _named_cases(store: AuditStore) -> list[str]:
    """Cases of which a document shows something one by one: explained ones, the worst of a segmentation, and those
    that two versions decided otherwise."""
    explained = store.read_table(EXPLANATIONS)["case_id"].astype(str)
    plan = parse_plan(store.read_bytes("plan.yaml"), f"{store.audit_id}: plan.yaml")
    tables = store.read_table(OBSERVATIONS), store.read_table(DISPOSITIONS)
    return sorted({*explained, *worst_cases(*tables, plan), *listed_cases(*tables, plan)})


def offered_documents() -> dict[str, str]:
    """Document id -> title of every document that an audit can fill."""
    return {path.stem: template_at(path).title for path in default_templates()}


def chosen_templates(only: Sequence[str]) -> list[Path]:
    """The templates of the documents named, none where none is; raises ``BadInput`` for an unknown name."""
    known = {path.stem: path for path in default_templates()}
    for name in only:
        if name not in known:
            raise BadInput(f"no document '{name}'; known: {', '.join(known)} (audit dossier --list).")
    return [known[name] for name in dict.fromkeys(only)]


def audit_view(store: AuditStore, created: str, hidden: frozenset[str] = frozenset()) -> AuditView:
    """Everything a document may cite, read from the evidence of ``store``; ``hidden``: cases not to be shown."""
    plan_bytes = store.read_bytes("plan.yaml")
    plan = parse_plan(plan_bytes, f"{store.audit_id}: plan.yaml")
    bound = read_lock(store)
    sets = json.loads(store.read_bytes("set.json"))
    models = {role: ModelVersion(**facts) for role, facts in json.loads(store.read_bytes("model.json")).items()}
    findings = tuple(Finding(**each) for each in json.loads(store.read_bytes("findings.json")))
    verdict, sentence = overall_verdict(findings, plan)
    explanations = store.read_table(EXPLANATIONS)
    ledger = tuple(store.statements())
    bundle = bundle_of(store.home)
    absent = bundle.left_out if bundle else {}
    shown = {path: shown_path(path, store.has) for path in _shown(explanations, hidden) if path not in absent}
    return AuditView(
        audit_id=store.audit_id,
        run_id=store.run_id,
        plan=plan,
        plan_sha256=bound.plan_sha256,
        mode=bound.mode,
        mode_reason=bound.reason if bound.mode == "exploratory" else "",
        recorded_predictions=plan.recorded,
        locked_at=bound.at if store.latest("lock") else None,
        accesses=_stated_accesses(store),
        sets=tuple(_set_view(each) for each in sets["sets"]),
        concerns=tuple(_concern_view(each) for each in sets["concerns"]),
        candidate=models["candidate"],
        comparator=models.get("comparator"),
        cases=store.read_table(CASES),
        dispositions=store.read_table(DISPOSITIONS),
        observations=store.read_table(OBSERVATIONS),
        estimates=store.read_table(ESTIMATES),
        importance=store.read_table(IMPORTANCE),
        analyses=_or_empty(store, ANALYSES),
        rationales=_or_empty(store, RATIONALES),
        curves=_or_empty(store, CURVES),
        determinism=_determinism(store),
        explanations=explanations,
        explanation_verdicts=_or_empty(store, EXPLANATION_VERDICTS),
        map_agreement=_or_empty(store, MAP_AGREEMENT),
        findings=findings,
        verdict=verdict,
        verdict_sentence=sentence,
        pictures={path: store.read_bytes(place) for path, place in shown.items()},
        shown=shown,
        hidden=hidden,
        statements=_statements(ledger),
        ledger=ledger,
        ledger_root=store.ledger.root(),
        signed=_signed(store),
        device=_device(store),
        simulated=any(each["facts"]["simulated"] for each in sets["sets"]),
        environment=json.loads(store.read_bytes("environment.json")),
        created=created,
        measures={measure.name: _measure_facts(measure) for measure in known_measures(plan)},
        locked={"who": bound.who, "amends": bound.amends},
        sign_offs=tuple(sign_offs(store)),
        erasures=tuple(one.for_documents() for one in erasures(store)),
    )


def _signed(store: AuditStore) -> str:
    """Which keys signed the statements, as documents print it; empty for an unsigned audit."""
    status = store.ledger.signature_status()
    return "" if status == "unsigned" else status


def _state_accesses(store: AuditStore) -> None:
    """States every access to the audit's sets up to now, unless that is what the evidence holds already."""
    relevant = _accesses(store)
    if store.has(f"tables/{ACCESSES.name}.parquet") and store.read_table(ACCESSES).equals(relevant):
        return
    store.put_table(ACCESSES, relevant)


def _stated_accesses(store: AuditStore) -> pd.DataFrame:
    """Accesses as stated with the last documents; as the home's register has them where there are none yet."""
    stated = store.has(f"tables/{ACCESSES.name}.parquet")
    return store.read_table(ACCESSES) if stated else _accesses(store)


def _accesses(store: AuditStore) -> pd.DataFrame:
    frame = accesses(store.home)
    return ACCESSES.conform(frame[frame["validation_set"].isin(set(read_lock(store).sets))])


def _shown(explanations: pd.DataFrame, hidden: frozenset[str]) -> list[str]:
    rows = explanations[explanations["overlay"].notna() & ~explanations["case_id"].isin(hidden)]
    return [str(path) for path in rows["overlay"].unique()]


def _determinism(store: AuditStore) -> tuple[Mapping[str, Any], ...]:
    """What two passes over the same cases gave; nothing for recorded predictions and for older audits."""
    known = store.has(DETERMINISM_FILE)
    return tuple(json.loads(store.read_bytes(DETERMINISM_FILE))["results"]) if known else ()


def _or_empty(store: AuditStore, table: Table) -> pd.DataFrame:
    """The table, or one without rows where the audit was made before the suite had it."""
    present = store.has(f"tables/{table.name}.parquet")
    return store.read_table(table) if present else table.conform(pd.DataFrame(columns=list(table.columns)))


def _statements(ledger: Sequence[Statement]) -> dict[str, Statement]:
    """The statement that counts for each kind a document may cite."""
    latest = {statement.kind: statement for statement in ledger}
    if "plan" not in latest:
        bound = latest.get("lock") or latest.get("start")
        latest |= {"plan": bound} if bound else {}
    return {kind: latest[kind] for kind in CITABLE if kind in latest}


def _set_view(stated: Mapping[str, Any]) -> SetView:
    facts = stated["facts"]
    return SetView(stated["name"], facts["version"], facts["licence"], facts, stated["sha256"])


def _concern_view(stated: Mapping[str, Any]) -> ConcernView:
    return ConcernView(GRAVITY[stated["severity"]], stated["what"], stated["rows"], stated["remedy"])


def _measure_facts(measure: Measure) -> MeasureFacts:
    return MeasureFacts(
        measure.name,
        measure.title,
        measure.unit,
        measure.direction,
        measure.source,
        measure.low,
        measure.high,
        measure.agreement_title,
    )


def _device(store: AuditStore) -> Device | None:
    return read_device(store.folder / DEVICE_FILE) if store.has(DEVICE_FILE) else None


def _declared(store: AuditStore, given: Path | None) -> list[Statement]:
    """The statements of the declared facts, of ``given`` or as the audit holds them; none where nobody gave any.

    Raises ``BadInput`` for facts that cannot be read or printed.
    """
    if given is not None:
        return state_device(store, given)
    held = _device(store)
    if held is None:
        return []
    check_declared(store, held, Path(DEVICE_FILE))
    subjects = store.subjects()
    return [subjects[name] for name in (*prose_files(held), DEVICE_FILE)]


def copy_documents(built: Sequence[tuple[BuiltDocument, Path]], folder: Path) -> list[Path]:
    """Copies built documents (PDF, Word, HTML and JSON) into ``folder``; returns the PDFs' paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for each, _ in built:
        for suffix, data in each.files.items():
            (folder / f"{each.id}.{suffix}").write_bytes(data)
    return [folder / f"{each.id}.pdf" for each, _ in built]


def verdict_of(store: AuditStore) -> tuple[str, str, list[Finding]]:
    """The overall verdict by the plan's success rule, one sentence, and every finding."""
    plan = parse_plan(store.read_bytes("plan.yaml"), f"{store.audit_id}: plan.yaml")
    findings = [Finding(**each) for each in json.loads(store.read_bytes("findings.json"))]
    return (*overall_verdict(findings, plan), findings)
