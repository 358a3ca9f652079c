"""The table of adapters in ``README.md``: the only place that writes it; ``python -m vendors.readme`` renews it."""

import re
from pathlib import Path

import vendors
from vendors.contract import AccountField, AdapterForm
from vendors.options import COMMON_FIELDS

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- adapters: begin -->\n", "<!-- adapters: end -->"


def table() -> str:
    """Give the table as Markdown: of every adapter the promise class, the duties, and what an account must be given."""
    rows = ["| vendor | class | duties | secrets | options |", "|---|---|---|---|---|"]
    for vendor in vendors.available():
        form = vendors.describe(vendor)
        own = [field for field in form.fields if field not in COMMON_FIELDS]
        secrets, options = ([one for one in own if one.secret is kind] for kind in (True, False))
        promise = form.promise or "none: it opens nothing"
        cells = (f"`{vendor}`", promise, ", ".join(sorted(form.duties)), _names(form, secrets), _names(form, options))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


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
