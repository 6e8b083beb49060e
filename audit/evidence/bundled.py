"""What a bundle says of itself: which audit it holds and what was left out of it, and why.

An unpacked bundle is a home with ``mlflow.json`` in the place of the database and ``bundle.json`` beside it. What was
left out cannot be checked; it is never taken for checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from audit.evidence.archive import holds, unpack
from audit.evidence.statements import to_json
from audit.records import BadInput

MARK = "bundle.json"
FORMAT = "imaging-audit bundle 1"
PICTURE = "pictures of single cases"
DOCUMENT = "documents that show single cases"
SEQUESTERED = "output of single cases of sequestered sets"
REASONS = (PICTURE, DOCUMENT, SEQUESTERED)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The audit that a bundle holds; ``left_out`` maps files of its folder to one of ``REASONS``; ``models``: whether
    the files of its registered versions came along."""

    audit_id: str
    run_id: str
    left_out: Mapping[str, str]
    models: bool

    def to_json(self) -> bytes:
        """The bytes of bundle.json."""
        fields = {"audit": self.audit_id, "run": self.run_id, "left_out": self.left_out, "models": self.models}
        return to_json({"format": FORMAT, **fields}, indent=2)

    @property
    def lacks_cases(self) -> bool:
        """Whether the output of single cases was left out, so that nothing can be computed from it again."""
        return SEQUESTERED in self.left_out.values()

    def not_checked(self, registered: bool) -> list[str]:
        """What cannot be checked because it is not here, in words; ``registered``: whether a model's files exist."""
        counted = {reason: [n for n, why in self.left_out.items() if why == reason] for reason in REASONS}
        said = [f"{len(names)} {_plural(reason, names)}" for reason, names in counted.items() if names]
        models = ["the model's files"] if registered and not self.models else []
        maps = any(name.endswith(".npz") and why == PICTURE for name, why in self.left_out.items())
        compared = ["how far two versions' maps agree (taken as stored)"] if maps else []
        return [*said, *compared, *models, "the images of the validation set (never in a bundle)"]


def _plural(reason: str, names: list[str]) -> str:
    return f"files with {reason} ({sorted(names)[0]}{' and more' if len(names) > 1 else ''})"


def bundle_of(home: Path) -> Bundle | None:
    """The bundle that ``home`` was unpacked from; None for any other home. ``BadInput`` where it cannot be read."""
    path = home / MARK
    if not path.is_file():
        return None
    try:
        raw = json.loads(path.read_bytes())
        if raw["format"] != FORMAT or not set(raw["left_out"].values()) <= set(REASONS):
            raise ValueError("another format")
        return Bundle(str(raw["audit"]), str(raw["run"]), dict(raw["left_out"]), bool(raw["models"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadInput(f"{MARK}: not a bundle that this version knows ({FORMAT} expected).") from error


def is_bundle(path: Path) -> bool:
    """Whether ``path`` is a file that claims to be a bundle; what it holds is looked at when it is unpacked."""
    return path.is_file() and holds(path, MARK)


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, Bundle]]:
    """The bundle in ``path`` as a home in a temporary folder; ``BadInput`` where it cannot be unpacked safely."""
    with TemporaryDirectory(prefix="audit-bundle-") as place:
        home = Path(place) / "evidence"
        home.mkdir()
        unpack(path, home)
        bundle = bundle_of(home)
        if bundle is None:
            raise BadInput(f"{path}: no bundle of an audit ({MARK} expected in it); make one with 'audit bundle'.")
        yield home, bundle


@contextmanager
def as_home(what: str | None, home: Path) -> Iterator[tuple[Path, str | None]]:
    """Home and audit id that ``what`` and ``home`` mean, either of which may be a bundle; without one, as given."""
    given = Path(what) if what is not None and is_bundle(Path(what)) else home if is_bundle(home) else None
    if given is None:
        yield home, what
        return
    with unpacked(given) as (place, bundle):
        yield place, bundle.audit_id if what is None or given != home else what
