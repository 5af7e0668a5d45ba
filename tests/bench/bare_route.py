"""A route that reads one row with SQLAlchemy and answers it: what our pages stand beside.

`python -m tests.bench.bare_route DATABASE_URL` prints its address and serves until it is ended.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import uvicorn
from fastapi import FastAPI
from sqlalchemy import create_engine, select

from smr_engine.storage.tables import cases
from smr_engine.web.serving import listen


def main(url: str) -> None:
    """Serve."""
    app, engine = FastAPI(), create_engine(url)

    @app.get("/cases/{ref}")
    def one(ref: str) -> Mapping[str, Any]:
        with engine.connect() as connection:
            asked = select(cases.c.ref, cases.c.title).where(cases.c.ref == ref)
            return dict(connection.execute(asked).mappings().one())

    listening = listen("127.0.0.1", 0)
    print(f"http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listening])


if __name__ == "__main__":
    main(sys.argv[1])
