"""A flow that does nothing: what a run of a deployment costs by itself."""

from __future__ import annotations

from prefect import flow


@flow(name="nothing")
async def nothing() -> None:
    """Do nothing; asynchronous, so that no heartbeat costs it a second as it ends."""
