"""The state of a case as text: JSON of the header and of each scope, typed on the way back."""

from __future__ import annotations

import msgspec

from smr_engine.engine.state import CaseHeader, Scope

_ENCODER = msgspec.json.Encoder()
_HEADER = msgspec.json.Decoder(CaseHeader)
_SCOPE = msgspec.json.Decoder(Scope)


def encode_state(state: CaseHeader | Scope) -> str:
    """Return a header or a scope as JSON text; the order of names is kept."""
    return _ENCODER.encode(state).decode()


def decode_header(text: str) -> CaseHeader:
    """Return the header that was encoded. Raises msgspec.DecodeError on anything else."""
    return _HEADER.decode(text)


def decode_scope(text: str) -> Scope:
    """Return the scope that was encoded. Raises msgspec.DecodeError on anything else."""
    return _SCOPE.decode(text)
