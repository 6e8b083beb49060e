"""``audit bundle``: one file with what ``audit verify`` needs on another machine, without the home and the data.

Never in it: images of the validation set. Only when asked for: pictures of single cases, the documents that show them
(they are known by digest all the same), and the model's files. Of sequestered sets, output of single cases goes into
it in the role of assessment alone, and that is entered in the register as a showing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from audit.dossier.pdf_reading import holds_pictures
from audit.evidence.archive import write_archive
from audit.evidence.bundled import DOCUMENT, MARK, PICTURE, SEQUESTERED, Bundle
from audit.evidence.files import folder_files, inside, is_file
from audit.evidence.keys import KEYS
from audit.evidence.recording import mlflow_record
from audit.evidence.store import LEDGER, REGISTER, AuditStore
from audit.home_record import MODELS, RECORD
from audit.models.stored import find_stored
from audit.plan import Plan
from audit.records import BadInput
from audit.sequestering import sequestered_cases, withheld
from audit.tables import ANALYSES, CURVES, ESTIMATES, IMPORTANCE
from audit.tabulating import stored_plan

PICTURES = "explanations/"
DOCUMENTS = "documents/"
PURPOSE = "in a bundle"
SUMMARIES = tuple(f"tables/{table.name}.parquet" for table in (ESTIMATES, ANALYSES, IMPORTANCE, CURVES))
"""Tables without a row for a single case; of a sequestered set, these alone go along."""


@dataclass(frozen=True, slots=True)
class Bundled:
    """The bundle that was written."""

    path: Path
    bundle: Bundle
    files: int
    not_in_it: tuple[str, ...]


def make_bundle(store: AuditStore, out: Path, images: bool, models: bool, role: str, who: str, at: str) -> Bundled:
    """Writes the audit's evidence to ``out``. The same home and the same choices give the same bytes.

    Raises ``BadInput`` where ``out`` exists or lies in the home, or the audit never began.
    """
    _refuse(store, out)
    plan = stored_plan(store)
    hidden = _hidden(store, role, who, at)
    left_out = dict(_left_out(store, images, hidden))
    bundle = Bundle(store.audit_id, store.run_id, left_out, models)
    contents = {MARK: bundle.to_json, **_contents(store, left_out)}
    if models:
        contents |= _model_files(store, plan)
    write_archive(out, contents)
    return Bundled(out, bundle, len(contents), tuple(bundle.not_checked(bool(plan.registered))))


def _refuse(store: AuditStore, out: Path) -> None:
    if out.exists():
        raise BadInput(f"{out} exists already; give another name, a bundle is never overwritten.")
    if out.resolve().is_relative_to(store.home):
        raise BadInput(f"{out} lies in the evidence folder; write the bundle elsewhere.")


def _hidden(store: AuditStore, role: str, who: str, at: str) -> bool:
    """Whether output of single cases stays out; where it does not, its showing is registered."""
    if not store.has("set.json"):
        return False
    cases = sequestered_cases(store)["case_id"].astype(str)
    return bool(withheld(store, cases, role, PURPOSE, who, at))


def _left_out(store: AuditStore, images: bool, hidden: bool) -> Iterator[tuple[str, str]]:
    showing = _documents_with_pictures(store) if hidden or not images else set()
    for name in filter(is_file, store.subjects()):
        shows = Path(name).with_suffix("").as_posix() in showing
        if hidden and (shows or _of_single_cases(name)):
            yield name, SEQUESTERED
        elif not images and name.startswith(PICTURES):
            yield name, PICTURE
        elif not images and shows and not name.endswith(".json"):
            yield name, DOCUMENT


def _of_single_cases(name: str) -> bool:
    """Whether a file has anything of single cases: tables but the summaries, the pass, masks, explanations."""
    tables = name.startswith("tables/") and name not in (*SUMMARIES, "tables/accesses.parquet")
    return tables or name.startswith(("shards/", "marks/", "recorded/", "references/", PICTURES))


def _documents_with_pictures(store: AuditStore) -> set[str]:
    """The documents (without their suffix) whose PDF holds a picture: figures are drawn, so it shows a case."""
    names = [name for name in store.subjects() if name.startswith(DOCUMENTS) and name.endswith(".pdf")]
    present = {name: inside(store.folder, name) for name in names}
    return {name.removesuffix(".pdf") for name, path in present.items() if path.is_file() and holds_pictures(path)}


def _contents(store: AuditStore, left_out: Mapping[str, str]) -> dict[str, Callable[[], bytes]]:
    record = mlflow_record(store)
    found: dict[str, Callable[[], bytes]] = {RECORD: lambda: record}
    folder = store.folder.relative_to(store.home).as_posix()
    files = {LEDGER: store.folder / LEDGER}
    files |= {name: inside(store.folder, name) for name in store.subjects() if is_file(name) and name not in left_out}
    found |= {f"{folder}/{name}": path.read_bytes for name, path in files.items() if path.is_file()}
    keys = {f"{KEYS}/{name}": path.read_bytes for name, path in folder_files(store.home / KEYS).items()}
    return found | keys | {REGISTER: (store.home / REGISTER).read_bytes}


def _model_files(store: AuditStore, plan: Plan) -> dict[str, Callable[[], bytes]]:
    found: dict[str, Callable[[], bytes]] = {}
    for ref in plan.registered.values():
        stored = find_stored(ref, store.home)
        for name, path in folder_files(stored.folder).items():
            found[f"{MODELS}/{ref.name}/{ref.version}/{name}"] = path.read_bytes
    return found
