"""Proof that a kill at any point loses nothing and opens nothing twice. `child` runs and dies, `test_crash` looks after it."""
