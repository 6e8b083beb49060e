"""``audit handback``: a Word file that a writer edited comes back; its declared words are taken over, nothing else is.

An edited result, edited words of a template, a paragraph added or taken out elsewhere, or a figure that reads like a
result is named, and then nothing of the file is taken over.
"""

from __future__ import annotations

import datetime
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from audit.dossier.content import Passage
from audit.dossier.declared_texts import DEVICE_FILE
from audit.dossier.device import Declaration, Device, prose_files, read_device
from audit.dossier.device_editing import with_prose
from audit.dossier.prose import to_markdown, words_of
from audit.dossier.prose_figures import typed_figures
from audit.dossier.word_reading import WordText, core_of, read_word, reread, strangers
from audit.evidence.difference import Difference
from audit.evidence.keys import SigningKey
from audit.evidence.statements import sha256
from audit.evidence.store import AuditStore, open_audit
from audit.records import BadInput
from audit.stating import HANDED_BACK, check_declared, measure_names, state_device
from audit.verifying.word_checking import fixed_differences, result_differences


@dataclass(frozen=True, slots=True)
class Taken:
    """A declared text that was taken over: where its words lie now, digests of the words before and after."""

    requirement: str
    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class HandedBack:
    """What came of a file: texts taken over, or why nothing was."""

    audit: str
    document: str
    taken: tuple[Taken, ...]
    refused: tuple[Difference, ...]


def hand_back(path: Path, home: Path, by: str, device: Path | None = None, key: SigningKey | None = None) -> HandedBack:
    """Takes the edited declared texts of the Word file in ``path`` into the evidence, and into the prose files beside
    ``device`` where that is given, so that the next build prints them in every format.

    Raises ``BadInput`` where the file is no delivered Word document, or an earlier version, or where ``device`` does
    not hold the words from which the document was built.
    """
    data = _bytes(path)
    store, document = _source(data, path, home, key)
    name = f"documents/{document}.docx"
    delivered, found = read_word(_delivered(store, name, data, path), name), read_word(data, str(path))
    record = json.loads(store.read_bytes(f"documents/{document}.json"))
    new, names = reread(delivered, found), _requirements(record)
    held = read_device(store.folder / DEVICE_FILE) if names else None
    declared = [held.declared[name] for name in names] if held else []
    refused = tuple(_refused(store, path.name, record, delivered, found, new, declared))
    if refused or not new or held is None:
        return HandedBack(store.audit_id, document, (), refused)
    day = datetime.date.fromisoformat(store.clock()[:10])
    texts = {names[index]: to_markdown(versions[0]) for index, versions in new.items()}
    taken = _take_over(store, held, texts, by, day, device)
    body = {"document": document, "by": by, "date": day.isoformat(), "texts": [asdict(each) for each in taken]}
    stated = [store.subjects()[each.file] for each in taken]
    subject = {f"handed back:{document}.docx": sha256(data)}
    store.state_that(HANDED_BACK, subject, [store.subjects()[name], *stated], body)
    return HandedBack(store.audit_id, document, tuple(taken), ())


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give the Word file that was edited.") from error


def _source(data: bytes, path: Path, home: Path, key: SigningKey | None) -> tuple[AuditStore, str]:
    """The audit and the document that the file says it is."""
    audit, _, document = core_of(data, str(path))["identifier"].rpartition("/")
    if not audit:
        raise BadInput(
            f"{path}: does not say which document it was (its property 'identifier' is gone); edit the delivered Word "
            "file itself and hand that back."
        )
    store = open_audit(home, audit, key=key)
    if f"documents/{document}.docx" not in store.subjects():
        raise BadInput(f"{path}: audit {store.audit_id} has no document '{document}'; build it with 'audit dossier'.")
    return store, document


def _delivered(store: AuditStore, name: str, data: bytes, path: Path) -> bytes:
    """The delivered file that stands; raises ``BadInput`` where it was changed or is a later version than ``path``."""
    standing = store.read_bytes(name)
    if sha256(standing) != store.subjects()[name].subjects[name]:
        raise BadInput(f"the copy of {name} in audit {store.audit_id} was changed; run 'audit verify' first.")
    before, now = (core_of(one, name)["keywords"] for one in (data, standing))
    if before != now:
        raise BadInput(
            f"{path}: was edited from an earlier version ({before or 'without a ledger root'}; the standing version "
            f"has {now}); carry the edits into the standing version and hand that back."
        )
    return standing


def _requirements(record: Mapping[str, object]) -> list[str]:
    """The document's declared texts in the order in which its bookmarks number them."""
    found: dict[str, None] = {}

    def walk(part: object) -> None:
        if isinstance(part, dict):
            if part.get("type") == "Prose":
                found.setdefault(str(part["requirement"]))
            for each in part.values():
                walk(each)
        elif isinstance(part, list):
            for each in part:
                walk(each)

    walk(record)
    return list(found)


def _refused(
    store: AuditStore,
    name: str,
    record: Mapping[str, Sequence[Mapping[str, str]]],
    delivered: WordText,
    found: WordText,
    new: Mapping[int, Sequence[tuple[Passage, ...]]],
    declared: Sequence[Declaration],
) -> Iterator[Difference]:
    """Everything in the file that cannot be taken over."""
    yield from result_differences(name, record["values"], delivered, found)
    yield from fixed_differences(name, delivered, found)
    for words in strangers(found):
        what = "The paragraph belongs to no declared text; write it between the paragraphs of the text it continues."
        yield Difference(f"{name}: declared text", "nothing", words, what)
    measures = measure_names(store) if new else []
    for index, versions in new.items():
        yield from _text_refused(f"{name}: declared text {index + 1}", versions, declared[index], measures)


def _text_refused(
    thing: str, versions: Sequence[tuple[Passage, ...]], before: Declaration, measures: Sequence[str]
) -> Iterator[Difference]:
    if len(versions) > 1:
        what = "The text is printed several times and was edited in different ways; edit one of them only."
        yield Difference(thing, "one new version", f"{len(versions)} versions", what)
        return
    words = words_of(versions[0]).strip()
    if not words:
        what = "The text was taken out; a declaration is withdrawn in device.yaml, by whoever answers for it."
        yield Difference(thing, "words", "nothing", what)
        return
    for measure, figure in typed_figures(before.model_copy(update={"text": words, "file": ""}), measures):
        what = "A figure that reads like a result was typed; results come from the evidence alone."
        yield Difference(thing, f"no figure beside '{measure}'", f"'{figure}'", what)


# ---- taking over


def _take_over(
    store: AuditStore, held: Device, texts: Mapping[str, str], by: str, day: datetime.date, device: Path | None
) -> list[Taken]:
    """Writes the new words beside ``device`` and states them; everything is checked before anything is written."""
    if device is not None:
        _same_as_held(store, held, device)
    base = store.read_bytes(DEVICE_FILE).decode("utf-8")
    files = {name: held.declared[name].file or f"prose/{name}.md" for name in texts}
    for name, file in files.items():
        base = with_prose(base, name, file, by, day)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / DEVICE_FILE
        (made.parent / "prose").mkdir()
        made.write_bytes(base.encode())
        for file in prose_files(held):
            (made.parent / file).write_bytes(store.read_bytes(file))
        for name, words in texts.items():
            (made.parent / files[name]).write_bytes(words.encode())
        check_declared(store, _as_meant(made, held, texts), made)
        if device is not None:
            _write_beside(device, made, list(files.values()))
        state_device(store, made, handed_back=True)
    return [
        Taken(name, files[name], held.declared[name].sha256, sha256(words.encode())) for name, words in texts.items()
    ]


def _same_as_held(store: AuditStore, held: Device, device: Path) -> None:
    """Raises ``BadInput`` where the writer's own files are not those that the audit holds."""
    for name in (*prose_files(held), DEVICE_FILE):
        own = device if name == DEVICE_FILE else device.parent / name
        if not own.is_file() or own.read_bytes() != store.read_bytes(name):
            raise BadInput(
                f"{own}: is not what the document was built from; build the documents again with it, or take the edits "
                "over by hand."
            )


def _as_meant(made: Path, held: Device, texts: Mapping[str, str]) -> Device:
    """The device as it will be read; raises ``BadInput`` where anything but the texts became another."""
    new = read_device(made)
    others = {name for name, each in held.declared.items() if all(each is not held.declared[one] for one in texts)}
    same = {name: new.declared.get(name) for name in others} == {name: held.declared[name] for name in others}
    if not same or held.model_dump(exclude={"declared"}) != new.model_dump(exclude={"declared"}):
        raise BadInput("device.yaml cannot be edited as it is written; write the edited texts into it by hand.")
    return new


def _write_beside(device: Path, made: Path, files: Sequence[str]) -> None:
    """Puts the new files into the writer's folder, device.yaml last, each whole or not at all."""
    for name in (*files, DEVICE_FILE):
        target = device if name == DEVICE_FILE else device.parent / name
        target.parent.mkdir(exist_ok=True)
        unfinished = target.with_name(f".{target.name}.new")
        unfinished.write_bytes((made.parent / name).read_bytes())
        os.replace(unfinished, target)
