"""Worker processes that may die: a file that hangs or crashes a decoder costs its own record, nothing else.

The standard process pools lose every waiting task when one worker dies; here each worker has its own pipe and its own
clock. Results come in the order in which they are ready.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from audit.records import BadInput

SECONDS = 120.0  # for one task; the largest image in the limits decodes in well under a minute
MEMORY_BYTES = 12 << 30  # address space of one worker
READY = "ready"  # a worker's first word: its clock starts when it can work, not while it imports
Task = tuple[Any, ...]
Function = Callable[..., Any]


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    tasks: list[Task] = field(default_factory=list)
    since: float = math.inf
    ready: bool = False
    gone: bool = False


def run(
    function: Function,
    chunks: Iterable[list[Task]],
    lost: Callable[[Task, str], Any],
    workers: int,
    seconds: float = SECONDS,
) -> Iterator[list[Any]]:
    """``function(*task)`` for each task of each chunk; one list of results for each chunk, as they are ready.

    A task that runs longer than ``seconds`` or kills its worker gives ``lost(task, reason)``; the rest of its chunk
    runs in a fresh worker. A worker that dies before it could begin is no file's fault and raises ``BadInput``. Chunks
    are drawn only when a worker is free, so that nothing piles up. ``workers`` 0: all in this process, without that
    protection.
    """
    if not workers:
        yield from ([function(*task) for task in chunk] for chunk in chunks)
        return
    waiting = iter(chunks)
    pool = [_start(function) for _ in range(workers)]
    try:
        for worker in pool:
            _give(worker, next(waiting, None))
        results: dict[int, list[Any]] = {id(w): [] for w in pool}
        while any(w.tasks for w in pool):
            _await(pool, seconds)
            for place, worker in enumerate(pool):
                done = results[id(worker)]
                done += _received(worker)
                reason = _lost_reason(worker, seconds)
                if reason:
                    done.append(lost(worker.tasks[0], reason))
                    pool[place] = _replaced(worker, function)
                    results[id(pool[place])] = results.pop(id(worker))
                    worker = pool[place]
                if done and not worker.tasks:
                    results[id(worker)] = []
                    _give(worker, next(waiting, None))
                    yield done
    finally:
        for worker in pool:
            _stop(worker)


def _start(function: Function) -> _Worker:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["audit.intake.scanning", "audit.intake.stacking"])
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, function), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _serve(pipe: Connection, function: Function) -> None:
    """The worker's whole life: bounded memory, one answer for each task."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    with contextlib.suppress(EOFError, KeyboardInterrupt, OSError):
        pipe.send(READY)
        while True:
            for task in pipe.recv():
                pipe.send(function(*task))


def _give(worker: _Worker, tasks: list[Task] | None) -> None:
    if tasks:
        worker.tasks = list(tasks)
        worker.since = time.monotonic() if worker.ready else math.inf
        with contextlib.suppress(BrokenPipeError):
            worker.pipe.send(tasks)


def _await(pool: list[_Worker], seconds: float) -> None:
    busy = [w for w in pool if w.tasks]
    soonest = min(min(w.since for w in busy) + seconds - time.monotonic(), seconds)
    wait([*(w.pipe for w in busy), *(w.process.sentinel for w in busy)], timeout=max(0.0, soonest) + 0.01)


def _received(worker: _Worker) -> list[Any]:
    results: list[Any] = []
    try:
        while worker.tasks and worker.pipe.poll():
            answer = worker.pipe.recv()
            if worker.ready:
                results.append(answer)
                worker.tasks.pop(0)
            worker.ready = True
            worker.since = time.monotonic()
    except (EOFError, OSError):  # the other end is gone: its process died
        worker.gone = True
    return results


def _lost_reason(worker: _Worker, seconds: float) -> str:
    if not worker.tasks:
        return ""
    if worker.gone and not worker.ready:
        raise BadInput(
            "a reading process ended before its first file: not a file but this installation or a lack of memory is at "
            "fault; repeat the command, which goes on where it stopped, with fewer workers or after a new installation."
        )
    if worker.gone:
        return "reading it crashed the decoder; the file is damaged or hostile."
    late = time.monotonic() - worker.since >= seconds
    return f"reading it took longer than {seconds:.0f} seconds and was stopped." if late else ""


def _replaced(worker: _Worker, function: Function) -> _Worker:
    rest = worker.tasks[1:]
    _stop(worker)
    fresh = _start(function)
    _give(fresh, rest)
    return fresh


def _stop(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()
