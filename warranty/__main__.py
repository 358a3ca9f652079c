"""``python -m warranty`` is the ``warranty`` command."""

from warranty.cli import main

main(prog_name="warranty")
