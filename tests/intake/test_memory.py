"""What an intake keeps of a case: no more than its row and its thumbnail, whatever the number of cases."""

from __future__ import annotations

import hashlib
import tracemalloc
from dataclasses import asdict

import pyarrow as pa

from audit.catalogue import entries
from audit.intake import check_appearance, gathering, similar
from audit.intake.assembling import single
from audit.intake.check import Check
from audit.intake.describing import add_attributes, missing_reasons
from audit.intake.gathering import Gathered
from audit.intake.looks import Looks
from audit.intake.scanning import FileRecord

MOST_BYTES = 2000  # a case; 1,500 measured here, some 500 of them the texts of its row


def record(number):
    """A radiograph of its own, as a worker hands it over."""
    digest = hashlib.sha256(f"{number}".encode()).hexdigest()
    looks = asdict(Looks(digest, bytes(range(256)), 0.0, 900, 0.0, 4000.0, 1000.0))
    attributes = {"modality": "CR", "manufacturer": "SIEMENS", "site": "Hospital A", "sex": "F", "age": "045Y"}
    keys = {"patient": f"p-{digest[:16]}", "study": f"s-{digest[16:32]}", "series": f"s-{digest[32:48]}"}
    return FileRecord(
        path=f"{number // 1000:04d}/{number}.dcm",
        bytes=9000,
        format="DICOM",
        fate="image",
        sha256=digest,
        pixel_sha256=digest[::-1],
        attributes=attributes,
        shape=[64, 64],
        spacing_mm=[2.0, 2.0],
        grid='{"shape": [64, 64], "spacing_mm": [2.0, 2.0], "origin_mm": null, "directions": null}',
        looks=looks | {"thumb": looks["thumb"].hex()},
        **keys,
    ).as_dict()


def bytes_needed(n):
    """Peak of Python's memory, and Arrow's, for ``n`` cases from records to concerns."""
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    gathered = Gathered()
    for number in range(n):
        gathered.add(single(record(number)))
    frame = gathered.frame()
    assert list(add_attributes(frame, {})) == []
    frame["missing"] = missing_reasons(frame)
    intake = gathered.intake(frame, elements=gathered.elements)
    checks = [e for e in entries("intake").values() if isinstance(e, Check)]
    found = [concern for check in checks for concern in check.find(intake)]
    assert len(intake.cases) == n
    assert found == []
    peak = tracemalloc.get_traced_memory()[1] + pa.total_allocated_bytes() - before
    tracemalloc.stop()
    return peak


def test_a_case_costs_its_row_and_no_more(monkeypatch):
    for module, name, size in (
        (gathering, "PACKED", 128),
        (check_appearance, "BLOCK", 100),
        (similar, "BLOCK", (64, 64)),
    ):
        monkeypatch.setattr(module, name, size)  # work on as many cases at a time as a small set has
    bytes_needed(50)  # what is made once, tables of names and the like
    few, many = bytes_needed(300), bytes_needed(900)
    assert (many - few) / 600 < MOST_BYTES
