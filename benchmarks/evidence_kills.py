"""A small run killed with SIGKILL at random moments, started again: are the estimates the same, does the chain hold?

    python benchmarks/evidence_kills.py [NUMBER] [SEED]

Each time: a fresh home with the registered version, a run in shards of 8 images, killed at a random moment after its
ledger appeared (what a run writes, it writes after that); the ledger read at once; the run started again to its end;
every table that does not hold times compared byte by byte with that of the undisturbed run; the audit verified. Each
step is a process of its own, forked before MLflow's database is opened and after the modules are loaded that a run
uses. Results: benchmarks/results/evidence_kills.json.
"""

from __future__ import annotations

import importlib
import json
import os
import pickle
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests" / "walk")]

import mlflow.pytorch  # noqa: E402, F401
from machine import machine_facts  # noqa: E402
from toy_walk import plan, register_toys, write_plan, write_set  # noqa: E402

import audit.run as walk  # noqa: E402
from audit.commands.shared import now  # noqa: E402
from audit.evidence.store import open_audit  # noqa: E402
from audit.verifying.recomputing import verify_audit  # noqa: E402

RESULTS = HERE / "results" / "evidence_kills.json"
COMPARED = ("tables/estimates.parquet", "tables/observations.parquet", "tables/dispositions.parquet",
            "tables/analyses.parquet", "tables/references.parquet", "findings.json")  # fmt: skip


def forked(work: Callable[[], Any], until: Callable[[], object] | None = None) -> Any:
    """What ``work`` gives in a process of its own, killed when ``until`` returns; None then. Its failure is this
    one's."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 2)
        with os.fdopen(writing, "wb") as out:
            try:
                out.write(pickle.dumps((True, work())))
            except BaseException as error:
                out.write(pickle.dumps((False, f"{type(error).__name__}: {error}")))
        os._exit(0)
    os.close(writing)
    if until is not None:
        until()
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    os.waitpid(child, 0)
    if not said:
        return None
    fine, value = pickle.loads(said)
    if not fine and until is None:
        raise RuntimeError(value)
    return value


def load_what_a_run_loads(place: Path) -> None:
    """Here, once, so that the processes forked from this one need not."""
    shutil.copytree(place / "ready", place / "first")
    names = forked(lambda: (run(place / "first"), differences(place / "first"), list(sys.modules))[-1])
    for name in names:
        with suppress(Exception):  # some are loaded by their packages only
            importlib.import_module(name)


def prepare(folder: Path) -> None:
    """The toy set, its plan for one version, and a home in which that version is registered."""
    write_set(folder / "discs")
    (first, *_) = plan()["endpoints"]
    strata = {"manufacturer": {"baseline": "Aurora"}}
    nothing = dict.fromkeys(("comparator", "perturbation_arms", "explanations", "intersections"))
    write_plan(folder, **nothing, strata=strata, endpoints=[first], resamples=100)
    register_toys(folder / "evidence")


def run(folder: Path) -> str:
    """One run to its end; returns the audit's id."""
    walk.SHARD_SIZE = 8
    return walk.run_plan(folder / "plan.yaml", folder / "evidence", "Study", now(), now, "cpu").audit_id


def seconds_to_the_audit(home: Path, began: float) -> float:
    """Waits until the run has a ledger; the seconds since ``began``."""
    while not any((home / "artifacts").glob("*/*/artifacts/ledger.jsonl")):
        time.sleep(0.005)
    return time.monotonic() - began


def in_the_audit(folder: Path, moment: float) -> None:
    """Waits until so many seconds after the run's ledger appeared."""
    seconds_to_the_audit(folder / "evidence", time.monotonic())
    time.sleep(moment)


def products(folder: Path) -> dict[str, bytes]:
    store = open_audit(folder / "evidence", producer={})
    return {name: store.read_bytes(name) for name in COMPARED}


def after_the_kill(folder: Path) -> tuple[str, list[str]]:
    """How far the killed run had come, and what the ledger's check says of it."""
    from audit.evidence.store import list_audits

    if not list_audits(folder / "evidence"):
        return "before the audit began", []
    store = open_audit(folder / "evidence", producer={})
    kinds = [one.kind for one in store.statements()]
    return (kinds[-1] if kinds else "before the first statement"), [str(one) for one in store.ledger.check()]


def differences(folder: Path) -> list[str]:
    store = open_audit(folder / "evidence", producer={})
    return [f"{one.thing}: {one.explanation}" for one in verify_audit(store)]


def study(number: int, seed: int, place: Path) -> Iterator[dict[str, Any]]:
    """What was found after each kill."""
    forked(lambda: prepare(place / "ready"))
    load_what_a_run_loads(place)
    shutil.copytree(place / "ready", place / "undisturbed")
    began = time.monotonic()
    with ThreadPoolExecutor() as watcher:
        opened = watcher.submit(seconds_to_the_audit, place / "undisturbed" / "evidence", began)
        forked(lambda: run(place / "undisturbed"))
    whole = time.monotonic() - began
    expected = forked(lambda: products(place / "undisturbed"))
    generator, reached, torn, failures = random.Random(seed), Counter[str](), 0, []
    for kill in range(number):
        folder = place / "killed"
        shutil.copytree(place / "ready", folder)
        moment = generator.uniform(0, 1.05 * (whole - opened.result()))
        forked(lambda folder=folder: run(folder), lambda folder=folder, moment=moment: in_the_audit(folder, moment))
        state, flaws = forked(lambda folder=folder: after_the_kill(folder))
        reached[state] += 1
        torn += bool(flaws)
        try:
            forked(lambda folder=folder: run(folder))
            same = forked(lambda folder=folder: products(folder)) == expected
            found = forked(lambda folder=folder: differences(folder))
        except RuntimeError as error:
            same, found = False, [str(error)]
        if not same or found:
            failures.append({"kill": kill, "after_s": round(moment, 3), "reached": state, "same": same, "found": found})
        shutil.rmtree(folder)
        print(f"{kill + 1} of {number}: {moment:.2f} s into the audit ({state}); {len(failures)} failures", flush=True)
        yield {
            "machine": machine_facts(), "kills": kill + 1, "seed": seed, "undisturbed_s": round(whole, 2),
            "audit_opened_after_s": round(opened.result(), 2),
            "last_statement_when_killed": dict(reached.most_common()), "ledgers_with_a_torn_tail": torn,
            "restarts_with_other_estimates_or_a_broken_chain": len(failures), "failures": failures,
        }  # fmt: skip


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        for found in study(number, seed, Path(place)):  # kept after each, so that a study may be stopped
            RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
