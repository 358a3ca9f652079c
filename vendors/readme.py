"""The tables of adapters in ``README.md``: the only place that writes it; ``python -m vendors.readme`` renews it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import vendors
from vendors.contract import AccountField, AdapterForm, Duty
from vendors.options import COMMON_FIELDS

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- adapters: begin -->\n", "<!-- adapters: end -->"


def table() -> str:
    """Give two tables as Markdown: what every adapter can do and how sure that is, and what an account must be given."""
    forms = [vendors.describe(vendor) for vendor in vendors.available()]
    able = _rows("vendor | looks up | opens | tracks | class | checked against | uncertain", map(_ability, forms))
    asked = _rows("vendor | secrets | options", map(_account, forms))
    return f"{able}\n{asked}"


def _rows(heads: str, rows: Iterable[Iterable[str]]) -> str:
    """Give one table."""
    rule = "|".join("---" for _ in heads.split("|"))
    return f"| {heads} |\n|{rule}|\n" + "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _ability(form: AdapterForm) -> Iterator[str]:
    """Say what an adapter can do, and on what grounds."""
    yield f"`{form.vendor}`"
    for duty in (Duty.LOOKUP, Duty.OPEN, Duty.TRACK):
        yield "yes" if duty in form.duties else "no"
    yield form.promise or "none"
    yield form.checked_against
    yield "; ".join(form.uncertain) or "nothing"


def _account(form: AdapterForm) -> Iterator[str]:
    """Say what an account must be given."""
    own = [field for field in form.fields if field not in COMMON_FIELDS]
    yield f"`{form.vendor}`"
    yield from (_names(form, [one for one in own if one.secret is kind]) for kind in (True, False))


def renew(readme: Path) -> bool:
    """Write the table of today into a file that has the two marks; tell whether anything was new."""
    old = readme.read_text("utf-8")
    new = re.sub(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: BEGIN + table() + END, old, flags=re.DOTALL)
    if new != old:
        readme.write_text(new, "utf-8")
    return new != old


def _names(form: AdapterForm, fields: list[AccountField]) -> str:
    """List fields; what no duty needs, and is no part of a choice, is optional."""
    choice = {name for group in form.either for name in group}
    needed = [f"`{one.name}`" for one in fields if one.required_for & form.duties]
    either = [
        " and ".join(f"`{name}`" for name in group) for group in form.either if set(group) & {f.name for f in fields}
    ]
    optional = [f"`{one.name}`" for one in fields if not one.required_for & form.duties and one.name not in choice]
    parts = [", ".join(needed), " or ".join(either), f"optional {', '.join(optional)}" if optional else ""]
    return "; ".join(filter(None, parts)) or "none"


if __name__ == "__main__":
    renew(README)
