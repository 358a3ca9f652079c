"""The only place that looks for dead code: a function, class, method or property that nothing of the product uses.

vulture finds them; this adds what it cannot know. Fields are not looked at, because tables, documents and vocabularies
are read by name. What templates use, and what the vendor contract offers to vendors yet to come, counts as used.
Use by a test alone does not.
"""

import re
import sys
from pathlib import Path

from vulture import Vulture
from vulture.config import make_config

from tests.house import ROOT

CONTRACT = "vendors/contract.py"


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
    found = [item for item in unused if item.name not in promised]
    return [
        f"{item.filename.relative_to(root)}:{item.first_lineno}: nothing uses the {item.typ} {item.name}"
        for item in sorted(found, key=lambda item: (item.filename, item.first_lineno))
    ]


if __name__ == "__main__":
    sys.exit("\n".join(dead_code(ROOT)) or None)
