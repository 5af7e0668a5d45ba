"""Adapters to the outside world: one file per outside system, each behind a port of `services`."""
