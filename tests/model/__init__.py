"""The product's own code under simulated time, vendor and workers: see `test_model`."""
