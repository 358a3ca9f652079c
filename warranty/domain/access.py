"""Who may what: the only table of rights. Source: domain.md, section 3 ("Who may what")."""

from dataclasses import dataclass, field
from enum import StrEnum

from warranty.domain.terms import CLIENT_ROLES, Role


class Permission(StrEnum):
    """What an endpoint, a page or a command asks for."""

    READ = "read"  # the MSP's own view of everything
    READ_OWN = "read_own"  # a client's view of its own cases
    REPORT = "report"  # log a fault
    HANDLE = "handle"  # Rma, shipment, swap, stock, note
    DECIDE = "decide"  # override, reviews
    REGISTER = "register"  # registry, contracts, imports, policies, vendor accounts
    BILL = "bill"  # jobs, quotes, rate cards, exports
    APPROVE = "approve"  # a quote, within the limit
    ADMINISTER = "administer"  # users, tokens


P = Permission
_TECHNICIAN = frozenset({P.READ, P.REPORT, P.HANDLE})
_MANAGER = _TECHNICIAN | {P.DECIDE, P.REGISTER}

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.TECHNICIAN: _TECHNICIAN,
    Role.SERVICE_MANAGER: _MANAGER,
    Role.BILLING: frozenset({P.READ, P.BILL}),
    Role.AUDITOR: frozenset({P.READ}),
    Role.ADMIN: _MANAGER | {P.BILL, P.ADMINISTER},
    Role.CLIENT_VIEWER: frozenset({P.READ_OWN, P.REPORT}),
    Role.CLIENT_APPROVER: frozenset({P.READ_OWN, P.REPORT, P.APPROVE}),
}

READING = frozenset({P.READ, P.READ_OWN})


class TokenScope(StrEnum):
    """What an API token was made for; it never exceeds its user's role."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: a signed-in person, a token's user, or the command line's operator.

    ``client_id`` is the database key of the only client whose rows exist for this principal; null for staff, unless a token
    was narrowed to one client. ``scopes`` is null for a person; a token is limited by its scopes too.
    """

    user_id: int | None
    actor: str
    role: Role
    client_id: int | None = None
    scopes: frozenset[TokenScope] | None = None
    permissions: frozenset[Permission] = field(init=False)

    def __post_init__(self) -> None:
        """Work out what is allowed, once.

        Raises:
            ValueError: a client role without a client.
        """
        if self.is_client and self.client_id is None:
            raise ValueError(f"role {self.role} belongs to a client")
        granted = GRANTS[self.role]
        if self.client_id is not None:
            granted -= {P.ADMINISTER}  # people and tokens are the MSP's, whoever's rows one sees
        if self.scopes is not None and TokenScope.ADMIN not in self.scopes:
            granted -= {P.ADMINISTER}
            if TokenScope.WRITE not in self.scopes:
                granted &= READING
        object.__setattr__(self, "permissions", granted)

    @property
    def is_client(self) -> bool:
        """Whether a client asks: it sees its cases in its own words, without the MSP's notes."""
        return self.role in CLIENT_ROLES

    def may(self, permission: Permission) -> bool:
        """Whether this principal has a right."""
        return permission in self.permissions


OPERATOR = Principal(user_id=None, actor="system:command-line", role=Role.ADMIN)
"""Whoever runs ``warranty`` on the server: the shell's own rights are the check."""
