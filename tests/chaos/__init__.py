"""The promise under harm: one covered fault, one claim. `run` plays one plan, `__main__` is ``make chaos``.

Real processes, a real database with full durability, a vendor that misbehaves; a nemesis that kills, freezes and empties;
a producer that repeats until it is acknowledged. The checker (`verdict`) reads the acknowledgements and the vendor's
ledger, and only then asks the product what it believes. Everything random follows from the plan's seed.
"""
