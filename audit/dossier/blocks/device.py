"""The device and its manufacturer, as device.yaml states them."""

from __future__ import annotations

from audit.dossier.block import Block, NoParameters, nothing
from audit.dossier.content import Column, Node, Row, Table, text
from audit.dossier.view import AuditView

FACTS = (
    ("manufacturer", "Manufacturer"),
    ("name", "Device"),
    ("version", "Version"),
    ("address", "Address of the manufacturer"),
    ("contact", "Contact"),
    ("authorised_representative", "Authorised representative in the Union"),
    ("udi_di", "UDI-DI"),
    ("risk_class", "Class and rule under Regulation (EU) 2017/745"),
    ("notified_body", "Notified body, procedure, certificate"),
    ("product_code", "Product code (FDA)"),
    ("regulation", "Classification regulation (21 CFR)"),
    ("intended_users", "Intended users"),
    ("intended_population", "Intended population"),
    ("target_countries", "Countries"),
)


def _build(view: AuditView, _given: NoParameters) -> tuple[Node, ...]:
    if view.device is None:
        return nothing(
            "No device facts were supplied (device.yaml): manufacturer, users and population are not stated."
        )
    rows = []
    for name, label in FACTS:
        if name in elsewhere(view):
            continue
        value = getattr(view.device, name)
        words = ", ".join(value) if isinstance(value, tuple) else str(value or "")
        rows.append(Row((text(label), text(words) if words else text("not stated in device.yaml", "quiet"))))
    return (Table("Device, as declared", (Column("Fact", 1.2), Column("As stated", 3)), tuple(rows)),)


def elsewhere(view: AuditView) -> set[str]:
    """Facts that only a market asks for in which the device is not sold."""
    of_market = {
        "eu": {"authorised_representative", "risk_class", "notified_body"},
        "us": {"regulation", "product_code"},
    }
    return {name for market, names in of_market.items() if market not in view.markets for name in names}


ENTRY = Block("device", NoParameters, _build)
