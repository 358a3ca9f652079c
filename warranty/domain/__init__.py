"""What the product decides: pure functions and closed vocabularies, on the standard library alone."""
