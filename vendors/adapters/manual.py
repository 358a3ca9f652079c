"""A vendor without an API: a person uses its portal or telephone, with the request as a block to paste.

Source: vendor-apis.md, section 13. Nothing is ever sent, so nothing is ever shown as opened: the Rma stays in
``manual_handling`` until a person enters the vendor's number.
"""

from collections.abc import Mapping
from typing import ClassVar, Self

from vendors.contract import (
    AccountField,
    AdapterForm,
    ByHand,
    Calls,
    Capabilities,
    Duty,
    Gate,
    Promise,
    TokenStore,
    VendorAdapter,
)
from vendors.errors import Trouble, VendorError
from vendors.options import Options


class Manual(VendorAdapter):
    """The instructions for a person."""

    name: ClassVar[str] = "manual"
    form: ClassVar[AdapterForm] = AdapterForm(
        vendor="manual",
        title="Manual",
        duties=frozenset({Duty.OPEN, Duty.TRACK}),
        fields=(
            AccountField("portal_url", "where the claim is entered"),
            AccountField("instructions", "what the person must know"),
        ),
        promise=Promise.C,
        checked_against="nothing: a person does it",
    )

    def __init__(self, by_hand: ByHand) -> None:
        """Take what the person needs."""
        self._by_hand = by_hand

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """Build the adapter; it calls nobody, so address, tokens, gate and calls are not used."""
        del base_url, tokens, gate, calls
        read = Options(cls.name, options)
        portal_url = read.text("portal_url")
        if portal_url and not portal_url.startswith(("https://", "http://")):  # it is a link on pages
            detail = "portal_url is no address of a page: it begins with https://"
            raise VendorError(cls.name, Trouble.REFUSED, vendor_code="option", detail=detail)
        return cls(ByHand(portal_url=portal_url, instructions=read.text("instructions")))

    @property
    def capabilities(self) -> Capabilities:
        """By hand, which makes it class C: what a person has typed into a portal, no program can search."""
        return Capabilities(duties=self.form.duties, promise=self.form.promise, by_hand=self._by_hand)

    def check(self) -> None:
        """There is nobody to call."""
