"""Maker of the scanner, its spellings brought together by a table kept as data (``manufacturers.yaml``)."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import pandas as pd
import yaml

from audit.attributes.attribute import Attribute


@cache
def _table() -> tuple[dict[str, str], frozenset[str]]:
    """Beginning -> maker, longest first, and the words that mean 'not known'."""
    raw = yaml.safe_load(files("audit.attributes").joinpath("manufacturers.yaml").read_text(encoding="utf-8"))
    pairs = [(start, maker) for maker, starts in raw["makers"].items() for start in starts]
    return dict(sorted(pairs, key=lambda p: -len(p[0]))), frozenset(_plain(w) for w in raw["not_known"])


def _plain(name: str) -> str:
    """Lower case, dots dropped (G.E. -> ge), other punctuation to single blanks."""
    return " ".join(re.sub(r"[^\w]|_", " ", name.lower().replace(".", "")).split())


def maker(name: str) -> str | None:
    """The maker's one name; the name as written where the table has none; None where it says 'not known'."""
    plain = _plain(name)
    known, unknown_words = _table()
    if not plain or plain in unknown_words:
        return None
    return next((m for start, m in known.items() if f"{plain} ".startswith(f"{start} ")), " ".join(name.split()))


def derive(cases: pd.DataFrame) -> pd.Series:
    """Makers as text levels; unlisted names that differ in case only are one level, spelled as in most cases."""
    names = cases["manufacturer"].astype("string").map(maker, na_action="ignore").astype("string")
    counts = names.value_counts()
    usual: dict[str, str] = {}
    for name in sorted(counts.index, key=lambda n: (-int(counts[n]), n)):
        usual.setdefault(name.lower(), name)
    return names.map(lambda n: usual[n.lower()], na_action="ignore").astype("string")


ENTRY = Attribute(
    "manufacturer",
    ("manufacturer", "manufacturer_as_written"),
    "",
    derive,
    "DICOM PS3.3 C.7.5.1 Manufacturer; table audit/attributes/manufacturers.yaml",
)
