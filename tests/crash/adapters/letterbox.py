"""A vendor that answers into a folder, as others do into a queue or a mailbox: it is emptied, and not read by number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vendors.adapters.servicenow import ServiceNow
from vendors.contract import AccountField
from vendors.errors import Trouble, VendorError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from vendors.contract import Calls, Capabilities, Gate, TokenStore


class Letterbox(ServiceNow):
    """ServiceNow that writes its answers into a folder."""

    name = "letterbox"
    form = replace(
        ServiceNow.form,
        vendor="letterbox",
        title="Letterbox",
        fields=(*ServiceNow.form.fields, AccountField("folder", "where the vendor puts its answers")),
    )
    folder: Path

    @classmethod
    def from_options(
        cls, options: Mapping[str, str], *, base_url: str | None, tokens: TokenStore, gate: Gate, calls: Calls
    ) -> Self:
        """As ServiceNow, and with a folder."""
        made = super().from_options(options, base_url=base_url, tokens=tokens, gate=gate, calls=calls)
        made.folder = Path(options["folder"])
        return made

    @property
    def capabilities(self) -> Capabilities:
        """As ServiceNow, but it is emptied."""
        return replace(super().capabilities, pulls=True)

    def pull(self, store: Callable[[bytes], None]) -> None:
        """Take one letter after the other; a folder that is gone is an account that is refused."""
        if not self.folder.is_dir():
            raise VendorError(self.name, Trouble.UNAUTHORISED, detail="there is no such folder")
        for letter in sorted(self.folder.iterdir()):
            store(letter.read_bytes())
            letter.unlink()
