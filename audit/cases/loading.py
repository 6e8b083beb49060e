"""From a case id to its decoded image or mask, digest checked at each reading."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from audit.cases.images import read_checked, read_image, split_fragment
from audit.cases.manifest import SET_COLUMN, ValidationSet, digest_column, locate_in
from audit.cases.masks import Mask, read_mask
from audit.records import BadInput, Image, StoredFile


def image_loader(cases: ValidationSet) -> Callable[[str], Image]:
    """A function from case id to image. A case without an image path raises ``BadInput``."""
    files = declared_files(cases, "image")

    def load(case_id: str) -> Image:
        path, digest = _known(files, case_id, "image")
        with told_by_case(case_id, path):
            return read_image(path, digest)

    return load


@contextmanager
def told_by_case(case_id: str, path: Path, what: str = "image") -> Iterator[None]:
    """An error about a case's file names the case: it becomes evidence, and a file's name may name a person."""
    try:
        yield
    except BadInput as error:
        words = str(error)
        for name in (str(path), str(split_fragment(path)[0]), path.name):
            words = words.replace(name, f"{what} of case {case_id}")
        raise type(error)(words) from error


def file_loader(cases: ValidationSet) -> Callable[[str], StoredFile]:
    """A function from case id to the stored image file, for a version that reads files itself.

    A case that is one of several images in a file is handed out as the .npy array of its pixels.
    """
    files = declared_files(cases, "image")

    def load(case_id: str) -> StoredFile:
        path, digest = _known(files, case_id, "image")
        stored, fragment = split_fragment(path)
        with told_by_case(case_id, path):
            if fragment:
                return StoredFile(".npy", _as_npy(read_image(path, digest)))
            return StoredFile("".join(stored.suffixes[-2:]) if stored.suffix == ".gz" else stored.suffix,
                              read_checked(stored, digest))  # fmt: skip

    return load


def _as_npy(image: Image) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, image.pixels, allow_pickle=False)
    return buffer.getvalue()


def mask_loader(cases: ValidationSet, column: str, labels: Sequence[int] = ()) -> Callable[[str], Mask]:
    """A function from case id to the mask named in manifest column ``column``; ``labels`` as in ``read_mask``."""
    files = declared_files(cases, column)
    return lambda case_id: read_mask(*_known(files, case_id, column), labels)


def check_files(cases: ValidationSet, progress: Callable[[int], None] = lambda _: None) -> None:
    """Hashes every image and mask against the manifest; raises ``WrongDigest`` for the first that differs."""
    done: set[tuple[Path, str]] = set()
    for column in cases.file_columns:
        for path, digest in declared_files(cases, column).values():
            stored = split_fragment(path)[0]
            if (stored, digest) not in done:
                read_checked(stored, digest)
                done.add((stored, digest))
            progress(1)


def declared_files(cases: ValidationSet, column: str) -> dict[str, tuple[Path, str]]:
    """Case id -> path and SHA-256 of the file that the manifest names in ``column``; cases without one are absent."""
    frame = cases.cases
    if column not in frame or digest_column(column) not in frame:
        raise BadInput(
            f"validation set '{cases.name}': files are named in column '{column}' with their SHA-256 in "
            f"'{digest_column(column)}', and the manifest lacks one of them; add it."
        )
    rows = frame[frame[column].notna()]
    parts = zip(rows["case_id"], rows[column], rows[digest_column(column)], rows[SET_COLUMN], strict=True)
    return {
        str(case): (locate_in(cases.roots, str(part), str(name), f"case {case}"), str(digest))
        for case, name, digest, part in parts
        if pd.notna(digest)
    }


def _known(files: dict[str, tuple[Path, str]], case_id: str, column: str) -> tuple[Path, str]:
    if case_id not in files:
        raise BadInput(
            f"case {case_id}: the manifest names no file in column '{column}'; add it or leave the case out."
        )
    return files[case_id]
