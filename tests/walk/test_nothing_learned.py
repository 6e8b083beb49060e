"""A network with random weights and a constant one through the whole walk: no method's maps may be used, and it is
said wherever a map is shown."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image as Picture
from toy_walk import OUTPUTS, SIZE, DiscFinder, Walk, audit, plan, write_plan, write_set

from audit.explanations.marking import VERMILION
from audit.models.registering import register
from audit.tables import ESTIMATES, EXPLANATION_SCORES, EXPLANATION_VERDICTS

METHODS = ("integrated_gradients", "occlusion")
TARGETS = ("lesion", "outline")


class Constant(DiscFinder):
    """The same answer for every image, through weights that have no effect."""

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {name: 0 * value + 0.3 for name, value in super().forward(x).items()}


def lucky_network() -> torch.nn.Module:
    """Random weights, in the draw that happens to order the discs before the noise."""
    network, generator = DiscFinder(0.35), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in network.parameters():
            weight.copy_(torch.randn(weight.shape, generator=generator))
    return network


@pytest.fixture(scope="module")
def learned_nothing(empty_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Walk:
    walk = Walk(tmp_path_factory.mktemp("nothing"))
    write_set(walk.folder / "discs")
    shutil.copytree(empty_home, walk.home)
    facts = {"parameters": {}, "training_set": "none", "training_set_digest": "ab" * 32,
             "manifest": pd.DataFrame({"case_id": ["t1"], "patient_id": ["x1"]})}  # fmt: skip
    for network in (Constant(0.35), lucky_network()):
        register("disc-finder", network, np.zeros((2, 1, SIZE, SIZE), np.float32), OUTPUTS, facts, walk.home)
    targets = plan()["targets"]
    asked = {"target": "lesion", "further_targets": ["outline"], "methods": list(METHODS), "cases": {"per_level": 4},
             "examine": {"scores": ["randomisation_cascading", "deletion_gain"]}}  # fmt: skip
    write_plan(
        walk.folder, perturbation_arms=None, uncertainty=None, shortcuts=None, intersections=None, explanations=asked,
        endpoints=plan()["endpoints"][:1], strata={"manufacturer": {"baseline": "Aurora"}},
        targets={"lesion": {**targets["lesion"], "operating_point": None, "measures": ["auroc"]},
                 "outline": {**targets["outline"], "measures": ["dice"]}},
    )  # fmt: skip
    run = audit("run", walk.plan, "--home", walk.home, "--device", "cpu", "--json")
    assert run.code in (0, 1), run.err
    return walk


def test_luck_is_not_enough(learned_nothing: Walk) -> None:
    """The random network passes AUROC by luck and every score that asks about maps; its copies tell it apart."""
    estimates = learned_nothing.store.read_table(ESTIMATES)
    mine = estimates[(estimates["version"] == "candidate") & (estimates["measure"] == "auroc")]
    assert (mine[mine["attribute"] == "overall"]["low"] > 0.5).all()
    found = learned_nothing.store.read_table(EXPLANATION_VERDICTS)
    assert len(found) == 2 * len(METHODS) * len(TARGETS)
    assert set(found["verdict"]) == {"not usable"}
    random = found[found["version"] == "candidate"]["reasons"]
    assert random.str.contains(r"better than random weights \(p 0\.\d+.*\): missed").all()


def test_an_answer_shows_no_map_without_its_mark(learned_nothing: Walk) -> None:
    """In words, for machines, and in the picture itself: a band of vermilion above it."""
    asked = audit("ask", "manufacturer=Aurora", "--home", learned_nothing.home, "--json").json
    assert asked["pictures"]
    assert set(asked["marks"]) == set(asked["pictures"])
    assert audit("ask", "--home", learned_nothing.home).out.count("    NOT USABLE: ") >= len(asked["pictures"])
    for path in asked["pictures"]:
        with Picture.open(path) as picture:
            assert picture.getpixel((2, 2)) == VERMILION


def test_a_constant_network_says_why_it_has_no_scores(learned_nothing: Walk) -> None:
    scores = learned_nothing.store.read_table(EXPLANATION_SCORES)
    scores = scores[scores["version"] == "comparator"]
    assert len(scores)
    assert scores["value"].isna().all()
    assert set(scores["undefined"]) == {"the map is zero"}
    estimates = learned_nothing.store.read_table(ESTIMATES)
    mine = estimates[(estimates["version"] == "comparator") & (estimates["measure"] == "deletion_gain")]
    assert (mine[mine["attribute"] == "overall"]["undefined"] == "the map is zero (4 of 4 cases)").all()
    found = learned_nothing.store.read_table(EXPLANATION_VERDICTS)
    reasons = found[found["version"] == "comparator"]["reasons"]
    assert reasons.str.startswith("no map has a score: every one is zero or failed").all()


def test_precheck_and_documents_name_every_method(learned_nothing: Walk) -> None:
    """Also before any document is built: the questions of a reviewer need none."""
    asked = audit("precheck", "--home", learned_nothing.home, "--json")
    assert asked.code in (0, 1), asked.err
    named = next(each for each in asked.json["questions"] if each["name"] == "explanation not usable")
    assert named["outcome"] == "deficient"
    assert named["what"].count("not usable by the criteria of the plan (") == 2 * len(METHODS) * len(TARGETS)
    assert named["what"].count("better than random weights") >= len(METHODS) * len(TARGETS)
    built = audit("dossier", "--home", learned_nothing.home, "--only", "fda_performance_testing", "--json")
    assert built.code == 0, built.err
    document = (learned_nothing.store.folder / "documents" / "fda_performance_testing.json").read_bytes()
    pictures = [node for section in json.loads(document)["sections"] for node in section["nodes"]
                if node["type"] == "Picture"]  # fmt: skip
    assert pictures
    assert all("NOT USABLE" in json.dumps(each["text"]) for each in pictures)
    assert all(each["path"].startswith("explanations/marked/") for each in pictures)
    assert audit("verify", "--home", learned_nothing.home).code == 0
