"""Appends statements until it is killed or done: ``writer.py LEDGER NAME COUNT``."""

import sys
from pathlib import Path

from audit.evidence.ledger import Ledger

path, name, count = sys.argv[1:]
ledger = Ledger(Path(path), "tiny")
for number in range(int(count)):
    ledger.append("note", {f"{name}-{number}": "0" * 64}, [], {"number": number}, {}, "2026-01-01T00:00:00+00:00")
    print(number, flush=True)
