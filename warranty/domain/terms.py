"""The closed vocabularies of the field: the only place where these words are written down.

Every enum is a ``StrEnum``; its value is what databases, the API and documents carry. Source: domain.md.
"""

from enum import StrEnum


class Component(StrEnum):
    """What of a unit is faulty."""

    UNIT = "unit"
    MAINBOARD = "mainboard"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    PSU = "psu"
    FAN = "fan"
    BATTERY = "battery"
    SCREEN = "screen"
    KEYBOARD = "keyboard"
    NIC = "nic"
    PORT = "port"
    OPTIC = "optic"
    CONTROLLER = "controller"
    TONER = "toner"
    DRUM = "drum"
    LAMP = "lamp"
    OTHER = "other"


CONSUMABLES = frozenset({Component.BATTERY, Component.TONER, Component.DRUM, Component.LAMP})


class Cause(StrEnum):
    """Why it is faulty; asked and never guessed."""

    HARDWARE_FAILURE = "hardware_failure"
    DEAD_ON_ARRIVAL = "dead_on_arrival"
    WEAR = "wear"
    ACCIDENTAL_DAMAGE = "accidental_damage"
    LIQUID = "liquid"
    SURGE = "surge"
    MISUSE = "misuse"
    THEFT = "theft"
    UNKNOWN = "unknown"


class Ownership(StrEnum):
    """Whose property a unit is."""

    CLIENT = "client"
    MSP = "msp"
    LEASED = "leased"
    LOANER = "loaner"


class AssetState(StrEnum):
    """Where a unit stands in its life."""

    ONBOARDING = "onboarding"
    IN_SERVICE = "in_service"
    REJECTED_AT_HANDOVER = "rejected_at_handover"
    IN_STOCK = "in_stock"
    FAULTY = "faulty"
    IN_RMA = "in_rma"
    REPLACED = "replaced"
    RETURNED_TO_VENDOR = "returned_to_vendor"
    RETAINED_MEDIA = "retained_media"
    DECOMMISSIONED = "decommissioned"
    DISPOSED = "disposed"
    LOST = "lost"
    STOLEN = "stolen"


class Share(StrEnum):
    """The two halves of a swap: the replacement hardware, and the MSP's own work."""

    PARTS = "parts"
    LABOUR = "labour"


class CoverageKind(StrEnum):
    """What sort of promise a coverage is; the default order of precedence is the order here."""

    MANUFACTURER_WARRANTY = "manufacturer_warranty"
    VENDOR_CONTRACT = "vendor_contract"
    THIRD_PARTY_MAINTENANCE = "third_party_maintenance"
    MSP_AGREEMENT = "msp_agreement"
    INSURANCE = "insurance"


class CoverageState(StrEnum):
    """What a person set; active, future and expired by date are computed, never stored."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    VOIDED = "voided"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


class ScopeKind(StrEnum):
    """What a coverage is written for; the order here is that of specificity."""

    ASSET = "asset"
    PRODUCT = "product"
    SITE = "site"
    CLIENT = "client"


class Fulfilment(StrEnum):
    """How a coverage is honoured."""

    VENDOR_RMA = "vendor_rma"
    MSP_SUPPLY = "msp_supply"
    INSURER_CLAIM = "insurer_claim"


class ServiceLevel(StrEnum):
    """How fast; best first."""

    H24X7X2 = "24x7x2h"
    H24X7X4 = "24x7x4h"
    H8X5X4 = "8x5x4h"
    SAME_BUSINESS_DAY = "same_business_day"
    NEXT_BUSINESS_DAY = "next_business_day"
    BEST_EFFORT = "best_effort"
    UNKNOWN = "unknown"


class Delivery(StrEnum):
    """How the replacement comes; best first."""

    ON_SITE = "on_site"
    ADVANCE_EXCHANGE = "advance_exchange"
    CUSTOMER_REPLACEABLE = "customer_replaceable"
    PARTS_ONLY = "parts_only"
    DEPOT = "depot"
    UNKNOWN = "unknown"


class EvidenceSource(StrEnum):
    """What a coverage rests on."""

    VENDOR_LOOKUP = "vendor_lookup"
    CONTRACT_FILE = "contract_file"
    NONE = "none"


class LookupSource(StrEnum):
    """Whether any account can ask a vendor about a unit."""

    VENDOR_LOOKUP = "vendor_lookup"
    NOT_AVAILABLE = "not_available"


class CoverageSays(StrEnum):
    """What the vendor said of one coverage."""

    COVERED = "covered"
    NOT_COVERED = "not_covered"
    UNKNOWN = "unknown"
    NOT_OWNER = "not_owner"


class UnitSays(StrEnum):
    """What the vendor said of the unit itself."""

    LISTED = "listed"
    UNKNOWN = "unknown"
    NOT_OWNER = "not_owner"


class CaseKind(StrEnum):
    """What sort of other case a unit has."""

    FAULT = "fault"
    RMA = "rma"
    JOB = "job"


class Direction(StrEnum):
    """How a reading is compared with its target."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    WITHIN = "within"


class VerdictWord(StrEnum):
    """The verdict; null (None) where nothing is to be decided."""

    COVERED = "covered"
    PARTLY_COVERED = "partly_covered"
    NOT_COVERED = "not_covered"
    NEEDS_REVIEW = "needs_review"


class Route(StrEnum):
    """Where an accepted fault goes: exactly one."""

    RMA = "rma"
    AD_HOC = "ad_hoc"
    REVIEW = "review"
    LOOKUP = "lookup"
    DUPLICATE = "duplicate"
    NONE = "none"


class Party(StrEnum):
    """Who pays a share, or a line of a job."""

    VENDOR = "vendor"
    MSP = "msp"
    CLIENT = "client"
    INSURER = "insurer"
    LESSOR = "lessor"  # lines of jobs only; the decision never names it


class Rule(StrEnum):
    """Which rule of the ranking decided."""

    PRECEDENCE = "precedence"
    SPECIFICITY = "specificity"
    SERVICE_LEVEL = "service_level"
    DELIVERY = "delivery"
    ENDS_SOONER = "ends_sooner"
    CONTRACT_NUMBER = "contract_number"
    ID = "id"


class ReasonCode(StrEnum):
    """Why: the codes of a verdict's entries."""

    CHOSEN = "chosen"
    OUTRANKED = "outranked"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    IN_GRACE = "in_grace"
    REPORTED_AFTER_COVER = "reported_after_cover"
    FAILURE_BEFORE_COVER = "failure_before_cover"
    WAITING_PERIOD = "waiting_period"
    SUSPENDED = "suspended"
    VOIDED = "voided"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    PARTS_NOT_COVERED = "parts_not_covered"
    LABOUR_NOT_COVERED = "labour_not_covered"
    CAUSE_EXCLUDED = "cause_excluded"
    CAUSE_UNKNOWN = "cause_unknown"
    COMPONENT_EXCLUDED = "component_excluded"
    CONSUMABLE_EXCLUDED = "consumable_excluded"
    SITE_NOT_COVERED = "site_not_covered"
    LIMIT_EXHAUSTED = "limit_exhausted"
    NEVER_LOOKED_UP = "never_looked_up"
    LOOKUP_STALE = "lookup_stale"
    LOOKUP_FAILED = "lookup_failed"
    NO_EVIDENCE = "no_evidence"
    SOURCES_CONFLICT = "sources_conflict"
    UNKNOWN_TO_VENDOR = "unknown_to_vendor"
    NOT_OWNER_AT_VENDOR = "not_owner_at_vendor"
    UNKNOWN_SERVICE_LEVEL = "unknown_service_level"
    UNIT_UNIDENTIFIED = "unit_unidentified"
    SERIAL_AMBIGUOUS = "serial_ambiguous"
    ASSET_REPLACED = "asset_replaced"
    ASSET_DECOMMISSIONED = "asset_decommissioned"
    ASSET_NOT_ACCEPTED = "asset_not_accepted"
    PRE_EXISTING_CONDITION = "pre_existing_condition"
    MSP_OWNED = "msp_owned"
    LEASED = "leased"
    LOANER = "loaner"
    DUPLICATE_FAULT = "duplicate_fault"
    OPEN_RMA_EXISTS = "open_rma_exists"
    OPEN_JOB_EXISTS = "open_job_exists"
    REPEAT_FAILURE = "repeat_failure"
    WITHIN_TOLERANCE = "within_tolerance"
    NO_COVERAGE = "no_coverage"


class OverrideCode(StrEnum):
    """Why a person decides otherwise than the engine."""

    GOODWILL = "goodwill"
    CONTRACT_READING = "contract_reading"
    VENDOR_CONFIRMED = "vendor_confirmed"
    WRONG_DATA = "wrong_data"
    OTHER = "other"


class Role(StrEnum):
    """What a person may do; the last two belong to one client."""

    ADMIN = "admin"
    SERVICE_MANAGER = "service_manager"
    TECHNICIAN = "technician"
    BILLING = "billing"
    AUDITOR = "auditor"
    CLIENT_VIEWER = "client_viewer"
    CLIENT_APPROVER = "client_approver"


CLIENT_ROLES = frozenset({Role.CLIENT_VIEWER, Role.CLIENT_APPROVER})


class JobKind(StrEnum):
    """What sort of ad hoc job."""

    UNCOVERED_SWAP = "uncovered_swap"
    AGREEMENT_SWAP = "agreement_swap"
    SWAP_LABOUR = "swap_labour"
    INSTALLATION = "installation"
    UPGRADE = "upgrade"
    DECOMMISSION = "decommission"
    OTHER = "other"
