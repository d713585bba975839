"""The command line `fastdata`; each command loads only what it runs, so that help and mistakes answer at once."""

import signal

from pipeline.cli.app import app


def main() -> None:
    """Run the command line (the console script's entry); SIGTERM ends it as Ctrl-C does, cleaning up."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    app()


__all__ = ["app", "main"]
