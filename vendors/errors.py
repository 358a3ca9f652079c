"""The only errors that leave this package: what went wrong at a vendor, said so that one knows what to do next."""

from enum import StrEnum


class Trouble(StrEnum):
    """What went wrong, in the six ways that call for different next steps."""

    UNREACHABLE = "unreachable"  # no answer, or a 5xx to a read: ask again later
    THROTTLED = "throttled"  # too many calls, or our own gate is shut: come back after ``retry_after_s``
    AMBIGUOUS = "ambiguous"  # a write whose outcome nobody knows: search before anything is sent again
    REFUSED = "refused"  # a definite no to the form of our request: a person mends it
    UNAUTHORISED = "unauthorised"  # credentials or rights: a person mends the account
    MALFORMED = "malformed"  # an answer that we cannot read, so it proves nothing


class VendorError(Exception):
    """A call to a vendor that did not give an answer of the domain.

    Args:
        vendor: the adapter's name.
        trouble: what went wrong.
        vendor_code: the vendor's own code, or the HTTP status as text; empty where there is none.
        detail: one sentence for a person, already scrubbed of secrets and personal data, at most 500 characters.
        retry_after_s: seconds after which the vendor (or the gate) wants to be asked again; None where it did not say.
        never_left: of an open: it is certain that the vendor did not get it, so that it is sent again without a search.

    A refusal of the *claim* (not entitled, out of contract) is no error: it is a ``VendorCase`` that is ``denied``.
    """

    def __init__(
        self,
        vendor: str,
        trouble: Trouble,
        *,
        vendor_code: str = "",
        detail: str = "",
        retry_after_s: float | None = None,
        never_left: bool = False,
    ) -> None:
        """Keep the parts; the text of the exception is all of them in one line."""
        self.vendor = vendor
        self.trouble = trouble
        self.vendor_code = vendor_code
        self.detail = detail[:500]
        self.retry_after_s = retry_after_s
        self.never_left = never_left
        super().__init__(
            " ".join(filter(None, (f"{vendor}: {trouble}", vendor_code and f"({vendor_code})", self.detail)))
        )

    @property
    def may_have_arrived(self) -> bool:
        """Of an open: whether the vendor may hold the case, so that the next step is a search.

        "Unreachable" counts too, although nothing may have been sent: a needless search costs one call, a needless
        second case costs a part.
        """
        return self.trouble not in {Trouble.REFUSED, Trouble.UNAUTHORISED}
