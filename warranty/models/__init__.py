"""Every table; importing this module makes them all known."""

from warranty.models.audit import AuditChain, AuditRow
from warranty.models.base import Base, PublicRow, TenantRow, clock
from warranty.models.calendars import BusinessCalendar
from warranty.models.cases import CaseNote, CoverageTransfer, Fault, Loan, Rma, Shipment, StoredVerdict, Swap
from warranty.models.estate import Asset, Baseline, Client, Contract, Coverage, ExternalRef, Product, Site
from warranty.models.files import File
from warranty.models.handover import Disposal, HandoverStep, SanitizedMedium
from warranty.models.imports import ImportBatch, ImportPiece, ImportRun
from warranty.models.look_ups import LookUpRun, UnitAnswer
from warranty.models.mail import Mail, News
from warranty.models.money import AdHocJob, JobLine
from warranty.models.people import Absence, ApiToken, CalendarFeed, Person, User
from warranty.models.returns import CaseCost, VendorReturn
from warranty.models.specifications import AcceptedDifference, ParityCertificate, Snapshot, SnapshotKind
from warranty.models.stock import StockLocation, StockUnit
from warranty.models.vendor_log import AccountMaker, PartsList, VendorAccount, VendorCall, VendorDelivery
from warranty.models.views import SavedView
from warranty.models.work import HumanTask, IdempotencyKey, Lease, Outbox, OverrideRequest, Sighting

__all__ = [
    "Absence",
    "AcceptedDifference",
    "AccountMaker",
    "AdHocJob",
    "ApiToken",
    "Asset",
    "AuditChain",
    "AuditRow",
    "Base",
    "Baseline",
    "BusinessCalendar",
    "CalendarFeed",
    "CaseCost",
    "CaseNote",
    "Client",
    "Contract",
    "Coverage",
    "CoverageTransfer",
    "Disposal",
    "ExternalRef",
    "Fault",
    "File",
    "HandoverStep",
    "HumanTask",
    "IdempotencyKey",
    "ImportBatch",
    "ImportPiece",
    "ImportRun",
    "JobLine",
    "Lease",
    "Loan",
    "LookUpRun",
    "Mail",
    "News",
    "Outbox",
    "OverrideRequest",
    "ParityCertificate",
    "PartsList",
    "Person",
    "Product",
    "PublicRow",
    "Rma",
    "SanitizedMedium",
    "SavedView",
    "Shipment",
    "Sighting",
    "Site",
    "Snapshot",
    "SnapshotKind",
    "StockLocation",
    "StockUnit",
    "StoredVerdict",
    "Swap",
    "TenantRow",
    "UnitAnswer",
    "User",
    "VendorAccount",
    "VendorCall",
    "VendorDelivery",
    "VendorReturn",
    "clock",
]
