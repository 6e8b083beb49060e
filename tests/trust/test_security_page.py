"""Each claim of the threat model names a test, and each test that is named exists."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w/]+\.py)?::(test_\w+)`|`(tests/[\w/]+\.py)`")


def test_every_test_that_the_page_names_exists() -> None:
    page = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    known: dict[str, set[str]] = {}
    last, count = "", 0
    for file, name, alone in NAMED.findall(page):
        last = file or alone or last
        if last not in known:
            tree = ast.parse((ROOT / last).read_text(encoding="utf-8"))
            known[last] = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
        assert not name or name in known[last], f"{last}::{name}"
        count += bool(name)
    assert count > 40


def test_the_policy_and_the_readme_lead_there() -> None:
    for page in ("SECURITY.md", "README.md", "docs/architecture.md"):
        assert "security.md" in (ROOT / page).read_text(encoding="utf-8"), page
    assert "(evidence.md)" in (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
