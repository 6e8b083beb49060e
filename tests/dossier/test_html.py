"""The HTML file: self-contained, accessible, inert, each result bound; what an editor changed is found."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from audit.datafolders import data_folder
from audit.dossier.content import (
    Column,
    Document,
    Heading,
    Link,
    Mark,
    PageOf,
    Paragraph,
    Picture,
    Row,
    Table,
    Text,
    Value,
    text,
)
from audit.dossier.html_page import POLICY, render_html
from audit.dossier.html_reading import read_html
from audit.dossier.resolve import resolve
from audit.dossier.templates import read_template
from audit.dossier.view import AuditView
from audit.dossier.word_reading import WordText, reworded
from audit.records import BadInput

VOID = {"meta", "img", "col", "br", "hr", "link", "input"}
HOSTILE = '"><script src=//x.example/a.js></script><img src=x onerror=alert(1)>&amp;<b>'


class Tags(HTMLParser):
    """Every start tag with its attributes; refuses tags that do not close in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def of(self, *names: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.found if tag in names]


@pytest.fixture(scope="module")
def document(view: AuditView) -> Document:
    return resolve(read_template(data_folder("templates") / "eu_ai_act_annex_iv.yaml"), view)


@pytest.fixture(scope="module")
def page(document: Document) -> str:
    return render_html(document).decode()


@pytest.fixture(scope="module")
def tags(page: str) -> Tags:
    return Tags(page)


@pytest.fixture
def small(document: Document) -> Document:
    """A page with one of each run and a picture, all with labels that look like markup."""
    value = Value("0.931", "ab" * 32, f"/E1/{HOSTILE}")
    runs = (text(HOSTILE)[0], value, Mark(HOSTILE, "bad"), PageOf("section-1"), Link(HOSTILE, "cd" * 32))
    case = next(node for node in document.nodes if isinstance(node, Picture))
    front = (
        Heading(HOSTILE, 1, f"k{HOSTILE}"),
        Paragraph(runs),
        Table(HOSTILE, (Column(HOSTILE, 1),), (Row((runs,), key="ab" * 32), Row((text("group"),), (1,), "group"))),
        replace(case, path=HOSTILE, alt=HOSTILE, title=text(HOSTILE)),
    )
    return replace(document, title=HOSTILE, head=HOSTILE, front=front, sections=document.sections[:1], appendix=())


def test_the_same_document_gives_the_same_bytes(document: Document, page: str) -> None:
    assert render_html(document).decode() == page


def test_nothing_is_fetched_and_nothing_runs(tags: Tags, page: str) -> None:
    assert not tags.of("script", "link", "iframe", "object", "embed", "base", "form", "use")
    assert POLICY.startswith("default-src 'none'")
    assert {"http-equiv": "Content-Security-Policy", "content": POLICY} in tags.of("meta")
    for attrs in (attrs for _, attrs in tags.found):
        assert not any(name.startswith("on") for name in attrs)
        assert attrs.get("src", "data:image/").startswith("data:image/")
        assert attrs.get("href", "#").startswith("#")
    assert not re.search(r"url\(|@import", page)


def test_labels_that_look_like_markup_stay_labels(small: Document, tmp_path: Path) -> None:
    page = render_html(small).decode()
    tags = Tags(page)
    assert not tags.of("script")
    assert all(attrs["src"].startswith("data:image/jpeg;base64,") for attrs in tags.of("img"))
    assert not any("onerror" in attrs for _, attrs in tags.found)
    (tmp_path / "a.html").write_text(page)
    found = read_html(tmp_path / "a.html")
    assert HOSTILE in found.passages
    assert [one.reference for one in found.results[:2]] == [f"audit:abababababab#/E1/{HOSTILE}"] * 2


def test_it_can_be_read_without_seeing_it(document: Document, tags: Tags) -> None:
    assert tags.of("html") == [{"lang": "en-GB"}]
    levels = [int(tag[1]) for tag, _ in tags.found if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(attrs["scope"] in ("col", "rowgroup") for attrs in tags.of("th"))
    assert len(tags.of("table")) == sum(isinstance(node, Table) for node in document.nodes)
    assert all(attrs["alt"] for attrs in tags.of("img"))
    assert tags.of("svg")
    assert all(attrs["role"] == "img" and attrs["aria-label"] for attrs in tags.of("svg"))
    assert len(tags.of("main")) == len(tags.of("nav")) == 1


def test_every_link_leads_somewhere(tags: Tags) -> None:
    names = [attrs["id"] for _, attrs in tags.found if "id" in attrs]
    assert len(names) == len(set(names))
    assert {attrs["href"][1:] for attrs in tags.of("a")} <= set(names)


def test_every_printed_result_is_bound_figures_included(document: Document, page: str, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(page)
    found = {(one.reference, one.text) for one in read_html(tmp_path / "a.html").results}
    printed: dict[str, set[str]] = {}
    for reference, words in found:
        printed.setdefault(reference, set()).add(words)
    for value in document.values:
        words = "".join(value.text.split())
        pieces = printed[value.reference]
        assert words in pieces or _made_of(words, pieces), value


def _made_of(words: str, pieces: set[str]) -> bool:
    """A result that a figure sets on several lines, word by word."""
    left = words
    for piece in sorted(pieces, key=len, reverse=True):
        left = left.replace(piece, "")
    return not left


def test_a_figure_is_drawn_as_wide_in_any_font(page: str) -> None:
    drawn = re.findall(r"<text [^>]*>", page)
    assert len(drawn) > 100
    long = [one for one in drawn if "textLength" in one]
    assert len(long) > 0.6 * len(drawn)


def test_an_edited_passage_is_found(page: str, tmp_path: Path) -> None:
    words = "It does not replace the reading of the whole examination."
    assert words in page
    (tmp_path / "a.html").write_text(page)
    (tmp_path / "b.html").write_text(page.replace(words, "It replaces the reading."))
    one, other = (WordText({}, read_html(tmp_path / name).passages) for name in ("a.html", "b.html"))
    passages = reworded(one, other)
    assert len(passages) == page.count(words)
    for passage in passages:
        assert words in passage.delivered
        assert "It replaces the reading." in passage.found


def test_what_is_no_html_of_ours_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.html"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="UTF-8"):
        read_html(path)
    path.write_text("<p>" * 1000 + '<a data-evidence="audit:1#/x">')
    assert read_html(path).results == []
    monkeypatch.setattr("audit.dossier.html_reading.LARGEST", 10)
    with pytest.raises(BadInput, match="MiB"):
        read_html(path)


def test_plain_text_runs_keep_their_styles(document: Document) -> None:
    front = (Paragraph((Text("a", "strong"), Text("b", "mono"), Text("c", "quiet"))),)
    page = render_html(replace(document, front=front, sections=(), appendix=())).decode()
    assert '<p class="body"><b>a</b><code>b</code><span class="q">c</span></p>' in page


def test_the_head_writes_the_day_as_its_market_does(document: Document) -> None:
    page = render_html(document).decode()
    assert f"Made {document.made}." in page
    assert f"Made {document.created}." not in page
