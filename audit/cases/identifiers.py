"""Header elements whose values may name a person: their keywords are reported, their values never leave this module.

Which elements: ``identifiers.yaml``. Sequences are searched one by one, except the functional groups of enhanced
objects, which hold geometry of thousands of frames.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import pydicom
import yaml
from pydicom.datadict import dictionary_has_tag, dictionary_VR, tag_for_keyword

_DEEPEST = 6
_NOT_SEARCHED = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
_EMPTY_DATES = re.compile(r"(19000101|18000101|00010101|(\d{4}0101)|0*)")


@cache
def _table() -> tuple[dict[int, str], dict[int, str], frozenset[str]]:
    """Tag -> keyword of persons and of direct identifiers, and the placeholder words."""
    raw = yaml.safe_load(files("audit.cases").joinpath("identifiers.yaml").read_text(encoding="utf-8"))
    person, direct = ({_tag(k): k for k in raw[kind]} for kind in ("person", "direct"))
    return person, direct, frozenset(map(str, raw["placeholders"]))


def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise ValueError(f"identifiers.yaml: '{keyword}' is no DICOM keyword")
    return int(tag)


def identifying_elements(dataset: pydicom.Dataset) -> tuple[str, ...]:
    """Keywords of the elements that hold a person's name or another direct identifier, sorted."""
    return tuple(sorted(set(_found(dataset, 0))))


def _found(dataset: pydicom.Dataset, depth: int) -> Iterator[str]:
    person, direct, _ = _table()
    for tag in dataset.keys():  # noqa: SIM118 (iterating a Dataset converts every element)
        number = int(tag)
        if number in person and any(map(is_name, _values(dataset, tag))):
            yield person[number]
        elif number in direct and any(map(_tells, _values(dataset, tag))):
            yield direct[number]
        elif depth < _DEEPEST and _is_searched(dataset, tag):
            for item in _values(dataset, tag):
                if isinstance(item, pydicom.Dataset):
                    yield from _found(item, depth + 1)


def _is_searched(dataset: pydicom.Dataset, tag: Any) -> bool:
    representation = dataset.get_item(tag).VR or (dictionary_VR(tag) if dictionary_has_tag(tag) else "UN")
    return representation == "SQ" and pydicom.datadict.keyword_for_tag(tag) not in _NOT_SEARCHED


def _values(dataset: pydicom.Dataset, tag: Any) -> list[Any]:
    try:
        value = dataset[tag].value
    except Exception:  # an element that cannot be converted cannot be read by anybody else either
        return []
    return list(value) if isinstance(value, pydicom.multival.MultiValue | pydicom.Sequence | list) else [value]


def is_name(value: Any) -> bool:
    """Whether a value could be a person's name: words of letters, none of them a placeholder, no digit."""
    text = str(value or "")
    words = re.findall(r"[^\W\d_]+", text.lower())
    if not any(len(word) > 1 for word in words) or re.search(r"\d", text):
        return False
    return not any(map(_is_placeholder, words))


def _is_placeholder(word: str) -> bool:
    return word in _table()[2] or word.startswith(("anon", "deid")) or set(word) == {"x"}


def _tells(value: Any) -> bool:
    if isinstance(value, pydicom.Dataset):
        return len(value) > 0
    text = str(value or "").strip()
    if not text or _EMPTY_DATES.fullmatch(text):
        return False
    words = re.findall(r"[^\W_]+", text.lower())
    return not all(map(_is_placeholder, words))
