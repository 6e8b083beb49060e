"""``version.yaml``: what belongs to a version beside its files: preprocessing, outputs, golden tolerance, training."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.given_files import plain_yaml
from audit.model_refs import Sha256
from audit.models.outputs import OutputRule
from audit.models.slots import MarkAxes
from audit.plan import first_problem, yaml_problem
from audit.records import BadInput

CARD = "version.yaml"


class VersionCard(BaseModel):
    """The version's own facts.

    ``axes``: 'x_first' for a network that wants (x, y, z) in the place of (slices, rows, columns), as MONAI loads them.
    ``marks``: 'rows_first' where the first number of a mark counts along the first axis of the array that the network
    was given (MONAI's boxes), not along the last. ``preprocessing``: steps before the network
    (``audit.models.preprocessing``). ``outputs``: named outputs made from its tensors; empty: as the network names
    them. ``golden_tolerance``: largest difference allowed between the outputs stored in ``golden.npz`` and those given
    on opening. The rest is what is known of the training; absent = a gap.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    axes: Literal["rows_first", "x_first"] = "rows_first"
    marks: MarkAxes = "columns_first"
    preprocessing: tuple[dict[str, Any], ...] = ()
    outputs: dict[str, OutputRule] = {}
    golden_tolerance: float = Field(default=1e-4, ge=0)
    training_set_sha256: Sha256 | None = None
    parameters: dict[str, str | int | float] = {}
    operating_points: dict[str, dict[str, Any]] = {}


def read_card(path: Path) -> VersionCard:
    """The card at ``path``, or an empty one where the version brings none; raises ``BadInput`` for a flawed one."""
    if not path.is_file():
        return VersionCard()
    try:
        raw = plain_yaml(path.read_bytes()) or {}
        return VersionCard.model_validate(raw)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: {yaml_problem(error)}.") from error
    except ValidationError as error:
        raise BadInput(f"{path}: {first_problem(error)}") from error
