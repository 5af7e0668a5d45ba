"""For those who run it: whether it lives, whether it serves, and how it does."""

from __future__ import annotations

from ipaddress import ip_address

from fastapi import APIRouter, Request, Response

from smr_engine.services import metrics
from smr_engine.web.api.callers import identify, require_scope
from smr_engine.web.api.measuring import TEXT, Meter
from smr_engine.web.api.shapes import V1, Health
from smr_engine.web.visit import workspace_of

router = APIRouter(prefix=V1, tags=["operations"])
_PROXIED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


@router.get("/healthz")
def health() -> Health:
    """Say that the process answers."""
    return Health(status="ok")


@router.get("/readyz")
def readiness(request: Request) -> Health:
    """Say that the database answers as well."""
    metrics.require_database(workspace_of(request))
    return Health(status="ready")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    openapi_extra={"security": [{"token": []}, {"session": []}]},
)
def measures(request: Request) -> Response:
    """Return figures for Prometheus: to auditors and administrators, and on this machine."""
    ws = workspace_of(request)
    person = None if _is_local(request) else _person(request)
    meter: Meter = request.app.state.meter
    return Response(meter.text(metrics.figures(ws, person)), media_type=TEXT)


def _person(request: Request) -> str:
    caller = identify(request)
    require_scope(caller, "read")
    return caller.person


def _is_local(request: Request) -> bool:
    """Return whether this comes from the machine itself, through no proxy and no page of others.

    The name that was asked for counts as well: anybody's page may have its own name lead here (DNS
    rebinding), and read what a browser on this machine is told.
    """
    known = bool(request.app.state.public_url)
    proxied = known or any(name in request.headers for name in _PROXIED)
    peer = request.client.host if request.client else ""
    return not proxied and _is_loopback(peer) and _is_loopback(request.url.hostname or "")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a name, or no address: a socket in the file system, a test
        return False
