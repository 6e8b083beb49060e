"""An intake of many small DICOM files beside a plain loop of pydicom and pandas over the same files.

    python benchmarks/intake_scale.py --files 100000 --folder /tmp/intake_bench

The plain loop reads header and pixels and keeps a row; it hashes nothing, checks nothing, survives no crash. The intake
is killed once on the way and goes on, as it would in a hospital. Peak memory is that of the largest process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pydicom
from machine import machine_facts
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

RESULTS = Path(__file__).parent / "results" / "intake.json"
SIDE = 64
PLAIN = """
import resource, sys, time
from pathlib import Path
import pandas as pd, pydicom
start, rows = time.monotonic(), []
for path in Path(sys.argv[1]).rglob("*.dcm"):
    d = pydicom.dcmread(path)
    p = d.pixel_array
    rows.append({"path": str(path), "patient": d.PatientID, "maker": d.Manufacturer, "sex": d.PatientSex,
                 "age": d.PatientAge, "spacing": list(d.PixelSpacing), "mean": p.mean(), "max": p.max()})
pd.DataFrame(rows).to_csv(sys.argv[2], index=False)
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def make(folder: Path, count: int) -> None:
    """``count`` files of 64 x 64 pixels, two of each patient; the same bytes on every run but for UIDs."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    base = np.exp(-(((rows - 0.5) / 0.3) ** 2) - ((columns - 0.4) / 0.3) ** 2)
    template = dataset()
    for i in range(count):
        path = folder / f"{i // 1000:04d}" / f"{i}.dcm"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng((11, i))
        own = np.kron(rng.normal(size=(8, 8)), np.ones((8, 8)))
        picture = 1500 + 900 * base + 300 * own + rng.normal(0, 20, (SIDE, SIDE))
        template.PatientID, template.PatientAge = f"P{i // 2:06d}", f"{20 + i % 70:03d}Y"
        template.PatientSex = "FM"[i // 2 % 2]
        template.Manufacturer = ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips Medical Systems")[i // 2 % 3]
        template.SOPInstanceUID = template.file_meta.MediaStorageSOPInstanceUID = f"1.2.826.0.1.{i + 1}"
        template.StudyInstanceUID, template.SeriesInstanceUID = f"1.2.826.0.2.{i + 1}", f"1.2.826.0.3.{i + 1}"
        template.PixelData = picture.clip(0, 4095).astype("<u2").tobytes()
        template.save_as(path, enforce_file_format=True)


def dataset() -> pydicom.Dataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    made = pydicom.Dataset()
    made.file_meta, made.SOPClassUID = meta, meta.MediaStorageSOPClassUID
    made.Modality, made.InstitutionName, made.ManufacturerModelName = "CR", "Hospital A", "Model"
    made.Rows, made.Columns, made.SamplesPerPixel = SIDE, SIDE, 1
    made.PhotometricInterpretation, made.PixelSpacing, made.ViewPosition = "MONOCHROME2", [2.0, 2.0], "PA"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    return made


def intake(folder: Path, out: Path, workers: int, stop_after: float | None = None) -> tuple[float, float]:
    """Seconds and peak memory (MiB) of the largest process of one intake, stopped by SIGKILL after ``stop_after`` s."""
    start = time.monotonic()
    command = [sys.executable, "-c", "from audit.cli import main; main()", "intake", str(folder), "--out", str(out)]
    process = subprocess.Popen([*command, "--workers", str(workers), "--json"], stdout=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, resident(process.pid))
        time.sleep(0.2)
        if stop_after is not None and time.monotonic() - start > stop_after:
            process.send_signal(signal.SIGKILL)
            process.wait()
    return time.monotonic() - start, peak


def resident(pid: int) -> float:
    """Largest peak of a process and its children, MiB."""
    found = [pid]
    for line in subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True).stdout.splitlines():
        child, parent = map(int, line.split())
        if parent in found:
            found.append(child)
    return max(peak_of(p) for p in found)


def peak_of(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def plain(folder: Path, out: Path) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-c", PLAIN, str(folder), str(out)], capture_output=True, text=True, check=True
    )
    seconds, peak = map(float, done.stdout.split())
    return seconds, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/intake_bench"))
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    source = asked.folder / f"files_{asked.files}"
    make(source, asked.files)
    result: dict[str, object] = {"files": asked.files, "pixels": f"{SIDE} x {SIDE}", "workers": asked.workers}
    seconds, peak = plain(source, asked.folder / "plain.csv")
    result["plain loop"] = {"seconds": seconds, "files_per_second": asked.files / seconds, "peak_mib": peak}
    out = asked.folder / f"set_{asked.files}_{time.time_ns()}"
    before, peak_before = intake(source, out, asked.workers, stop_after=max(20.0, seconds / 3))
    after, peak_after = intake(source, out, asked.workers)
    lines = sum(1 for _ in (out / "manifest.csv").open(encoding="utf-8")) - 1
    result["intake"] = {
        "seconds": before + after,
        "seconds_before_it_was_killed": before,
        "files_per_second": asked.files / (before + after),
        "peak_mib_of_the_largest_process": max(peak_before, peak_after),
        "cases": lines,
        "concerns": len(json.loads((out / "intake" / "report.json").read_text(encoding="utf-8"))["concerns"]),
    }
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"runs": {}}
    known["machine"] = machine_facts()
    known["runs"][str(asked.files)] = result
    RESULTS.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
