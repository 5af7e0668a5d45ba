"""`manual`: a person posts and records address and capture; the engine never publishes there."""

from __future__ import annotations

MANUAL = "manual"
