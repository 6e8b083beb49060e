"""What evidence costs: a ledger of 10,000 signed statements written and verified, and its share of the example's pass.

    python benchmarks/bench_evidence.py [--home HOME]

``HOME``: a home in which the example's two versions are registered (``audit demo`` makes one); without it the share of
the pass is left as the last run measured it. Results: benchmarks/results/evidence.json.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from machine import machine_facts

from audit.evidence.chain import check_lines
from audit.evidence.keys import _signing
from audit.evidence.ledger import Ledger
from audit.evidence.predicates import check_statements
from audit.evidence.producer import producer
from audit.evidence.signatures import check_signatures

RESULTS = Path(__file__).resolve().parent / "results" / "evidence.json"
STATEMENTS, SHARDS = 10_000, 3
AUDIT = "bench-20260101-000000"
WHEN = "2026-01-01T00:00:00+00:00"


def ledger_times(number: int = STATEMENTS) -> dict[str, Any]:
    """Seconds to write and to verify (read, chain, signatures, root, schemas) a signed ledger."""
    key = _signing(Ed25519PrivateKey.generate())
    with tempfile.TemporaryDirectory() as place:
        ledger, facts = Ledger(Path(place) / "ledger.jsonl", AUDIT, key.signer), producer("cpu")
        write, last = Clocks(), []
        for each in range(number):
            body = {"shard": each, "rows": 64}
            last = [ledger.append("shard", {f"shards/{each:05d}.parquet": "0" * 64}, last, body, facts, WHEN).id]
        written, verify = write.seconds(), Clocks()
        lines = ledger.lines()
        known = {key.fingerprint: key.signer.public_key}
        assert check_lines("ledger", lines, AUDIT) == []
        assert check_signatures("ledger", lines, known, whole=True) == []
        assert len(ledger.root()) == 64
        schemas = Clocks()
        assert check_statements("ledger", lines) == []
        of_schemas, whole = schemas.seconds(), verify.seconds()
        return {
            "statements": number, "bytes": ledger.path.stat().st_size, "write": written, "verify": whole,
            "of_it_schemas": of_schemas,
        }  # fmt: skip


class Clocks:
    """Seconds since it was made, on the wall and of this process's processor."""

    def __init__(self) -> None:
        self.began = time.perf_counter(), time.process_time()

    def seconds(self) -> dict[str, float]:
        now = time.perf_counter(), time.process_time()
        return {
            name: round(at - began, 2)
            for name, at, began in zip(("wall_s", "processor_s"), now, self.began, strict=True)
        }


class PassIsOver(Exception):
    """Ends the walk after its pass."""


def share_of_the_pass(home: Path) -> dict[str, Any]:
    """Wall seconds of the first shards of the example's pass (both versions, all perturbation arms), and those spent
    writing and stating them."""
    import yaml

    import audit.run as walk
    from audit.datafolders import data_folder
    from audit.evidence.store import AuditStore, utc_now

    spent, shards = {"evidence": 0.0, "pass": 0.0}, []
    put, one_pass = AuditStore.put_files, walk._pass

    def timed(key: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*given: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return call(*given, **named)
            finally:
                spent[key] += time.perf_counter() - began

        return measured

    def put_and_count(*given: Any, **named: Any) -> Any:
        stated = timed("evidence", put)(*given, **named)
        shards.append(stated.body.get("shard"))
        if len(shards) == SHARDS:
            raise PassIsOver
        return stated

    def measured_pass(*given: Any) -> None:
        AuditStore.put_files = put_and_count
        timed("pass", one_pass)(*given)

    with tempfile.TemporaryDirectory() as place:
        copied = Path(shutil.copytree(home, Path(place) / "evidence"))
        whole = yaml.safe_load((data_folder("validation_sets") / "brain_mri_simulated" / "plan.yaml").read_text())
        path = Path(place) / "plan.yaml"
        path.write_text(yaml.safe_dump({**whole, "id": "evidence-cost"}, sort_keys=False))
        walk._pass = measured_pass
        try:
            walk.run_plan(path, copied, "Bench", utc_now(), utc_now, "cpu")
        except PassIsOver:
            pass
        finally:
            walk._pass, AuditStore.put_files = one_pass, put
    return {"shards": len(shards), "pass_s": round(spent["pass"], 2), "evidence_s": round(spent["evidence"], 3),
            "share": round(spent["evidence"] / spent["pass"], 5)}  # fmt: skip


def main() -> None:
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    found = {"machine": machine_facts(), "ledger": ledger_times(), "pass": known.get("pass")}
    if "--home" in sys.argv:
        found["pass"] = share_of_the_pass(Path(sys.argv[sys.argv.index("--home") + 1]))
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
