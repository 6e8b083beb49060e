"""An HTML document that came back: every planted change is named, and an unchanged result never is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_walk import Walk, audit

NAME = "fda_performance_testing.html"
RESULT = re.compile(r'(<a class="v" [^>]*data-evidence="(audit:[^"]*/low)">)(?:<code>)?([^<]*)(</a>)')


def said(done: Walk, path: Path) -> list[dict[str, str]]:
    """What is said beyond 'not the delivered file'."""
    checked = audit("verify", path, "--home", done.home, "--json")
    assert checked.code == 1, checked.err
    return list(checked.json["differences"][1:])


def change_a_result(page: str) -> tuple[str, str]:
    return RESULT.sub(r"\g<1>0.987\4", page, count=1), RESULT.search(page)[2]


def take_a_link_out(page: str) -> tuple[str, str]:
    return RESULT.sub(r"\3", page, count=1), RESULT.search(page)[2]


def type_a_number(page: str) -> tuple[str, str]:
    return page.replace("<p class=", "<p>About 98765 cases</p><p class=", 1), "number 98765"


def reword(page: str) -> tuple[str, str]:
    words = "Nobody has signed this report."
    assert words in page
    return page.replace(words, "Everybody has signed."), "prose"


@pytest.mark.parametrize("change", [change_a_result, take_a_link_out, type_a_number, reword])
def test_a_planted_change_is_named(done: Walk, tmp_path: Path, change: Callable[[str], tuple[str, str]]) -> None:
    page = (done.store.folder / "documents" / NAME).read_text()
    changed, told = change(page)
    (tmp_path / NAME).write_text(changed)
    assert any(told in each["thing"] for each in said(done, tmp_path / NAME)), told


def test_the_delivered_file_is_verified(done: Walk) -> None:
    checked = audit("verify", done.store.folder / "documents" / NAME, "--home", done.home, "--json")
    assert checked.code == 0, checked.err
    assert checked.json["verified"]


def test_a_result_that_nobody_changed_is_not_named(done: Walk, tmp_path: Path) -> None:
    page = (done.store.folder / "documents" / NAME).read_text()
    (tmp_path / "renamed.html").write_text(page.replace("<main>", "<main >", 1))
    assert said(done, tmp_path / "renamed.html") == []
