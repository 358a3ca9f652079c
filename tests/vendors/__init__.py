"""Every vendor under one contract, the wire below them, and their twins."""
