"""The command line `fastdata`; each command loads only what it runs, so that help and mistakes answer at once."""

from pipeline.cli.app import app


def main() -> None:
    """Run the command line (the console script's entry)."""
    app()


__all__ = ["app", "main"]
