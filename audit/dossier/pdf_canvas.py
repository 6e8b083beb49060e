"""The canvas that writes a PDF: reportlab's, with short ways for what a long document does ten thousand times.

A text, a colour and a link of reportlab go through general machinery (bidirectional text, text modes, dictionaries of
permitted keys); a document of the suite needs none of it. What stands on the page is the same.
"""

from __future__ import annotations

from typing import Any

from reportlab.pdfbase import pdfdoc, pdfmetrics
from reportlab.pdfgen.canvas import Canvas


class LinkTo(pdfdoc.PDFObject):  # type: ignore[misc]
    """A rectangle that jumps to ``target`` and keeps ``contents``; ``written``: the targets' bytes, made once each."""

    def __init__(
        self, rectangle: tuple[float, float, float, float], contents: str, target: Any, written: dict[str, bytes]
    ) -> None:
        self.rectangle, self.contents, self.target, self.written = rectangle, contents, target, written

    def format(self, document: Any) -> bytes:
        """The annotation's bytes (ISO 32000-1, 12.5.6.5)."""
        if self.target.name not in self.written:
            self.written[self.target.name] = self.target.format(document)
        kept = pdfdoc.PDFString(self.contents).format(document), self.written[self.target.name]
        fixed = b"<< /Type /Annot /Subtype /Link /Border [0 0 0]"
        return fixed + b" /Rect [%.2f %.2f %.2f %.2f] /Contents %s /Dest %s >>" % (*self.rectangle, *kept)


class PageCanvas(Canvas):  # type: ignore[misc]
    """Texts, colours and links in as few operators as they need."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self._written: dict[str, bytes] = {}
        self._shown: dict[tuple[str, float, str], str] = {}

    def drawString(self, x: float, y: float, text: str, **_options: Any) -> None:  # noqa: N802
        """The text in the current font, which is one of the embedded ones."""
        key = self._fontname, self._fontsize, text
        if key not in self._shown:
            self._shown[key] = self._operators(text)
        self._code.append(f"BT 1 0 0 1 {x:.3f} {y:.3f} Tm {self._shown[key]} ET")

    def _operators(self, text: str) -> str:
        """What shows the text in the current font, whose subsets hold 256 characters each."""
        font, size = pdfmetrics.getFont(self._fontname), self._fontsize
        return " ".join(
            f"{font.getSubsetInternalName(subset, self._doc)} {size:.4g} Tf ({self._escape(piece)}) Tj"
            for subset, piece in font.splitString(text, self._doc)
        )

    def setFillColor(self, colour: Any, alpha: float | None = None) -> None:  # noqa: N802
        """Written where it changes."""
        if alpha is not None or colour is not self._fillColorObj:
            super().setFillColor(colour, alpha)

    def setStrokeColor(self, colour: Any, alpha: float | None = None) -> None:  # noqa: N802
        """Written where it changes."""
        if alpha is not None or colour is not self._strokeColorObj:
            super().setStrokeColor(colour, alpha)

    def setLineWidth(self, width: float) -> None:  # noqa: N802
        """Written where it changes."""
        if width != self._lineWidth:
            super().setLineWidth(width)

    def linkRect(  # noqa: N802
        self, contents: str, destinationname: str, Rect: tuple[float, float, float, float], **_options: Any
    ) -> None:
        """A link without a border, on a page that is moved but neither turned nor mirrored."""
        low, high = self.absolutePosition(*Rect[:2]), self.absolutePosition(*Rect[2:])
        target = self._bookmarkReference(destinationname)
        self._addAnnotation(LinkTo((*low, *high), contents, target, self._written))
