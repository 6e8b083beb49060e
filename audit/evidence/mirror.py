"""The copy of an audit's files in MLflow's artifact store, where that is not the home's own folder.

The home's folder counts; the copy is what MLflow's page shows and what others fetch. Each stated file is put there when
it is written, the ledger whenever its head is anchored; ``audit verify`` fetches all of it and names what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TypeVar
from urllib.parse import urlsplit

from audit.evidence.difference import Difference
from audit.evidence.files import folder_files
from audit.evidence.statements import sha256
from audit.home import open_home
from audit.home_address import address_of
from audit.home_record import RECORD
from audit.records import BadInput

Out = TypeVar("Out")


def is_mirrored(home: Path, run_id: str) -> bool:
    """Whether the run's artifacts stand elsewhere than in the home."""
    if (home / RECORD).is_file() or address_of(home) is None:
        return False
    return urlsplit(_place(home, run_id)).scheme not in ("", "file")


@lru_cache(maxsize=64)
def _place(home: Path, run_id: str) -> str:
    """Where MLflow keeps the run's artifacts; that never changes."""
    return str(_reached(lambda: open_home(home).get_run(run_id).info.artifact_uri))


def put(home: Path, run_id: str, folder: Path, names: Iterable[str]) -> None:
    """Copies the files ``names`` of ``folder`` into the run's artifacts."""
    for name in names:
        parent = PurePosixPath(name).parent.as_posix()
        _reached(partial(open_home(home).log_artifact, run_id, str(folder / name), parent.strip(".")))


def take_out(home: Path, run_id: str, names: Iterable[str]) -> None:
    """Deletes the files ``names`` from the run's artifacts; a store that keeps old versions keeps them."""
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository = _reached(lambda: get_artifact_repository(_place(home, run_id)))
    for name in names:
        _reached(partial(repository.delete_artifacts, name))


def put_missing(home: Path, run_id: str, folder: Path, names: list[str]) -> None:
    """Copies those of ``names`` that the run's artifacts lack: what a broken connection left behind."""
    with TemporaryDirectory(prefix="audit-mirror-") as place:
        there = _fetched(home, run_id, Path(place))
    put(home, run_id, folder, [name for name in names if name not in there and (folder / name).is_file()])


def check(home: Path, run_id: str, expected: Mapping[str, str]) -> Iterator[Difference]:
    """What the artifact store has otherwise than ``expected`` (name -> SHA-256)."""
    with TemporaryDirectory(prefix="audit-mirror-") as place:
        there = _fetched(home, run_id, Path(place))
    for name in sorted({*expected, *there}):
        before, found = expected.get(name, "no such file"), there.get(name, "no file")
        if before != found:
            what = _WORDS.get((name in expected, name in there), "It was replaced in the artifact store.")
            yield Difference(f"artifact store: {name}", before, found, what)


_WORDS = {
    (True, False): "It was taken out of the artifact store, or never arrived there.",
    (False, True): "It was put into the artifact store by somebody else.",
}


def _fetched(home: Path, run_id: str, place: Path) -> dict[str, str]:
    """Name -> SHA-256 of everything that the run's artifacts hold."""
    client, uri = open_home(home), _place(home, run_id)
    if not _reached(lambda: client.list_artifacts(run_id)):
        return {}
    from mlflow.artifacts import download_artifacts

    folder = Path(_reached(lambda: download_artifacts(artifact_uri=uri, dst_path=str(place))))
    return {name: sha256(path.read_bytes()) for name, path in folder_files(folder).items()}


def _reached(call: Callable[[], Out]) -> Out:
    """``call``, whose failure is one sentence."""
    from mlflow.exceptions import MlflowException

    try:
        return call()
    except (MlflowException, OSError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise BadInput(f"MLflow's artifact store cannot be reached ({reason}); run the same command again.") from error
