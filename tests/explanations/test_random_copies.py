"""A version beside its copies with random weights, from the network to the p value."""

import numpy as np
import pandas as pd
import pytest
import torch

from audit.analyses.random_weights import ENTRY, NO_INTERVAL
from audit.analyses.study import new_study
from audit.decision_tables import RANDOM_WEIGHTS
from audit.explanations.black_box import BlackBox
from audit.explanations.random_copies import Reading, random_copies_table
from audit.plan import OperatingPoint, Plan, Target
from audit.records import BadInput, Image
from audit.tables import CASES, DISPOSITIONS, OBSERVATIONS
from tests.explanations.conftest import lesion_image, lesion_mask

CASES_OF = [(f"c{i:02d}", f"p{i:02d}") for i in range(20)]
POINT = {"threshold": 0.5, "chosen_on": "tuning"}
SCORE = Target.model_validate({"task": "classification", "output": "score", "reference": "r"})
AT_25 = SCORE.model_copy(update={"operating_point": OperatingPoint(threshold=25, chosen_on="tuning")})
MASK = Target.model_validate({"task": "segmentation", "output": "mask", "reference": "r", "operating_point": POINT})


def plan(target: Target) -> Plan:
    raw = {
        "id": "p", "title": "t", "intended_purpose": "i", "model": {"kind": "mlflow", "name": "m", "version": 1},
        "validation_sets": ["s"], "targets": {"lesion": target.model_dump(), "outline": MASK.model_dump()},
    }  # fmt: skip
    return Plan.model_validate(raw)


class Template(torch.nn.Module):
    """Looks for brightness where the lesion lies, and nowhere else."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.from_numpy(lesion_mask().astype(np.float32))[None, None])

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        bright = self.weight * x
        return {"score": bright.flatten(1).sum(1), "mask": torch.sigmoid(20 * (bright - 0.5))}


def load(case: str) -> Image:
    """Every other case holds a lesion, the others something as bright elsewhere; the last file is broken."""
    if case == "c19":
        raise BadInput("the file is broken")
    image = lesion_image(seed=int(case[1:])) if int(case[1:]) % 2 else lesion_image(at=(24, 6), seed=int(case[1:]))
    return Image(image[0, 0], (1.0, 1.0))


def mask(case: str, shape: tuple[int, ...]) -> np.ndarray | None:
    return lesion_mask() if int(case[1:]) % 2 else None


def table(network: torch.nn.Module, name: str, target: Target, copies: int = 19) -> pd.DataFrame:
    reading = Reading("candidate", name, target, network.eval(), ("score", "mask"))
    return random_copies_table(reading, CASES_OF, load, mask, copies, 7)


def answered(found: pd.DataFrame, target: Target = SCORE) -> dict:
    """The only row of the analysis of this table."""
    cases = CASES.conform(pd.DataFrame(CASES_OF, columns=["case_id", "patient_id"]).assign(image="i", sha256="0"))
    seen = cases[["case_id", "patient_id"]].assign(
        version="candidate", target="lesion", reference=[float(i % 2) for i in range(20)]
    )
    fates = cases[["case_id"]].assign(version="candidate", target="lesion", fate="analysed", reason=None)
    study = new_study(plan(target), cases, OBSERVATIONS.conform(seen), DISPOSITIONS.conform(fates), pd.DataFrame(), {},
                      decisions={RANDOM_WEIGHTS.name: found})  # fmt: skip
    rows = ENTRY.run(study)
    assert len(rows) == 1
    return rows[0]


def values(scores: list[list[float]]) -> pd.DataFrame:
    """RANDOM_WEIGHTS of copies (rows) by case (columns)."""
    rows = [("candidate", *CASES_OF[i], "lesion", copy, value, None) for copy, line in enumerate(scores)
            for i, value in enumerate(line)]  # fmt: skip
    return RANDOM_WEIGHTS.conform(pd.DataFrame(rows, columns=list(RANDOM_WEIGHTS.columns)))


@pytest.mark.parametrize(("name", "target"), [("lesion", AT_25), ("outline", MASK)])
def test_a_template_of_the_lesion_does_better_than_its_copies_and_keeps_its_weights(name: str, target: Target) -> None:
    network = Template()
    before = [weight.detach().clone() for weight in network.parameters()]
    found = table(network, name, target)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    pd.testing.assert_frame_equal(found, table(network, name, target))
    assert found.loc[found["case_id"] == "c19", "undefined"].tolist() == ["the file is broken"]
    row = answered(found, AT_25)
    assert (row["p"], row["verdict"], row["undefined"]) == (0.05, "better", NO_INTERVAL)
    assert row["value"] > 0.8


def test_the_p_value_counts_copies_that_do_as_well() -> None:
    """AUROC of the version 1, of one copy 1, of the others 0: (1 + 1) / (1 + 19)."""
    good, bad = [float(i % 2) for i in range(20)], [float(1 - i % 2) for i in range(20)]
    row = answered(values([good, good, *[bad] * 18]))
    assert (row["value"], row["p"], row["verdict"], row["n_cases"]) == (1.0, 0.1, "not better", 20)
    assert "against 19 copies with random weights: 0.000 to 1.000" in row["method"]


def test_a_network_with_random_weights_takes_any_place_among_its_copies() -> None:
    """Exchangeable by construction: over many draws p is uniform, and 1 in 20 is taken for better."""
    rng = np.random.default_rng(3)
    places = [answered(values(rng.uniform(size=(20, 20)).tolist()))["p"] for _ in range(200)]
    assert 0.02 <= np.mean(np.array(places) <= 0.05) <= 0.09
    assert np.mean(places) == pytest.approx(0.525, abs=0.05)


def test_a_constant_network_is_never_better() -> None:
    row = answered(values([[0.3] * 20] * 20))
    assert (row["value"], row["p"], row["verdict"]) == (0.5, 1.0, "not better")


def test_a_version_without_weights_says_so() -> None:
    row = answered(table(BlackBox(lambda pixels: {"score": pixels.mean(axis=(1, 2, 3))}), "lesion", SCORE))
    assert row["value"] is None
    assert row["undefined"] == "this format's weights cannot be reached"


class OneByOne(Template):
    """Takes one image at a time, as networks exported with a fixed batch do."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(x) > 1:
            raise ValueError("one image only")
        return super().forward(x)


@pytest.mark.parametrize(("name", "target"), [("lesion", SCORE), ("outline", MASK)])
def test_cases_together_are_worth_what_each_is_alone(name: str, target: Target) -> None:
    together, alone = (table(network, name, target, 2) for network in (Template(), OneByOne()))
    pd.testing.assert_frame_equal(together, alone, rtol=1e-6)
    assert together["value"].notna().sum() > 20
