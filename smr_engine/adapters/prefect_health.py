"""Whether a Prefect server answers, asked in a moment and without importing Prefect."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

ANSWER_S = 2.0


def answers(api_url: str) -> bool:
    """Return whether the server at an API address (`http://127.0.0.1:4200/api`) answers now."""
    parts = urlsplit(api_url)
    secure = parts.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    line = kind(parts.hostname or "", parts.port, timeout=ANSWER_S)
    try:
        line.request("GET", f"{parts.path.rstrip('/')}/health")
        return line.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()
