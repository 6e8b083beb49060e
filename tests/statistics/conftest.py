"""Reference cases: every expected value of a case is compared, within the case's own tolerance."""

from __future__ import annotations

import fnmatch
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audit.records import Undefined


@dataclass(frozen=True)
class Case:
    """One reference case, with the folder its data files live in."""

    content: Mapping[str, Any]
    data: Path

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.content["inputs"]

    @property
    def expected(self) -> Mapping[str, Any]:
        return self.content["expected"]

    def table(self, name: str = "data") -> pd.DataFrame:
        """The input file ``inputs[name]``, read from the reference data folder."""
        return pd.read_csv(self.data / Path(self.inputs[name]["file"]).name)

    def check(self, got: Mapping[str, Any], corrected: Mapping[str, float] | None = None) -> None:
        """Fails with every expected value that is missing from ``got`` or differs; ``published.*`` is
        orientation.

        ``corrected`` holds independently derived values for the few entries whose software stopped iterating
        too early; they replace the stored value and must then be met to 1e-9.
        """
        exact = corrected or {}
        assert set(exact) <= set(self.expected)
        names = [name for name in self.expected if not name.startswith("published.")]
        missing = [name for name in names if name not in got]
        assert not missing, f"{self.content['id']}: {len(missing)} expected values not covered: {missing}"
        unknown = sorted(set(got) - set(self.expected))
        assert not unknown, f"{self.content['id']}: computed under names the case does not have: {unknown}"
        wrong = [
            f"{name}: expected {self.expected[name]}, got {got[name]}"
            for name in self.expected
            if name in got and not self._agrees(name, got[name], exact)
        ]
        assert not wrong, f"{self.content['id']}: {len(wrong)} of {len(names)} differ:\n" + "\n".join(wrong)

    def _agrees(self, name: str, got: Any, exact: Mapping[str, float]) -> bool:
        if name in exact:
            return abs(float(got) - exact[name]) <= 1e-9
        return agrees(self.expected[name], got, tolerance_of(name, self.content["tolerance"]))


def tolerance_of(name: str, tolerances: Mapping[str, Mapping[str, float]]) -> Mapping[str, float] | None:
    """Exact name, else the longest matching glob, else ``default``."""
    if name in tolerances:
        return tolerances[name]
    globs = [pattern for pattern in tolerances if fnmatch.fnmatchcase(name, pattern)]
    return tolerances[max(globs, key=len)] if globs else tolerances.get("default")


def agrees(expected: Any, got: Any, tolerance: Mapping[str, float] | None) -> bool:
    """The comparison rule of the reference set; null is met only by ``Undefined``."""
    if expected is None or isinstance(got, Undefined):
        return expected is None and isinstance(got, Undefined)
    if isinstance(expected, list):
        values = list(got)
        return len(values) == len(expected) and all(
            agrees(one, other, tolerance) for one, other in zip(expected, values, strict=True)
        )
    if isinstance(expected, bool):
        return isinstance(got, bool | np.bool_) and bool(got) == expected
    if expected in ("Infinity", "-Infinity"):
        return float(got) == float(expected)
    if isinstance(expected, str):
        return got == expected
    if math.isnan(float(got)):
        return False
    limits = tolerance or {"rtol": 0.0, "atol": 0.0}
    return abs(float(got) - expected) <= limits["atol"] + limits["rtol"] * abs(expected)


@pytest.fixture
def reference(shared: Path) -> Callable[[str], Case]:
    """Opens a reference case by id; skips where the shared folder is absent."""

    def open_case(name: str) -> Case:
        path = shared / "reference" / "cases" / f"{name}.json"
        return Case(json.loads(path.read_text()), shared / "reference" / "data")

    return open_case
