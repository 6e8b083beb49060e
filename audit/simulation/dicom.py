"""Writes a simulated slice as DICOM MR Image Storage (PS3.3 A.4), JPEG-LS lossless, that says what it is.

Nothing in the file depends on the time or the machine: identifiers are name-based UUIDs under the 2.25 root, which
needs no registration (PS3.5 B.2).
"""

from __future__ import annotations

import io
import uuid
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, JPEGLSLossless, MRImageStorage

from audit.simulation.cohort import SimulatedCase
from audit.simulation.phantom import THICKNESS_MM
from audit.simulation.scanners import Scanner

NOTICE = "SIMULATED DATA - not a patient"
_NAMESPACE = uuid.UUID("6a1f0c5e-6d5c-5d8e-9a53-6f3d3a0c7b11")
_BITS = 12


def dicom_bytes(case: SimulatedCase, pixels: NDArray[np.uint16]) -> bytes:
    """The whole file of one case; ``pixels`` (rows, columns) below 4096. The same case gives the same bytes."""
    dataset = Dataset()
    dataset.file_meta = _file_meta(case)
    for group in (_identity(case), _subject(case), _equipment(case), _protocol(case.scanner), _geometry(case.scanner)):
        for keyword, value in group.items():
            setattr(dataset, keyword, value)
    _set_pixels(dataset, pixels)
    dataset.compress(JPEGLSLossless, encoding_plugin="pyjpegls", generate_instance_uid=False)
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def uid(name: str) -> str:
    """The DICOM identifier that belongs to ``name``, always the same."""
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def _file_meta(case: SimulatedCase) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = uid(f"instance {case.case_id}")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("implementation")
    meta.ImplementationVersionName = "AUDIT_SIMULATION"
    return meta


def _identity(case: SimulatedCase) -> dict[str, Any]:
    day = case.acquired.strftime("%Y%m%d")
    return {
        "SOPClassUID": MRImageStorage,
        "SOPInstanceUID": uid(f"instance {case.case_id}"),
        "StudyInstanceUID": uid(f"study {case.patient_id}"),
        "SeriesInstanceUID": uid(f"series {case.patient_id}"),
        "FrameOfReferenceUID": uid(f"frame {case.patient_id}"),
        "PositionReferenceIndicator": "",
        "Modality": "MR",
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "IR"],
        "StudyDate": day,
        "SeriesDate": day,
        "AcquisitionDate": day,
        "StudyTime": "",
        "StudyID": "",
        "AccessionNumber": "",
        "ReferringPhysicianName": "",
        "SeriesNumber": 1,
        "InstanceNumber": int(case.case_id.rpartition("-")[2]),
        "StudyDescription": "SIMULATED DATA",
        "SeriesDescription": "Axial FLAIR, simulated",
        "ImageComments": NOTICE,
        "BurnedInAnnotation": "NO",
    }


def _subject(case: SimulatedCase) -> dict[str, Any]:
    age = {} if case.age_recorded is None else {"PatientAge": f"{case.age_recorded:03d}Y"}
    return age | {
        "PatientID": case.patient_id,
        "PatientName": "",
        "PatientBirthDate": "",
        "PatientSex": case.sex_recorded or "",
        "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "Simulated: there is no patient",
    }


def _equipment(case: SimulatedCase) -> dict[str, Any]:
    return {
        "Manufacturer": case.scanner.manufacturer,
        "ManufacturerModelName": case.scanner.model,
        "InstitutionName": case.site,
        "StationName": f"{case.site.split()[0][:8].upper()}-MR",
        "SoftwareVersions": "imaging-audit simulation",
    }


def _protocol(scanner: Scanner) -> dict[str, Any]:
    return {
        "BodyPartExamined": "BRAIN",
        "ScanningSequence": ["SE", "IR"],
        "SequenceVariant": "SK",
        "ScanOptions": "",
        "MRAcquisitionType": "2D",
        "MagneticFieldStrength": scanner.field_strength_t,
        "RepetitionTime": scanner.tr,
        "InversionTime": scanner.ti,
        "EchoTime": scanner.te,
        "EchoTrainLength": 16,
    }


def _geometry(scanner: Scanner) -> dict[str, Any]:
    return {
        "PatientPosition": "HFS",
        "SliceThickness": THICKNESS_MM,
        "PixelSpacing": [scanner.spacing_mm, scanner.spacing_mm],
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "ImagePositionPatient": [0, 0, 0],
    }


def _set_pixels(dataset: Dataset, pixels: NDArray[np.uint16]) -> None:
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, _BITS, _BITS - 1
    dataset.PixelRepresentation = 0
    dataset.PixelData = pixels.astype("<u2").tobytes()
