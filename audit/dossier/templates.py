"""A document as data: sections, the requirements they answer, the blocks they print. Results cannot be typed into one.

``read_template`` refuses, with file and line: an unknown clause, block, evidence kind, condition, word or instrument,
a literal number in a result cell, and a typed result in running text. What answers a clause stands once for every
document in ``templates/answers.yaml``; words, paper and market come from the instrument.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from audit.catalogue import entries
from audit.datafolders import data_folder
from audit.dossier.answering import Answering, known_answers
from audit.dossier.block import Block
from audit.dossier.catalogues import instruments, known_requirements, vocabulary
from audit.dossier.conditions import CONDITIONS
from audit.dossier.lines import Lines, Place
from audit.dossier.probes import PROBES
from audit.records import BadInput

BLOCKS_ROOM = "dossier.blocks"
TYPED_RESULT = re.compile(
    r"(?<![\w.(])(?:0[.,]\d+|[−+-]\d+[.,]\d+|\d+(?:[.,]\d+)?\s?(?:%|percent\b|mm\b|mL\b|ml\b|patients\b|cases\b|images\b))"
)
WORD = re.compile(r"\{(\w+)\}")
Panel = Literal["requirements", "checklist", "none"]


class Part(BaseModel):
    """Base of every part: unknown keys are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Conditional(Part):
    """A part that stands only under conditions; where they fail, the stated reason is printed instead."""

    when: Mapping[str, str | bool | tuple[str | bool, ...]] = Field(default_factory=dict)
    not_applicable_because: str = ""


class Asked(Conditional):
    """A requirement by its id; ``evidence`` and ``owner`` where this document's differ from ``answers.yaml``."""

    id: str
    evidence: tuple[str, ...] = ()
    owner: str = ""

    @model_validator(mode="before")
    @classmethod
    def _id_alone(cls, value: object) -> object:
        return {"id": value} if isinstance(value, str) else value

    @property
    def answering(self) -> Answering:
        """The kinds of evidence that answer it, and who owns what a run cannot give."""
        common = known_answers().get(self.id, Answering())
        return Answering(self.evidence or common.evidence, self.owner or common.owner, common.feeds)


class BlockCall(Part):
    """A block by its kind, with its parameters."""

    model_config = ConfigDict(extra="allow", frozen=True)
    kind: str

    @property
    def parameters(self) -> Mapping[str, Any]:
        return dict(self.model_extra or {})


class TemplateSection(Conditional):
    """A section: title, requirements, blocks; what it ``shows`` and does not; ``panel`` where it differs."""

    title: str
    clause: str = ""
    shows: str = ""
    shows_not: str = ""
    panel: Panel | None = None
    requirements: tuple[Asked, ...] = ()
    blocks: tuple[BlockCall, ...] = ()


class Template(Conditional):
    """A whole document as data.

    ``when``: whom it concerns beside the instrument's market. ``front``: status, gaps and findings ('full'), status
    and gaps ('gaps'), or status with the gaps in one line ('brief'). ``panel``: how a section lists its requirements.
    ``closing``: requirement matrix and every statement, or the cited statements alone. ``pages_of``: documents of the
    same run whose pages a checklist names. ``public``: meant for anybody; small cells are suppressed
    and no block names single cases.
    """

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_]*$")
    title: str
    subtitle: str = ""
    instrument: str
    vocabulary: Literal["eu", "fda", "both"]
    page: Literal["A4", "Letter"]
    front: Literal["full", "gaps", "brief"] = "full"
    panel: Panel = "requirements"
    closing: Literal["matrix", "evidence"] = "matrix"
    pages_of: tuple[str, ...] = ()
    public: bool = False
    sections: tuple[TemplateSection, ...] = Field(min_length=1)


def read_template(path: Path) -> Template:
    """The template in ``path``; raises ``BadInput`` with file, line and reason."""
    try:
        source = path.read_text(encoding="utf-8")
        raw = yaml.safe_load(source)
    except OSError as error:
        raise BadInput(f"{path}: the template cannot be read ({error.strerror}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not valid YAML: {' '.join(str(error).split())}.") from error
    lines = Lines(source)
    try:
        template = Template.model_validate(_with_instrument(raw))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = tuple(step for step in first["loc"])
        raise BadInput(f"{path}, line {lines.of(place)}: {_dotted(place)}: {first['msg']}.") from error
    for place, problem in _problems(template):
        raise BadInput(f"{path}, line {lines.of(place)}: {problem}")
    return template


def _with_instrument(raw: Any) -> Any:
    """Words and paper as the instrument has them, where the template says nothing."""
    if not isinstance(raw, dict):
        return raw
    known = instruments().get(raw.get("instrument", ""))
    given = {"vocabulary": known.vocabulary, "page": known.page} if known else {"vocabulary": "both", "page": "A4"}
    return {**given, **raw}


def _dotted(place: Place) -> str:
    return ".".join(str(step) for step in place) or "the template"


def _problems(template: Template) -> Iterator[tuple[Place, str]]:
    if template.instrument not in instruments():
        yield ("instrument",), f"unknown instrument '{template.instrument}'; known: {', '.join(instruments())}."
    yield from _condition_problems(template, template.vocabulary, ())
    for index, name in enumerate(template.pages_of):
        if not (data_folder("templates") / f"{name}.yaml").is_file():
            yield ("pages_of", index), f"unknown document '{name}'; templates/ holds no file of that name."
    for name in ("title", "subtitle"):
        yield from _text_problems(getattr(template, name), template.vocabulary, (name,))
    for number, section in enumerate(template.sections):
        place: Place = ("sections", number)
        for name in ("title", "shows", "shows_not"):
            yield from _text_problems(getattr(section, name), template.vocabulary, (*place, name))
        yield from _condition_problems(section, template.vocabulary, place)
        for index, asked in enumerate(section.requirements):
            yield from _requirement_problems(asked, template.vocabulary, (*place, "requirements", index))
        for index, call in enumerate(section.blocks):
            yield from _block_problems(call, template.vocabulary, (*place, "blocks", index), template.public)


def _condition_problems(part: Conditional, words: str, place: Place) -> Iterator[tuple[Place, str]]:
    for name in part.when:
        if name not in CONDITIONS:
            yield (*place, "when", name), f"unknown condition '{name}'; known: {', '.join(CONDITIONS)}."
    yield from _text_problems(part.not_applicable_because, words, (*place, "not_applicable_because"))
    if part.when and not part.not_applicable_because:
        yield (*place, "when"), "a condition needs 'not_applicable_because': nothing may be left out silently."


def _requirement_problems(asked: Asked, words: str, place: Place) -> Iterator[tuple[Place, str]]:
    yield from _condition_problems(asked, words, place)
    known = known_requirements()
    if asked.id not in known:
        yield (*place, "id"), f"unknown clause '{asked.id}'; no catalogue in templates/catalogues/ has it."
        return
    for index, kind in enumerate(asked.evidence):
        if kind not in PROBES:
            where = (*place, "evidence", index)
            yield where, f"{asked.id}: unknown evidence '{kind}'; known: {', '.join(PROBES)}."
    if known[asked.id].kind != "declared" and not asked.answering.evidence and not asked.when:
        yield place, f"{asked.id} is {known[asked.id].kind} and names no evidence; add it to templates/answers.yaml."


def _block_problems(call: BlockCall, words: str, place: Place, public: bool) -> Iterator[tuple[Place, str]]:
    known: Mapping[str, Block[Any]] = entries(BLOCKS_ROOM)
    if call.kind not in known:
        yield (*place, "kind"), f"unknown block '{call.kind}'; known: {', '.join(known)}."
        return
    if public and known[call.kind].single_cases:
        yield (*place, "kind"), f"block '{call.kind}' names single cases; a public document holds none."
    yield from _literal_problems(call, place)
    yield from _text_problems(call.parameters, words, place)
    try:
        known[call.kind].parameters.model_validate(call.parameters)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        yield (*place, *first["loc"]), f"block '{call.kind}', {_dotted(first['loc'])}: {first['msg']}."


def _literal_problems(call: BlockCall, place: Place) -> Iterator[tuple[Place, str]]:
    rows = call.parameters.get("rows", ()) if call.kind == "results" else ()
    for index, row in enumerate(rows if isinstance(rows, list | tuple) else ()):
        value = row.get("value") if isinstance(row, dict) else row
        if not isinstance(value, dict):
            where = (*place, "rows", index, *(("value",) if isinstance(row, dict) else ()))
            yield where, f"a result cell names evidence; the literal {value!r} cannot stand there."


def _text_problems(value: Any, words: str, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, str):
        typed = TYPED_RESULT.search(value)
        if typed:
            yield place, f"'{typed.group()}' is a typed figure; results are bound to evidence, never written by hand."
        for name in WORD.findall(value):
            if name not in vocabulary(words):
                yield place, f"unknown word '{{{name}}}'; known: {', '.join(vocabulary(words))}."
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _text_problems(item, words, (*place, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _text_problems(item, words, (*place, index))


def translate(text: str, words: str) -> str:
    """``{term}`` replaced by this vocabulary's word."""
    return WORD.sub(lambda match: vocabulary(words)[match.group(1)], text)


def of_market(block: Block[Any], template: Template) -> dict[str, str]:
    """The market of the template's law, for blocks that print otherwise for each."""
    asked = "market" in block.parameters.model_fields
    return {"market": instruments()[template.instrument].market} if asked else {}
