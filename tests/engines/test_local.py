import io
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.engines.local import Arm, case_generator, run_pass, shard_count
from audit.engines.perturbations import perturbation
from audit.engines.shards import Shard, cited, mask_of, masks_bytes, quantised
from audit.plan import Perturbation, Target
from audit.records import BadInput, Image

TARGETS = {
    "lesion": Target(task="classification", output="score", reference="r"),
    "outline": Target(task="segmentation", output="mask", reference="m"),
}
CASES = [f"c{i:02d}" for i in range(23)]


def load(case: str) -> Image:
    number = int(case[1:])
    if number == 7:
        raise BadInput("c07.dcm: pixel data cannot be decoded")
    if number == 8:
        return Image(np.full((8, 8), np.nan, np.float32), None)
    side = 12 if number % 5 == 0 else 8
    values = np.random.default_rng(number).uniform(0, 1, (side, side)).astype(np.float32)
    return Image(values, (1.0, 1.0))


def predict(batch: np.ndarray) -> dict[str, np.ndarray]:
    """Depends on the whole batch in its last bits, as real networks do."""
    shift = np.float32(1e-6) * np.float32(len(batch))
    return {"score": batch.mean(axis=(1, 2, 3)) + shift, "mask": batch[:, 0]}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def run(
    arms: Sequence[Arm] | None = None,
    skip: frozenset[int] = frozenset(),
    stop_after: int | None = None,
    loader: Callable[[str], Image] = load,
    cases: Sequence[str] = CASES,
) -> tuple[list[Shard], list[int]]:
    done: list[Shard] = []
    steps: list[int] = []

    def sink(shard: Shard) -> None:
        if stop_after is not None and shard.index == stop_after:
            raise KeyboardInterrupt
        done.append(shard)

    arms = arms or [Arm("candidate", predict, TARGETS)]
    try:
        run_pass(cases, loader, arms, 4, 9, skip, sink, steps.append, seed=3, clock=Clock())
    except KeyboardInterrupt:
        assert stop_after is not None
    return done, steps


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def test_scores_and_masks_are_the_models() -> None:
    shards, steps = run()
    rows = pd.concat(shard.rows for shard in shards)
    assert len(rows) == len(CASES) * 2
    assert sum(steps) == len(CASES)
    assert len(shards) == shard_count(len(CASES), 9) == 3
    for shard in shards:
        data = masks_bytes(shard.masks)
        for row in shard.rows[shard.rows["artifact"].notna()].itertuples():
            file, key, index = cited(row.artifact)
            assert file == f"shards/{shard.index:05d}.npz"
            mask = mask_of(data, key, index)
            pixels = load(row.case_id).pixels
            assert mask.shape == pixels.shape
            np.testing.assert_array_equal(mask >= 0.5, pixels >= 0.5)
            assert np.abs(mask - pixels).max() <= 1 / 1024
    score = rows[(rows["case_id"] == "c03") & (rows["target"] == "lesion")]["score"].iloc[0]
    assert score == pytest.approx(load("c03").pixels.mean(), abs=1e-5)


def test_unreadable_case_is_a_row_for_each_arm_and_target() -> None:
    arms = [Arm("candidate", predict, TARGETS), Arm("comparator", predict, TARGETS)]
    rows = pd.concat(shard.rows for shard in run(arms)[0])
    bad = rows[rows["case_id"] == "c07"]
    assert list(zip(bad["version"], bad["target"], strict=True)) == [
        (version, target) for version in ("candidate", "comparator") for target in TARGETS
    ]
    assert set(bad["error"]) == {"c07.dcm: pixel data cannot be decoded"}
    assert bad["score"].isna().all()
    assert set(rows[rows["case_id"] == "c08"]["error"]) == {"the image holds pixels that are not finite"}
    assert rows["error"].notna().sum() == 8


@pytest.mark.parametrize("killed", [0, 1, 2])
def test_killed_and_resumed_pass_gives_the_same_shards(killed: int) -> None:
    whole, _ = run()
    first, _ = run(stop_after=killed)
    second, steps = run(skip=frozenset(shard.index for shard in first))
    both = [*first, *second]
    assert [shard.index for shard in both] == [0, 1, 2]
    assert sum(steps) == len(CASES)
    for a, b in zip(whole, both, strict=True):
        assert parquet(a.rows.drop(columns="seconds")) == parquet(b.rows.drop(columns="seconds"))
        assert masks_bytes(a.masks) == masks_bytes(b.masks)


def test_one_crashing_case_takes_no_other_along() -> None:
    poison = load("c03").pixels

    def fragile(batch: np.ndarray) -> Mapping[str, np.ndarray]:
        if any(np.array_equal(image[0], poison) for image in batch):
            raise RuntimeError("kernel\nfailed")
        return predict(batch)

    rows = pd.concat(shard.rows for shard in run([Arm("candidate", fragile, TARGETS)])[0])
    failed = rows[rows["error"].notna()]
    assert set(failed["case_id"]) == {"c03", "c07", "c08"}
    assert "RuntimeError: kernel failed" in set(failed["error"])


def test_not_finite_output_is_a_row_and_missing_output_is_refused() -> None:
    def half(batch: np.ndarray) -> Mapping[str, np.ndarray]:
        return {"score": np.full(len(batch), np.nan), "mask": batch[:, 0]}

    rows = pd.concat(shard.rows for shard in run([Arm("candidate", half, TARGETS)])[0])
    lesion = rows[(rows["target"] == "lesion") & (rows["case_id"] == "c01")].iloc[0]
    assert lesion["error"] == "the model's output 'score' is not finite"
    assert rows[(rows["target"] == "outline") & (rows["case_id"] == "c01")]["error"].isna().all()
    with pytest.raises(BadInput, match="the candidate gives score"):
        run([Arm("candidate", lambda batch: {"score": batch.mean((1, 2, 3))}, TARGETS)])


def test_seconds_come_from_the_given_clock() -> None:
    rows = run(cases=["c01", "c02", "c03", "c04"])[0][0].rows
    assert set(rows["seconds"]) == {0.25}


def test_perturbation_does_not_depend_on_order_or_company() -> None:
    noise = perturbation(Perturbation(name="noise", kind="rician_noise", size=0.2))

    def scores(cases: Sequence[str]) -> dict[str, float]:
        exact = Arm("candidate + noise", lambda b: {"score": b[:, 0, 0, 0], "mask": b[:, 0]}, TARGETS, noise)
        rows = pd.concat(shard.rows for shard in run([exact], cases=cases)[0])
        return dict(rows[rows["target"] == "lesion"].set_index("case_id")["score"].dropna())

    whole, part = scores(CASES), scores(["c19", "c04", "c11"])
    assert part == {case: whole[case] for case in part}
    assert case_generator(1, "a", "c").random() != case_generator(2, "a", "c").random()
    assert case_generator(1, "a", "c").random() != case_generator(1, "b", "c").random()


def test_perturbations_do_what_they_say() -> None:
    base = Image(np.full((64, 64), 100.0, np.float32), (0.5, 2.0), {"manufacturer": "Aurora"})
    generator = np.random.default_rng(0)

    def alter(kind: str, size: float, image: Image = base) -> Image:
        return perturbation(Perturbation(name="x", kind=kind, size=size))(image, generator)  # type: ignore[arg-type]

    louder = alter("gain", 1.25)
    assert set(louder.pixels.ravel()) == {125.0}
    assert louder.header == base.header
    ramp = Image(np.tile(np.linspace(0, 100, 64, dtype=np.float32), (64, 1)), None)
    noisy = alter("rician_noise", 0.1, ramp).pixels
    assert noisy.min() >= 0
    assert np.std((noisy - ramp.pixels)[:, 32:]) == pytest.approx(0.1 * ramp.pixels.std(), rel=0.05)
    point = np.zeros((65, 65), np.float32)
    point[32, 32] = 1
    spread = alter("blur", 4.71, Image(point, (0.5, 2.0))).pixels
    assert spread[28, 32] / spread[32, 32] == pytest.approx(0.607, abs=0.01)  # 2 mm = one SD along the rows
    assert spread[32, 33] / spread[32, 32] == pytest.approx(0.607, abs=0.01)
    with pytest.raises(BadInput, match="pixel spacing"):
        alter("blur", 1.0, ramp)
    with pytest.raises(BadInput, match="magnitude image"):
        alter("rician_noise", 0.1, Image(-ramp.pixels, None))


def test_failing_perturbation_is_a_row_of_that_arm_only() -> None:
    blur = perturbation(Perturbation(name="b", kind="blur", size=1.0))
    arms = [Arm("candidate", predict, TARGETS), Arm("candidate + b", predict, TARGETS, blur)]
    rows = run(arms, loader=lambda case: Image(np.ones((4, 4), np.float32), None), cases=["c01"])[0][0].rows
    assert rows.groupby("version")["error"].apply(lambda e: e.notna().all()).to_dict() == {
        "candidate": False,
        "candidate + b": True,
    }


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40), st.integers(0, 1024))
def test_quantising_keeps_decisions_on_its_grid(values: list[float], step: int) -> None:
    p = np.array(values, dtype=np.float32)
    np.testing.assert_array_equal(quantised(p) >= step / 1024, p >= step / 1024)
