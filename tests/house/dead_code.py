"""The only place that looks for dead code: a function, class, method or property that nothing of the product uses.

vulture finds them; this adds what it cannot know. Fields are not looked at, because tables, documents and vocabularies
are read by name. What templates use counts as used, and so do the adapters, which are found by their files, and what
the vendor contract offers to vendors yet to come. Use by a test alone does not.
"""

import re
import sys
from pathlib import Path

from vulture import Vulture
from vulture.config import make_config
from vulture.core import Item

from tests.house import ROOT

CONTRACT = "vendors/contract.py"
ADAPTERS = "vendors/adapters"


def dead_code(root: Path) -> list[str]:
    """Return one line for each piece of dead code in the project at `root`."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        settings = make_config([], file)
    looked = Vulture(ignore_names=settings["ignore_names"], ignore_decorators=settings["ignore_decorators"])
    looked.scavenge([root / path for path in settings["paths"] if (root / path).exists()])
    for template in (root / "templates").rglob("*"):
        if template.is_file():
            looked.used_names.update(re.findall(r"[A-Za-z_]\w*", template.read_text()))
    unused = [*looked.unused_funcs, *looked.unused_classes, *looked.unused_methods, *looked.unused_props]
    promised = {item.name for item in unused if item.filename == root / CONTRACT}
    found = [item for item in unused if item.name not in promised and not _is_adapter(item, root)]
    return [
        f"{item.filename.relative_to(root)}:{item.first_lineno}: nothing uses the {item.typ} {item.name}"
        for item in sorted(found, key=lambda item: (item.filename, item.first_lineno))
    ]


def _is_adapter(item: Item, root: Path) -> bool:
    return item.typ == "class" and item.filename.parent == root / ADAPTERS


if __name__ == "__main__":
    sys.exit("\n".join(dead_code(ROOT)) or None)
