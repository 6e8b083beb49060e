"""``python -m audit.simulation make-set FOLDER``, ``train v1|v2 FOLDER MANIFESTS`` or ``check FOLDER``.

``make-set`` writes images, masks and manifest; ``train`` writes weights and their record below FOLDER and the manifests
of the training and tuning sets below MANIFESTS; ``check`` prints both versions' figures on a written set, by
manufacturer. Needs no network and no GPU.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from audit.records import BadInput


def main() -> None:
    """Reads the command line and does the one thing asked for."""
    given = _parser().parse_args()
    try:
        {"make-set": _make_set, "train": _train, "check": _check}[given.what](given)
    except BadInput as problem:
        raise SystemExit(f"error: {problem}") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit.simulation", description=__doc__)
    parts = parser.add_subparsers(dest="what", required=True)
    made = parts.add_parser("make-set", help="write the validation set's images, masks and manifest")
    made.add_argument("folder", type=Path)
    trained = parts.add_parser("train", help="train a version and choose its operating points")
    trained.add_argument("version", choices=("v1", "v2"))
    trained.add_argument("folder", type=Path, help="where weights and record go")
    trained.add_argument("manifests", type=Path, help="where the training and tuning manifests go")
    trained.add_argument("--workers", type=int, default=2)
    checked = parts.add_parser("check", help="print both versions' figures by manufacturer")
    checked.add_argument("folder", type=Path)
    return parser


def _make_set(given: argparse.Namespace) -> None:
    from audit.simulation.validation_set import validation_cohort, write_set

    cases = validation_cohort()
    write_set(given.folder, cases)
    print(f"{len(cases)} images of {len({case.patient_id for case in cases})} patients in {given.folder}")


def _train(given: argparse.Namespace) -> None:
    from audit.simulation.making import make_version

    record = make_version(given.version, given.folder, given.manifests, given.workers, time.perf_counter, print)
    print(record["operating_points"])


def _check(given: argparse.Namespace) -> None:
    from audit.simulation.checking import check_set, table_lines

    print("\n".join(table_lines(check_set(given.folder))))


if __name__ == "__main__":
    main()
