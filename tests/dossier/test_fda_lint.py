"""A PDF for FDA: each planted fault is named with its clause, a delivered one has none and no attachment."""

import io
import json
from collections.abc import Callable

import pikepdf
import pytest
from dossier_example import make_view
from reportlab.pdfgen.canvas import Canvas

from audit.dossier import building
from audit.dossier.building import build_documents
from audit.dossier.catalogues import requirements
from audit.dossier.fda_lint import Fault, lint
from audit.records import BadInput

TEMPLATE = """\
id: {name}
title: Small document
instrument: {instrument}
sections:
- title: Groups
  blocks:
  - {{kind: estimates_table, show: subgroups, measures: [auroc]}}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory, view):
    """One document for FDA and one for the EU."""
    folder = tmp_path_factory.mktemp("templates")
    paths = []
    for name, instrument in (("for_fda", "fda_ai_dsf"), ("for_eu", "eu_ai_act")):
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(TEMPLATE.format(name=name, instrument=instrument), encoding="utf-8")
    return paths, {each.id: each for each in build_documents(view, paths)}


def test_a_delivered_one_may_be_sent(built):
    assert lint("for_fda.pdf", built[1]["for_fda"].pdf) == []


def changed(data: bytes, change: Callable[[pikepdf.Pdf], object], **how: object) -> bytes:
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as pdf:
        change(pdf)
        pdf.save(out, **how)
    return out.getvalue()


def attached(pdf: pikepdf.Pdf) -> None:
    pdf.attachments["data.json"] = pikepdf.AttachedFileSpec(pdf, b"{}")


def pinned(pdf: pikepdf.Pdf) -> None:
    """A file behind a sign on a page, in no list of attachments."""
    stream = pdf.make_stream(b"{}")
    note = {"Type": pikepdf.Name.Annot, "Subtype": pikepdf.Name.FileAttachment, "Rect": [0, 0, 9, 9]}
    pdf.pages[0].Annots.append(pikepdf.Dictionary(**note, FS=pikepdf.Dictionary(EF=pikepdf.Dictionary(F=stream))))


def scripted(pdf: pikepdf.Pdf) -> None:
    pdf.Root.OpenAction = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert(1)")


def launching(pdf: pikepdf.Pdf) -> None:
    """Deep in a page's own dictionary."""
    pdf.pages[0].AA = pikepdf.Dictionary(O=pikepdf.Dictionary(S=pikepdf.Name.Launch, F="x.exe"))


def without_font_file(pdf: pikepdf.Pdf) -> None:
    font = next(iter(pdf.pages[0].Resources.Font.values()))
    del font.FontDescriptor.FontFile2


def without_bookmarks(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.Outlines


def without_language(pdf: pikepdf.Pdf) -> None:
    del pdf.Root.Lang


def on_a4(pdf: pikepdf.Pdf) -> None:
    pdf.pages[-1].mediabox = [0, 0, 595, 842]


def as_a_scan(pdf: pikepdf.Pdf) -> None:
    pdf.pages[1].Contents = pdf.make_stream(b"")


PLANTED = {
    "attachment": (attached, "fda.ecopy.pdf.embed", "attachments"),
    "attachment on a page": (pinned, "fda.ecopy.pdf.embed", "attachments"),
    "script": (scripted, "fda.ecopy.pdf.security", "JavaScript"),
    "program": (launching, "fda.ecopy.pdf.security", "starts a program"),
    "font": (without_font_file, "fda.ecopy.pdf.fonts", "DejaVuSans"),
    "bookmarks": (without_bookmarks, "fda.ecopy.pdf.nav", "no bookmarks"),
    "language": (without_language, "fda.ecopy.pdf.search", "language"),
    "paper": (on_a4, "fda.ecopy.pdf.search", "595 x 842 points, not US Letter"),
    "scan": (as_a_scan, "fda.ecopy.pdf.search", "no text that can be searched on page 2"),
}


@pytest.mark.parametrize("name", list(PLANTED))
def test_each_planted_fault_is_named(built, name):
    change, clause, words = PLANTED[name]
    (fault,) = lint("for_fda.pdf", changed(built[1]["for_fda"].pdf, change))
    assert fault.clause == clause
    assert words in fault.what


@pytest.mark.parametrize(("user", "words"), [("secret", "a password is needed"), ("", "encrypted")])
def test_encryption_is_named(built, user, words):
    locked = pikepdf.Encryption(owner="owner", user=user)
    faults = lint("for_fda.pdf", changed(built[1]["for_fda"].pdf, lambda pdf: None, encryption=locked))
    assert [each.clause for each in faults] == ["fda.ecopy.pdf.security"]
    assert words in faults[0].what


def test_a_font_that_no_reader_must_have_is_named():
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(612, 792))
    canvas.drawString(100, 100, "Helvetica is not embedded")
    canvas.save()
    assert "not embedded: /Helvetica" in [each.what for each in lint("plain.pdf", out.getvalue())]


@pytest.mark.parametrize(
    "name", ["a" * 122 + ".pdf", "results?.pdf", "re\u2013sults.pdf", "résumé.pdf", "results.docx"]
)
def test_names(built, name):
    (fault,) = lint(name, built[1]["for_fda"].pdf)
    assert fault.clause == "fda.ecopy.pdf.names"


def test_size_and_what_is_no_pdf(built):
    data = built[1]["for_fda"].pdf
    large = changed(
        data, lambda pdf: pdf.Root.__setitem__("/X", pdf.make_stream(bytes(51_000_000))), compress_streams=False
    )
    (fault,) = lint("for_fda.pdf", large)
    assert fault.clause == "fda.ecopy.pdf.size"
    (fault,) = lint("for_fda.pdf", b"no PDF at all")
    assert "no readable PDF" in fault.what


def test_every_clause_stands_in_the_catalogue(built):
    known = requirements("fda_ecopy_estar")
    assert {clause for _, clause, _ in PLANTED.values()} <= set(known)
    assert {"fda.ecopy.pdf.names", "fda.ecopy.pdf.size"} <= set(known)


def test_a_document_with_a_fault_is_refused(built, view, monkeypatch):
    monkeypatch.setattr(building, "lint", lambda name, data: [Fault("fda.ecopy.pdf.size", "51.0 MB, more than 50 MB")])
    with pytest.raises(BadInput, match=r"for_fda.pdf may not be sent to FDA: 51.0 MB, more than 50 MB"):
        build_documents(view, built[0][:1])
    assert build_documents(view, built[0][1:])


def test_the_other_copies_carry_their_own_data(built, view):
    document = built[1]["for_eu"]
    with pikepdf.open(io.BytesIO(document.pdf)) as pdf:
        (name,) = pdf.attachments
        file = pdf.attachments[name].get_file()
        assert (name, file.mime_type) == ("for_eu.json", "application/json")
        assert file.read_bytes() == document.json
        assert json.loads(file.read_bytes())["values"]
        (associated,) = pdf.Root.AF
        assert associated.AFRelationship == pikepdf.Name.Data
        assert associated.Type == pikepdf.Name.Filespec
        assert file.size == len(document.json)
        assert not pdf.check_pdf_syntax()
    with pikepdf.open(io.BytesIO(built[1]["for_fda"].pdf)) as pdf:
        assert "/AF" not in pdf.Root
        assert not pdf.attachments
    assert build_documents(make_view(), built[0])[1].pdf == document.pdf, "the same bytes twice"
