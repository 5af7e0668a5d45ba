"""What Prefect is told so that the workers of a pool can execute legs."""

from __future__ import annotations

from flows.environment import SETTINGS
from flows.listed import MARK, Deployed

OF_THIS_MACHINE = "PREFECT_LOGGING_SETTINGS_PATH"
ENTRYPOINTS = {"run-leg": "flows.run_leg.run_leg", "run-batch": "flows.run_batch.run_batch"}
"""By modules of the installed package: a worker needs no checkout."""


def for_pool(pool: str) -> list[Deployed]:
    """Return the deployments of a work pool; none where its name is empty."""
    environment = {name: text for name, text in SETTINGS.items() if name != OF_THIS_MACHINE}
    return [
        Deployed(
            flow,
            pool,
            {
                "description": "What cases owe; handed over by the conductor, not for people.",
                "tags": [MARK],
                "entrypoint": entrypoint,
                "work_pool_name": pool,
                "job_variables": {"env": environment},
            },
        )
        for flow, entrypoint in ENTRYPOINTS.items()
        if pool
    ]
