"""What may come between a decision and its events: scopes not loaded, steps that cannot be done."""

from __future__ import annotations


class MissingScopesError(Exception):
    """The decision needs scopes that are not loaded; the service loads them and asks again."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(", ".join(paths))
        self.paths = paths


class StepProblemError(Exception):
    """A step cannot be done as written now (nobody to ask, a value that does not resolve)."""


class UnreachableError(StepProblemError):
    """The people there are now cannot fill a quorum."""
