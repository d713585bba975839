"""Crashes for tests: a fuse that ends work at its n-th call to the outside, before or after the call took effect."""

from collections.abc import Collection
from typing import Any

from storage.one_by_one import OneByOne


class CrashError(Exception):
    pass


class Fuse:
    """Ends the work at the n-th of the named calls; `left` counts down to it, -1 never comes there."""

    def __init__(self, calls: Collection[str]) -> None:
        self.left = -1
        self.after = False
        self._calls = frozenset(calls)

    def set(self, left: int, *, after: bool) -> None:
        self.left, self.after = left, after

    def wrap(self, inner: Any) -> Any:
        fuse = self

        class Wrapped(OneByOne):
            def __getattr__(self, name: str) -> Any:
                real = getattr(inner, name)
                return fuse._guarded(real) if name in fuse._calls else real

        return Wrapped()

    def _guarded(self, real: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise CrashError
            result = real(*args, **kwargs)
            if self.left == 0:
                raise CrashError
            return result

        return call
