"""The alert rules, tried by Prometheus' own tool. `make test` compares them with `/metrics` and the operator's page."""
