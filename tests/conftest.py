"""The only place that says which fixtures the whole suite shares; each lives in the plugin module named here."""

pytest_plugins = ["tests.loopback_only", "tests.servers", "tests.browser", "tests.app"]
