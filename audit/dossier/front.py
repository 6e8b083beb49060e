"""The first pages: status box, gaps, what the audit found."""

from __future__ import annotations

from typing import Any

from audit.catalogue import entry
from audit.dossier.block import Block
from audit.dossier.citing import fact
from audit.dossier.comparison import Question, failing, questions, reading, telling_attribute
from audit.dossier.content import (
    Answer,
    Column,
    Contents,
    Heading,
    Mark,
    Node,
    Paragraph,
    Row,
    Run,
    StatusBox,
    StatusItem,
    Table,
    Text,
    Tone,
    text,
)
from audit.dossier.gaps import Gap, gaps, missing_by_owner
from audit.dossier.templates import Template, of_market
from audit.dossier.view import LOCK, AuditView
from audit.dossier.words import VERDICT_TONES, attribute_label, few, quantity, verdict_mark, with_role

OWNERS = 5
CLAUSES = 4
SEVERITY_TONES: dict[str, Tone] = {"serious": "bad", "moderate": "part", "note": "quiet"}


def front(view: AuditView, answers: tuple[Answer, ...], template: Template) -> tuple[Node, ...]:
    """Status box, gap list, findings, a reviewer's questions, contents; shorter fronts keep status and gaps."""
    words = template.vocabulary
    if template.front == "brief":
        return (StatusBox((*_status(view, template.public)[:3], *_erased(view), *_in_one_line(view, answers))),)
    if template.front == "gaps":
        return (
            StatusBox(_status(view, template.public)), Heading("Gaps", 1, "gaps"), _gap_table(view, answers, words),
        )  # fmt: skip
    return (
        StatusBox(_status(view, template.public)),
        Heading("Gaps", 1, "gaps"),
        _gap_table(view, answers, words),
        Heading("What the audit found", 1, "found"),
        Paragraph(
            (
                verdict_mark(view.verdict),
                Text(" "),
                *text(view.verdict_sentence, "strong"),
                *(Text(f" {sentence}") for sentence in story(view)),
            )
        ),
        *(node for name in _order(view) for node in _block(view, name, template)),
        Heading("What a reviewer would ask", 1, "deficiencies"),
        *_block(view, "deficiencies", template),
        Contents(),
    )


def _order(view: AuditView) -> tuple[str, ...]:
    """Two versions are told apart first; one version is told by its endpoints."""
    return ("comparison", "endpoints") if view.comparator else ("endpoints", "comparison")


def _block(view: AuditView, name: str, template: Template) -> tuple[Node, ...]:
    block: Block[Any] = entry("dossier.blocks", name, "the first pages")
    return block.build(view, block.parameters.model_validate(of_market(block, template)))


def _in_one_line(view: AuditView, answers: tuple[Answer, ...]) -> tuple[StatusItem, ...]:
    """Data and gaps where a whole table has no room: the serious gaps in full, the others by number."""
    found = gaps(view)
    serious: list[Run] = []
    for gap in found:
        if gap.severity == "serious" and gap.id != "simulated":
            serious += [*gap.what, Text(" ")]
    rest = sum(gap.severity != "serious" for gap in found)
    lacking = sum(bool(answer.missing) for answer in answers)
    words = f"{rest} further gaps stand in the full documents; {lacking} facts of this page are missing or partial."
    data = StatusItem("Data", text("SIMULATED DATA: no patient is described", "strong"), "bad")
    return (*((data,) if view.simulated else ()), StatusItem("Gaps", (*serious, Text(words)), "bad"))


def _status(view: AuditView, public: bool = False) -> tuple[StatusItem, ...]:
    verdict = (verdict_mark(view.verdict), Text(f" {view.verdict_sentence}", "strong"))
    items = [StatusItem("Verdict", verdict, VERDICT_TONES.get(view.verdict, "note")), _mode(view)]
    if story(view):
        items.append(StatusItem("Found", text(" ".join(story(view))), "note"))
    if view.recorded_predictions:
        items.append(StatusItem("Predictions", text("predictions existed before the lock", "strong"), "bad"))
    if view.simulated:
        items.append(StatusItem("Data", text("SIMULATED DATA: no patient is described", "strong"), "bad"))
    else:
        items.append(StatusItem("Data", text("images and references as described in each set.yaml"), "quiet"))
    items += _erased(view)
    signed = text(view.signed) if view.signed else text("unsigned", "strong")
    items.append(StatusItem("Signatures", signed, "good" if view.signed else "part"))
    if public:
        items.append(StatusItem("Readers", text("public: meant for anybody"), "note"))
    items.append(StatusItem("Version audited", text(f"{view.candidate.label} (candidate)"), "quiet"))
    if view.comparator:
        items.append(StatusItem("Compared with", text(f"{view.comparator.label} (comparator)"), "quiet"))
    return tuple(items)


def _erased(view: AuditView) -> list[StatusItem]:
    return [StatusItem("Erased", text(" ".join(view.erasures)), "part")] if view.erasures else []


def _mode(view: AuditView) -> StatusItem:
    if view.mode == "exploratory":
        return StatusItem("Plan", (Text("EXPLORATORY", "strong"), Text(f": {view.mode_reason}")), "bad")
    return StatusItem("Plan", (Text("confirmatory: locked at "), fact(view, LOCK, "at")), "good")


def _gap_table(view: AuditView, answers: tuple[Answer, ...], words: str) -> Table:
    columns = (Column("Weight", 1.0), Column("Gap", 3.4), Column("Clause", 1.15), Column("Remedy", 2.3))
    rows = [_gap_row(gap, words) for gap in gaps(view)]
    lacking = missing_by_owner(answers)
    if lacking:
        rows.insert(_first_note(view), _missing_row(answers, lacking))
    return Table("", columns, tuple(rows))


def _gap_row(gap: Gap, words: str) -> Row:
    mark = Mark(gap.severity, SEVERITY_TONES[gap.severity])
    return Row(((mark,), gap.what, text(gap.clause(words), "quiet"), text(gap.remedy)))


def _first_note(view: AuditView) -> int:
    return sum(gap.severity == "serious" for gap in gaps(view))


def _missing_row(answers: tuple[Answer, ...], lacking: tuple[tuple[str, tuple[Answer, ...]], ...]) -> Row:
    missing = sum(answer.status == "missing" for answer in answers)
    part = sum(answer.status == "partly evidenced" for answer in answers)
    who = ", ".join(f"{owner} {len(each)}" for owner, each in lacking[:OWNERS])
    who += f", others {sum(len(each) for _, each in lacking[OWNERS:])}" if len(lacking) > OWNERS else ""
    what = f"Of {len(answers)} requirements {missing} are missing and {part} partly evidenced. Who must supply: {who}."
    remedy = "See the requirement matrix; declare in device.yaml or add the evidence named there."
    return Row(((Mark("serious", "bad"),), text(what), text("all sections", "quiet"), text(remedy)))


def story(view: AuditView) -> tuple[str, ...]:
    """One sentence per version: the levels on which its whole interval lies beyond the plan's limits, by measure."""
    attribute = telling_attribute(view)
    asked = questions(view)
    if attribute is None or not asked:
        return ()
    return tuple(_sentence(view, version, attribute, asked) for version in view.versions)


def _sentence(view: AuditView, version: str, attribute: str, asked: tuple[Question, ...]) -> str:
    who, what = with_role(view, version), attribute_label(attribute)
    by_levels: dict[tuple[str, ...], list[str]] = {}
    for question in asked:
        levels = failing(view, version, question, attribute)
        if levels:
            by_levels.setdefault(levels, []).append(_named(view, question))
    if not by_levels:
        return f"{who} fails on no {what}{_undecided(view, version, attribute, asked)}."
    parts = [
        f"on {what} {few(levels)}{_unseen(view, version, attribute, levels)}: {'; '.join(names)}"
        for levels, names in by_levels.items()
    ]
    more = f", and {len(parts) - CLAUSES} further combinations" if len(parts) > CLAUSES else ""
    return f"{who} fails {', and '.join(parts[:CLAUSES])}{more}."


def _named(view: AuditView, question: Question) -> str:
    name = quantity(view, question.measure, question.target)
    return name[:1].lower() + name[1:] if name[1:2].islower() else name


def _undecided(view: AuditView, version: str, attribute: str, asked: tuple[Question, ...]) -> str:
    """The levels on which an interval straddles its limit: not failing is not yet shown."""
    open_levels = dict.fromkeys(
        level for question in asked for level in reading(view, version, question, attribute, "not shown")
    )
    return f"; not every limit is shown to be met on {few(tuple(open_levels))}" if open_levels else ""


def _unseen(view: AuditView, version: str, attribute: str, failing_levels: tuple[str, ...]) -> str:
    """Whether its training held these levels, where the registered version says what it was trained on."""
    stated = view.versions[version].parameters.get(f"training_{attribute}")
    trained = set(stated.split("; ")) if stated else set(failing_levels)
    unseen = [level for level in failing_levels if level not in trained]
    if len(unseen) == len(failing_levels):
        return ", absent from its training set"
    return f" ({few(unseen)} absent from its training set)" if unseen else ""
