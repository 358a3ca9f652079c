"""What the house itself must keep: its rules, its commands, and the parts the other tests stand on."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
"""The folder of the project."""
