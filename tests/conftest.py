"""The only place that says which fixtures the whole suite shares; each lives in the plugin module named here."""

import gc
import signal

# A suite that is started in the background ignores the interrupt, and so would every program that it starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Modules and collected tests are some million objects that live to the end: to go through them again and again took a tenth
# of the suite.
gc.set_threshold(100_000, 20, 100)

pytest_plugins = ["tests.loopback_only", "tests.servers", "tests.browser", "tests.app"]
