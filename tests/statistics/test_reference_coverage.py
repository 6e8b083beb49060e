"""No reference case of this room's topics is forgotten."""

from __future__ import annotations

from pathlib import Path

TOPICS = ("01", "02", "04", "05", "06", "07", "08", "09", "10", "13")
ELSEWHERE = {"09-samplesize-mrmc"}


def test_every_case_is_checked_in_full(shared: Path) -> None:
    here = Path(__file__).parent
    sources = "\n".join(path.read_text(encoding="utf-8") for path in here.glob("test_*_reference.py"))
    cases = {path.stem for path in (shared / "reference" / "cases").glob("*.json") if path.stem[:2] in TOPICS}
    forgotten = sorted(name for name in cases - ELSEWHERE if f'reference("{name}")' not in sources)
    assert not forgotten, f"no test opens {forgotten}"
    assert sources.count("case.check(") >= len(cases - ELSEWHERE)
