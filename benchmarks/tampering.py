"""One thing changed in a finished audit, many times over: is each change named? Is an untouched audit left alone?

    python benchmarks/tampering.py [UNTOUCHED] [SEED]

The toy audit (two versions, two documents) is made once. Each change is made in it, looked for, and undone. Every file
of the audit, of its registered versions and of its set's description is changed in a random byte, cut, emptied and
taken away; every line of ledger and register is edited, taken out, doubled, moved and replaced by another audit's;
every column of MLflow's database that its client shows is edited. A change is *named* where verification names the
thing that was changed. Verification's own recomputation is left out where digests found the change already; the rest
is carried out in one process that has everything loaded. What was found is kept every few changes, so that a study may
be stopped. Results: benchmarks/results/tampering.json.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "walk")]

from machine import machine_facts  # noqa: E402
from test_mlflow_edits import STATEMENTS  # noqa: E402
from toy_walk import MAIN, audit, register_toys, write_plan, write_set  # noqa: E402

from audit.evidence.binding import changes  # noqa: E402
from audit.evidence.integrity import check_integrity  # noqa: E402
from audit.evidence.locks import read_lock  # noqa: E402
from audit.evidence.store import AuditStore, open_audit  # noqa: E402
from audit.models.stored import file_digests  # noqa: E402
from audit.records import BadInput  # noqa: E402
from audit.tabulating import stored_plan  # noqa: E402
from audit.verifying.checking import verify_anything  # noqa: E402
from audit.verifying.sets_today import sets_today  # noqa: E402

RESULTS = HERE / "results" / "tampering.json"
KEPT_EVERY = 50


@dataclass(frozen=True)
class Change:
    """One change: its kind, what it is done to, how it is done, and what verification must name (any of these)."""

    kind: str
    thing: str
    make: Callable[[], None]
    named: tuple[str, ...]


def prepare(folder: Path) -> None:
    write_set(folder / "discs")
    write_plan(folder)
    register_toys(folder / "evidence")
    here = ("--home", folder / "evidence")
    for words in (("lock", folder / "plan.yaml"), ("run", folder / "plan.yaml", "--device", "cpu"), ("dossier", *MAIN)):
        done = audit(*words, *here)
        assert done.code == 0, done.err


def of_files(files: dict[str, Path], chance: random.Random, named: Callable[[str], str]) -> Iterator[Change]:
    for name, path in files.items():
        data = path.read_bytes()
        place = chance.randrange(len(data))

        def flip(path: Path = path, data: bytes = data, place: int = place) -> None:
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])

        def half(path: Path = path, data: bytes = data) -> None:
            path.write_bytes(data[: len(data) // 2])

        what = (named(name),)
        yield Change("byte of a file", name, flip, what)
        yield Change("file cut short", name, half, what)
        yield Change("file emptied", name, lambda path=path: path.write_bytes(b"") and None, what)
        yield Change("file taken away", name, path.unlink, what)


def of_lines(path: Path, stranger: bytes, chance: random.Random) -> Iterator[Change]:
    lines = path.read_bytes().splitlines(keepends=True)
    named = (path.name, "MLflow tag audit.statement", "register.jsonl", "MLflow tag audit.state")

    def change(kind: str, number: int, new: list[bytes]) -> Change:
        return Change(
            f"{kind} ({path.name})", f"line {number + 1}", lambda: path.write_bytes(b"".join(new)) and None, named
        )

    for number, line in enumerate(lines):
        place = chance.randrange(len(line) - 1)
        edited = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
        before, after = lines[:number], lines[number + 1 :]
        yield change("line edited", number, [*before, edited, *after])
        yield change("line taken out", number, [*before, *after])
        yield change("line doubled", number, [*before, line, line, *after])
        yield change("another audit's line", number, [*before, stranger, *after])
        yield change("cut", number, before + ([line[: len(line) // 2]] if number % 2 else []))
        if after:
            yield change("lines swapped", number, [*before, after[0], line, *after[1:]])


def of_the_database(home: Path) -> Iterator[Change]:
    for name, statement in STATEMENTS.items():

        def execute(statement: str = statement) -> None:
            with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
                database.execute(statement)

        yield Change("MLflow's database", name, execute, ("MLflow", "ledger.jsonl", "register.jsonl", "model"))


def all_changes(folder: Path, stranger: bytes, chance: random.Random) -> Iterator[Change]:
    home = folder / "evidence"
    store = open_audit(home, producer={})
    own = {
        path.relative_to(store.folder).as_posix(): path for path in sorted(store.folder.rglob("*")) if path.is_file()
    }
    ledger = own.pop("ledger.jsonl")
    yield from of_files(own, chance, lambda name: name)
    models = home / "artifacts" / "training" / "models"
    files = {path.relative_to(models).as_posix(): path for path in sorted(models.rglob("*")) if path.is_file()}
    yield from of_files(files, chance, lambda _: "model ")
    declared = {name: folder / "discs" / name for name in ("manifest.csv", "set.yaml")}
    yield from of_files(declared, chance, lambda _: "validation set")
    yield from of_lines(ledger, stranger, chance)
    yield from of_lines(home / "register.jsonl", stranger, chance)
    yield from of_the_database(home)
    added = store.folder / "documents" / "better.pdf"
    yield Change(
        "file added", "documents/better.pdf", lambda: added.write_bytes(b"%PDF") and None, ("documents/better.pdf",)
    )


def found_by_digests(store: AuditStore) -> list[str]:
    found = [one.thing for one in check_integrity(store)]
    try:
        bound, plan = read_lock(store), stored_plan(store)
        today = sets_today(store, plan, None)
        found += ["validation set"] if today.absent else []
        models = {role: file_digests(ref, store.home) for role, ref in plan.registered.items()}
        found += [what for what, _, _ in changes(bound, today.digests(bound.sets), models)]
    except BadInput as error:
        found.append(f"model files or validation set: {error}")
    return found


def look(home: Path) -> list[str]:
    """What verification names: by digests, and where they find nothing, by everything it does."""
    found = found_by_digests(open_audit(home, producer={}))
    return found or [one.thing for one in verify_anything(None, home).differences]


def undo(folder: Path, clean: Path) -> None:
    for path in sorted(clean.rglob("*")):
        there = folder / path.relative_to(clean)
        if (
            path.is_file()
            and path.name != "mlflow.db"
            and (not there.exists() or there.read_bytes() != path.read_bytes())
        ):
            there.write_bytes(path.read_bytes())
    for path in sorted((folder / "evidence" / "artifacts").rglob("*.pdf")):
        if not (clean / path.relative_to(folder)).exists():
            path.unlink()
    clean_one, edited = (where / "evidence" / "mlflow.db" for where in (clean, folder))
    with closing(sqlite3.connect(clean_one)) as source, closing(sqlite3.connect(edited)) as target:
        source.backup(target)


def study(untouched: int, seed: int, place: Path) -> Iterator[dict[str, Any]]:
    """What was found so far, every now and then."""
    folder, clean, other = place / "walk", place / "clean", place / "other"
    prepare(folder)
    shutil.copytree(folder, clean)
    shutil.copytree(folder, other)
    write_plan(other, id="other", seed=8)
    assert audit("lock", other / "plan.yaml", "--home", other / "evidence").code == 0
    stranger = (
        open_audit(other / "evidence", "other", producer={}).ledger.path.read_bytes().splitlines(keepends=True)[0]
    )
    home, tried, missed, elsewhere = folder / "evidence", Counter[str](), [], []
    facts = {"machine": machine_facts(), "seed": seed}
    every = list(all_changes(folder, stranger, random.Random(seed)))

    def so_far(verified: int, passed: int) -> dict[str, Any]:
        return facts | {
            "changes": dict(tried), "total": sum(tried.values()), "planned": len(every), "not_found": missed,
            "found_but_named_otherwise": elsewhere, "untouched": {"verified": verified, "passed": passed},
        }  # fmt: skip

    for number, change in enumerate(every, 1):
        change.make()
        try:
            found = look(home)
        except BadInput as error:
            found = [f"refused: {error}"]
        tried[change.kind] += 1
        if not found:
            missed.append([change.kind, change.thing])
        elif not any(each.startswith(change.named) or change.thing in each for each in found):
            elsewhere.append([change.kind, change.thing, found[0][:200]])
        undo(folder, clean)
        if number % KEPT_EVERY == 0:
            yield so_far(0, 0)
    passed = 0
    for verified in range(1, untouched + 1):
        passed += not verify_anything(None, home).differences
        yield so_far(verified, passed)


def main() -> None:
    untouched = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory(prefix="tampering-") as place:
        for found in study(untouched, seed, Path(place)):
            RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
            counts = {name: len(found[name]) for name in ("not_found", "found_but_named_otherwise")}
            print(f"{found['total']} of {found['planned']} changes: {counts}; {found['untouched']}", flush=True)


if __name__ == "__main__":
    main()
