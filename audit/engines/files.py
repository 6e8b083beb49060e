"""The part of the pass in which a version reads image files itself: a shard's files in, answers out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from audit.records import StoredFile

Outputs = Mapping[str, NDArray[Any]]
ReadFiles = Callable[[Mapping[str, StoredFile]], Mapping[str, Outputs | str]]


def file_outputs(
    cases: Sequence[str], load_file: Callable[[str], StoredFile], read_files: ReadFiles
) -> dict[str, Outputs | str]:
    """Outputs of every case, or the reason why it has none, in the order of ``cases``.

    A file that cannot be read is its case's reason; what the version as a whole cannot do is every case's.
    """
    files: dict[str, StoredFile] = {}
    found: dict[str, Outputs | str] = {}
    for case in cases:
        try:
            files[case] = load_file(case)
        except Exception as error:
            found[case] = _words(error)
    if files:
        found |= read_files(files)
    return {case: found.get(case, "the version gave no answer for this case") for case in cases}


def _words(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
