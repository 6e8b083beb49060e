"""No reference case of this room's topics is forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TOPICS = ("01", "02", "04", "05", "06", "07", "08", "09", "10", "13")
ELSEWHERE = {"09-samplesize-mrmc"}


def test_every_case_is_checked_in_full(shared: Path) -> None:
    files = sorted(Path(__file__).parent.glob("test_*_reference.py"))
    checked = {name for path in files for name in _checked(ast.parse(path.read_text(encoding="utf-8")))}
    cases = {path.stem for path in (shared / "reference" / "cases").glob("*.json") if path.stem[:2] in TOPICS}
    forgotten = sorted(cases - ELSEWHERE - checked)
    assert not forgotten, f"no test opens and checks {forgotten}"


def test_a_case_that_is_opened_but_not_checked_counts_as_forgotten() -> None:
    opened = "def test_a(reference):\n    case = reference('01-x')\n    assert case\n"
    assert not set(_checked(ast.parse(opened)))
    assert set(_checked(ast.parse(opened + "    case.check({})\n"))) == {"01-x"}
    assert not set(_checked(ast.parse(opened.replace("test_a", "helper") + "    case.check({})\n")))
    assert not set(_checked(ast.parse("@pytest.mark.skip\n" + opened + "    case.check({})\n")))


def _checked(module: ast.Module) -> Iterator[str]:
    """Cases that a test of the module, which no mark skips, assigns to a name on which it then calls ``check``."""
    for test in module.body:
        if isinstance(test, ast.FunctionDef) and test.name.startswith("test_") and not _skipped(test):
            opened = {name: case for node in ast.walk(test) for name, case in _opened(node)}
            yield from (opened[name] for node in ast.walk(test) if (name := _checks(node)) in opened)


def _skipped(test: ast.FunctionDef) -> bool:
    return any(word in ast.unparse(mark) for mark in test.decorator_list for word in ("skip", "xfail"))


def _opened(node: ast.AST) -> Iterator[tuple[str, str]]:
    """(name, case) of ``name = reference("case")``."""
    match node:
        case ast.Assign([ast.Name(name)], ast.Call(ast.Name("reference"), [ast.Constant(str(opened))])):
            yield name, opened


def _checks(node: ast.AST) -> str:
    """The name on which ``check`` is called, else empty."""
    match node:
        case ast.Call(ast.Attribute(ast.Name(name), "check")):
            return name
    return ""
