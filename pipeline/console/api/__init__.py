"""The HTTP API: what `fastdata alarms`, `commands`, `cases` and `policies` do, for programs."""
