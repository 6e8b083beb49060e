"""Reference numbers for the localisation scores, computed by Quantus in an environment of its own.

    python3.11 -m venv quantus && quantus/bin/pip install 'numpy<2.4' quantus==0.6.0
    quantus/bin/python benchmarks/quantus_reference.py

Never ``quantus[captum]``, which replaces the CPU build of torch. The maps are made of numpy alone, as in
``tests/explanations/test_scores.py``, where the numbers printed here stand.
"""

import json

import numpy as np
import quantus


def main() -> None:
    """Prints one JSON object: score -> number for each of three maps."""
    places = np.indices((32, 32)) - np.array([10, 22]).reshape(-1, 1, 1)
    mask = (places**2).sum(axis=0) <= 16
    rng = np.random.default_rng(11)
    maps = [rng.uniform(0, 1, (32, 32)) + bright * mask for bright in (0.0, 0.3, 0.8)]
    metrics = {
        "pointing_game": quantus.PointingGame(abs=False, normalise=False, disable_warnings=True),
        "relevance_rank_accuracy": quantus.RelevanceRankAccuracy(abs=False, normalise=False, disable_warnings=True),
        "relevance_mass_accuracy": quantus.RelevanceMassAccuracy(abs=False, normalise=False, disable_warnings=True),
    }
    batch = {
        "x_batch": np.zeros((3, 1, 32, 32)), "y_batch": np.zeros(3, dtype=int), "a_batch": np.stack(maps)[:, None],
        "s_batch": np.repeat(mask[None, None], 3, axis=0),
    }  # fmt: skip
    found = {name: [float(v) for v in metric(model=None, **batch)] for name, metric in metrics.items()}
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
