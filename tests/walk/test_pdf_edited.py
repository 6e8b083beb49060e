"""A PDF that came back: every planted change is named, and an unchanged result never is."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from toy_walk import Walk, audit

from audit.dossier.pdf_reading import read_pdf
from audit.dossier.rounding import rounds_to
from audit.records import BadInput
from audit.tables import ESTIMATES

NAME = "fda_performance_testing.pdf"


def results_of(pdf: pikepdf.Pdf) -> list[tuple[Any, int]]:
    """The link and place on its page of each interval limit, in order."""
    pages = [list(page.get("/Annots", [])) for page in pdf.pages]
    every = [(link, place) for links in pages for place, link in enumerate(links)]
    return [(link, place) for link, place in every if str(link.get("/Contents", "")).endswith("/low")]


def edited(walk: Walk, path: Path, change: Callable[[pikepdf.Pdf], str]) -> tuple[Path, str]:
    with pikepdf.open(walk.store.folder / "documents" / NAME) as pdf:
        told = change(pdf)
        pdf.save(path)
    return path, told


def named(walk: Walk, path: Path) -> list[dict[str, str]]:
    """What is said beyond 'not the delivered file'."""
    checked = audit("verify", path, "--home", walk.home, "--json")
    assert checked.code == 1, checked.err
    return list(checked.json["differences"][1:])


def write_over(page: pikepdf.Page, text: bytes, x: float, y: float) -> None:
    kind = {"Type": pikepdf.Name.Font, "Subtype": pikepdf.Name.Type1, "BaseFont": pikepdf.Name.Helvetica}
    page.Resources.Font["/Typed"] = pikepdf.Dictionary(**kind)
    page.contents_add(b"q BT /Typed 6 Tf %f %f Td (%s) Tj ET Q" % (x, y, text))


def change_a_result(pdf: pikepdf.Pdf) -> str:
    link, _ = results_of(pdf)[0]
    page = next(page for page in pdf.pages if link in list(page.get("/Annots", [])))
    write_over(page, b"8", float(link.Rect[0]) + 1, float(link.Rect[1]) + 2)
    return str(link.Contents)


def take_a_link_out(pdf: pikepdf.Pdf) -> str:
    link, place = results_of(pdf)[0]
    page = next(page for page in pdf.pages if link in list(page.get("/Annots", [])))
    del page.Annots[place]
    return str(link.Contents)


def lead_elsewhere(pdf: pikepdf.Pdf) -> str:
    (one, _), (other, _) = results_of(pdf)[0], results_of(pdf)[-1]
    one.Contents = other.Contents
    return str(other.Contents)


def type_a_number(pdf: pikepdf.Pdf) -> str:
    write_over(pdf.pages[1], b"0.98765", 40, 12)
    return "page 2, number 0.98765"


def note_a_number(pdf: pikepdf.Pdf) -> str:
    note = pikepdf.Dictionary(
        Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.FreeText, Rect=[0, 0, 9, 9], Contents="auc 0.98765"
    )
    pdf.pages[0].Annots = pikepdf.Array([*pdf.pages[0].get("/Annots", []), pdf.make_indirect(note)])
    return "page 1, number 0.98765"


@pytest.mark.parametrize("change", [change_a_result, take_a_link_out, lead_elsewhere, type_a_number, note_a_number])
def test_each_planted_change_is_named(done: Walk, tmp_path: Path, change: Callable[[pikepdf.Pdf], str]) -> None:
    path, told = edited(done, tmp_path / "renamed.pdf", change)
    found = named(done, path)
    assert any(told in each["thing"] for each in found), found
    assert len(found) < 5


def test_a_file_saved_again_differs_in_no_result(done: Walk, tmp_path: Path) -> None:
    path, _ = edited(done, tmp_path / NAME, lambda pdf: "")
    assert named(done, path) == []


def test_a_file_printed_again_cannot_be_traced(done: Walk, tmp_path: Path) -> None:
    def without_links(pdf: pikepdf.Pdf) -> str:
        for page in pdf.pages:
            page.Annots = pikepdf.Array()
        return ""

    path, _ = edited(done, tmp_path / "scan.pdf", without_links)
    (found,) = named(done, path)
    assert "no result can be traced" in found["explanation"]


def test_results_behind_the_evidence_are_named(finished: Walk, tmp_path: Path) -> None:
    frame = finished.store.read_table(ESTIMATES)
    path, _ = edited(finished, tmp_path / NAME, lambda pdf: "")
    finished.store.put_table(ESTIMATES, frame.assign(value=frame["value"] + 0.1))
    assert any("written again" in each["explanation"] for each in named(finished, path))


def test_hostile_files_end_in_one_sentence(done: Walk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / NAME
    path.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * 40)
    (found,) = named(done, path)
    assert "no PDF that can be read" in found["explanation"]
    shutil.copy(done.store.folder / "documents" / NAME, path)
    monkeypatch.setattr("audit.dossier.pdf_reading.SECONDS", 0.01)
    with pytest.raises(BadInput, match="longer than"):
        read_pdf(path)
    monkeypatch.setattr("audit.dossier.pdf_reading.LARGEST", 1000)
    with pytest.raises(BadInput, match="more than"):
        read_pdf(path)


@pytest.mark.parametrize(
    ("value", "text", "fits"),
    [
        (0.94373, "0.944", True),
        (0.94373, "0.945", False),
        (-0.0214, "\u22120.021", True),
        (-0.0214, "0.021", False),
        (-0.0001, "0.000", True),
        (0.0214, "+0.021", True),
        (1204, "1,204", True),
        (1204, "1,205", False),
        ("met", "met", True),
    ],
)
def test_the_rounding_rule(value: object, text: str, fits: bool) -> None:
    assert rounds_to(value, text) == fits
