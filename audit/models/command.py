"""A device as a program: it reads a folder of images and writes one row per image.

It meets neither case ids, patients nor references: images have neutral names (``00000.dcm``, ...) in an empty folder.
No shell is involved, its output goes to the terminal and not into the evidence, and what it fails to do is an error of
the cases concerned.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audit.model_refs import CommandModel
from audit.models.folder import DATA
from audit.models.model import Arrays, Format, Loaded
from audit.records import BadInput, StoredFile

IMAGE = "image"
Answers = dict[str, Arrays | str]


def load(ref: CommandModel, folder: Path, _device: str) -> Loaded:
    """The command as a function of image files. A call that ends badly is repeated image by image, so that one image
    cannot take others along."""

    def read_files(files: Mapping[str, StoredFile]) -> Answers:
        found = _call(ref, folder / DATA, files)
        if isinstance(found, dict):
            return found
        if len(files) == 1:
            return dict.fromkeys(files, found)
        return {key: answer for one in files for key, answer in read_files({one: files[one]}).items()}

    return Loaded(ref.outputs, read_files=read_files)


def _call(ref: CommandModel, folder: Path, files: Mapping[str, StoredFile]) -> Answers | str:
    """Answers by case, or why the call as a whole gave none."""
    with tempfile.TemporaryDirectory(prefix="audit-") as place:
        images, table = Path(place) / "images", Path(place) / "predictions.csv"
        images.mkdir()
        names = {key: f"{number:05d}{files[key].suffix}" for number, key in enumerate(files)}
        for key, name in names.items():
            (images / name).write_bytes(files[key].data)
        problem = _run(ref, {"files": str(folder), "images": str(images), "predictions": str(table)}, len(files))
        return problem or _answers(ref, table, names)


def _run(ref: CommandModel, places: Mapping[str, str], n: int) -> str | None:
    words = [_filled(word, places) for word in ref.run]
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, timeout=ref.timeout_s * n, check=False)
    except subprocess.TimeoutExpired:
        return f"the command gave no answer within {ref.timeout_s * n:g} s"
    except OSError as error:
        raise BadInput(
            f"model {ref.name} version {ref.version}: '{words[0]}' cannot be started ({error.strerror}); correct 'run' "
            "in the plan."
        ) from error
    return None if done.returncode == 0 else f"the command ended with exit code {done.returncode}"


def _filled(word: str, places: Mapping[str, str]) -> str:
    for name, place in places.items():
        word = word.replace("{" + name + "}", place)
    return word


def _answers(ref: CommandModel, table: Path, names: Mapping[str, str]) -> Answers | str:
    """One answer per case from the table that the command wrote; what a row lacks is that case's error."""
    if not table.is_file():
        return "the command wrote no table of predictions"
    try:
        rows = pd.read_csv(table, dtype="string")
    except (ValueError, OSError) as error:
        return f"the command's table is not readable ({' '.join(str(error).split())[:100]})"
    absent = [column for column in (IMAGE, *ref.outputs) if column not in rows]
    if absent:
        return f"the command's table lacks the column '{absent[0]}'"
    return {key: _answer(ref.outputs, rows[rows[IMAGE] == name], table.parent) for key, name in names.items()}


def _answer(outputs: Sequence[str], rows: pd.DataFrame, place: Path) -> Arrays | str:
    if len(rows) != 1:
        return f"the command gave {'no row' if not len(rows) else f'{len(rows)} rows'} for this image"
    try:
        return {name: _value(rows.iloc[0][name], name, place) for name in outputs}
    except BadInput as error:
        return str(error)


def _value(cell: Any, name: str, place: Path) -> NDArray[np.float32]:
    """A number, or the map in the .npy file that the cell names, relative to the table."""
    if pd.isna(cell):
        raise BadInput(f"the command left '{name}' empty")
    text = str(cell).strip()
    if text.endswith(".npy"):
        return _map(text, name, place)
    try:
        return np.asarray(float(text), dtype=np.float32)
    except ValueError as error:
        raise BadInput(f"the command gave neither a number nor a .npy file for '{name}'") from error


def _map(text: str, name: str, place: Path) -> NDArray[np.float32]:
    pure = PurePosixPath(text)
    path = place / pure
    if pure.is_absolute() or ".." in pure.parts or path.is_symlink() or not path.is_file():
        raise BadInput(f"the command named a file for '{name}' that is not beside its table")
    try:
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    except (ValueError, OSError, EOFError) as error:
        raise BadInput(f"the command's file for '{name}' is no .npy array") from error


ENTRY = Format("command", "command over a folder of images", load)
