"""The only place that says which fixtures the whole suite shares; each lives in the plugin module named here."""

import signal

# A suite that is started in the background ignores the interrupt, and so would every program that it starts and interrupts.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["tests.loopback_only", "tests.servers", "tests.browser", "tests.app"]
