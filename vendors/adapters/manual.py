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
    FieldKind,
    Gate,
    Promise,
    ReturnRule,
    ReturnStart,
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
            AccountField("return_days", "days until the defective part is due back", kind=FieldKind.NUMBER),
            AccountField(
                "return_starts", "what starts them: order, shipment or delivery", default=ReturnStart.SHIPMENT
            ),
            AccountField("return_business_days", "they are business days", kind=FieldKind.BOOLEAN, default="false"),
        ),
        promise=Promise.C,
        checked_against="nothing: a person does it",
    )

    def __init__(self, by_hand: ByHand, return_rule: ReturnRule | None) -> None:
        """Take what the person needs, and what the vendor's papers say of returns."""
        self._by_hand = by_hand
        self._return_rule = return_rule

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
        by_hand = ByHand(portal_url=portal_url, instructions=read.text("instructions"))
        return cls(by_hand, _return_rule(read))

    @property
    def capabilities(self) -> Capabilities:
        """By hand, which makes it class C: what a person has typed into a portal, no program can search."""
        return Capabilities(
            duties=self.form.duties,
            promise=self.form.promise,
            return_rule=self._return_rule,
            by_hand=self._by_hand,
        )

    def check(self) -> None:
        """There is nobody to call."""


def _return_rule(read: Options) -> ReturnRule | None:
    starts = read.text("return_starts", ReturnStart.SHIPMENT)
    if starts not in set(ReturnStart):
        detail = f"return_starts is none of {', '.join(ReturnStart)}"
        raise VendorError(Manual.name, Trouble.REFUSED, vendor_code="option", detail=detail)
    days = int(read.number("return_days", 0))
    is_business = read.boolean("return_business_days", default=False)
    return ReturnRule(days, ReturnStart(starts), is_business) if days else None
