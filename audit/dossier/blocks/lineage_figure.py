"""Where the numbers come from: training data, training run, version, set and plan, the audit's run, its products."""

from __future__ import annotations

from collections.abc import Iterator

from audit.dossier.block import Block, NoParameters
from audit.dossier.citing import cite, count, fact
from audit.dossier.content import Column, LineageBox, LineageChart, Link, Node, Row, Run, Table, Text, text
from audit.dossier.pointers import pointer
from audit.dossier.view import CASES, ESTIMATES, FINDINGS, LOCK, MODEL, OBSERVATIONS, SET, AuditView
from audit.dossier.words import version_label

VERSION_FACTS = (
    ("training_set_digest", "training data (SHA-256)"),
    ("training_run", "training run (MLflow)"),
    ("uri", "registered as"),
)
SHOWN = 12
"""Digits of a digest or run id in the figure; the table below has all of them."""


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    chart = LineageChart(
        "Where the numbers come from",
        "Training data and training run lead to each version; versions, validation sets and plan to the audit's run; "
        "its predictions to observations, estimates, verdicts and this document.",
        _columns(view),
        _arrows(view),
    )
    return (chart, _table(view))


def _columns(view: AuditView) -> tuple[tuple[LineageBox, ...], ...]:
    training = tuple(_training(view, role) for role in view.versions)
    versions = tuple(_version(view, role) for role in view.versions)
    sets = tuple(_set(view, name) for name in (each.name for each in view.sets))
    made = (_observations(view), _estimates(view), _findings())
    return training, (*versions, *sets, _plan(view)), (_run(view),), made


def _arrows(view: AuditView) -> tuple[tuple[str, str], ...]:
    taught = [(f"training {role}", f"version {role}") for role in view.versions]
    gone_in = [*(f"version {role}" for role in view.versions), *(f"set {each.name}" for each in view.sets), "plan"]
    made = [("run", "observations"), ("observations", "estimates"), ("estimates", "findings")]
    return (*taught, *((one, "run") for one in gone_in), *made)


def _training(view: AuditView, role: str) -> LineageBox:
    own = view.versions[role]
    data = _short(view, MODEL, own.training_set_digest, role, "training_set_digest")
    run = _short(view, MODEL, own.training_run, role, "training_run")
    return LineageBox(f"training {role}", "Training", ((Text("data "), data), (Text("run "), run)))


def _version(view: AuditView, role: str) -> LineageBox:
    lines = (text(version_label(view, role)), text("each file by its digest"))
    return LineageBox(f"version {role}", role.capitalize(), lines)


def _set(view: AuditView, name: str) -> LineageBox:
    return LineageBox(f"set {name}", "Validation set", (text(name), (_cases(view, name), Text(" cases"))))


def _cases(view: AuditView, name: str) -> Run:
    own = {"validation_set": name} if "validation_set" in view.cases else {}
    return count(view, CASES, **own)


def _plan(view: AuditView) -> LineageBox:
    digest = cite(view, LOCK, pointer("plan_sha256"), view.plan_sha256[:SHOWN], "mono")
    kind = "locked" if view.locked_at else "not locked"
    return LineageBox("plan", f"Plan, {kind}", (text(view.plan.id), (digest,)))


def _run(view: AuditView) -> LineageBox:
    run = (Text("MLflow run "), Text(view.run_id[:SHOWN], "mono"))
    return LineageBox("run", "Audit", (run, text("one pass: predictions, explanations")))


def _observations(view: AuditView) -> LineageBox:
    return LineageBox("observations", "Observations", ((count(view, OBSERVATIONS), Text(" rows")),))


def _estimates(view: AuditView) -> LineageBox:
    return LineageBox("estimates", "Estimates", ((count(view, ESTIMATES), Text(" rows")),))


def _findings() -> LineageBox:
    return LineageBox("findings", "Verdicts, documents", (text("one for each endpoint"),))


def _short(view: AuditView, kind: str, value: str | None, *tokens: str) -> Run:
    return cite(view, kind, pointer(*tokens), value[:SHOWN], "mono") if value else Text("not stated", "quiet")


def _table(view: AuditView) -> Table:
    columns = (Column("Step", 1.1), Column("As recorded", 3.2), Column("Statement", 0.9))
    note = text("Each step is bound to its statement, which names by digest what it was made from: audit lineage.")
    return Table("The steps, as recorded", columns, tuple(_rows(view)), note)


def _rows(view: AuditView) -> Iterator[Row]:
    for role in view.versions:
        for name, words in VERSION_FACTS:
            yield _row(view, f"{role.capitalize()}: {words}", MODEL, fact(view, MODEL, role, name, style="mono"))
    for each in view.sets:
        digest = fact(view, SET, each.name, "sha256", style="mono")
        yield _row(view, f"Validation set {each.name} (SHA-256)", SET, digest)
        yield _row(view, f"Validation set {each.name}, cases", CASES, _cases(view, each.name))
    yield _row(view, "Plan (SHA-256)", LOCK, cite(view, LOCK, pointer("plan_sha256"), view.plan_sha256, "mono"))
    yield _row(view, "Audit, MLflow run", LOCK, Text(view.run_id, "mono"))
    for label, kind in (("Observations, rows", OBSERVATIONS), ("Estimates, rows", ESTIMATES)):
        yield _row(view, label, kind, count(view, kind))
    yield _row(view, "Verdicts", FINDINGS, Text("one for each endpoint"))


def _row(view: AuditView, label: str, kind: str, value: Run) -> Row:
    stated = view.statements.get(kind)
    behind: Run = Link(stated.id[:SHOWN], stated.id) if stated else Text("–", "quiet")
    return Row((text(label), (value,), (behind,)))


ENTRY = Block("lineage_figure", NoParameters, _build)
