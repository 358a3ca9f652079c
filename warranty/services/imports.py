"""Files of many rows into the registry: units, contracts, products.

A file that cannot be read writes nothing: that is found out before the first row. Of a file that can, every row is
written whole or refused with its line and the reason, and refused rows do not hold up the others. Rows are written in
batches, each in a transaction of its own, so that on SQLite nobody who reports a fault waits for a large file; after a
stop in the middle the same file is imported again. A row that stands in the registry already changes nothing, one that
says something new is a change with its audit row, and an empty cell says nothing. A dry run goes the same way and stops
before the writing. Kept in memory are the batch at hand, the names of sites and products, and a fingerprint per row.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import islice
from typing import Final

from sqlalchemy.orm import Session

from warranty.services.importing.assets import Assets
from warranty.services.importing.columns import Kind
from warranty.services.importing.contracts import Contracts
from warranty.services.importing.products import Products
from warranty.services.importing.rows import Import, ImportReport, Tally
from warranty.services.importing.sheets import Sheet
from warranty.services.moves import Because

BATCH: Final = 500

_IMPORTS: Final[dict[Kind, type[Import]]] = {
    Kind.ASSETS: Assets,
    Kind.CONTRACTS: Contracts,
    Kind.PRODUCTS: Products,
}


def run(
    sheet: Sheet,
    begin: Callable[[], AbstractContextManager[Session]],
    *,
    because: Because,
    client: str | None = None,
    dry_run: bool = False,
    on_progress: Callable[[int], None] = lambda _rows: None,
) -> ImportReport:
    """Import a sheet.

    Args:
        sheet: what ``importing.sheets.open_sheet`` gave.
        begin: opens one transaction with the scope of staff and commits it at its end; called once for each batch.
            For a dry run one that only reads will do.
        because: who imports, when, and the reason that baselines and the register will carry.
        client: the name of the client whose rows they are; a row that names another is refused.
        dry_run: find out what would happen, and write nothing.
        on_progress: told after each batch how many rows it had.

    Returns:
        What became of the rows. Nothing is raised for a row.

    Raises:
        Unusable: there is no client of that name.
    """
    report = ImportReport(sheet.kind, sheet.dialect, dry_run, warnings=list(sheet.warnings))
    kind = _IMPORTS[sheet.kind](Tally(report), because, client, dry_run)
    rows = sheet.rows()
    while batch := list(islice(rows, BATCH)):
        with begin() as session:
            kind.take(session, batch)
        on_progress(len(batch))
    kind.tally.close()
    report.dialect = sheet.dialect
    return report
