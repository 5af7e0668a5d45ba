"""Files that people send: which kinds are taken, and what they are called. Pure.

A file is kept under its digest and given back as a download only: a name is for display, never
a path. Kinds are told by extension and first bytes (OWASP File Upload Cheat Sheet, CWE-434).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from smr_engine.errors import Invalid
from smr_engine.playbook.formats import FORMATS
from smr_engine.services.text import listed, one_line

LONGEST_NAME = 120
_ZIP = (b"PK\x03\x04",)


def _begins(*signs: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(signs)


def _is_text(data: bytes) -> bool:
    """Return whether it reads as text; table programs also write UTF-16 and Windows-1252."""
    return data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" not in data


def _is_webp(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def _is_mp4(data: bytes) -> bool:
    return data[4:8] == b"ftyp"


KINDS: Mapping[str, Callable[[bytes], bool]] = {
    "pdf": _begins(b"%PDF-"),
    "png": _begins(b"\x89PNG\r\n\x1a\n"),
    "jpg": _begins(b"\xff\xd8\xff"),
    "jpeg": _begins(b"\xff\xd8\xff"),
    "gif": _begins(b"GIF87a", b"GIF89a"),
    "webp": _is_webp,
    "txt": _is_text,
    "csv": _is_text,
    "eml": _is_text,
    "docx": _begins(*_ZIP),
    "xlsx": _begins(*_ZIP),
    "pptx": _begins(*_ZIP),
    "odt": _begins(*_ZIP),
    "mp4": _is_mp4,
}
"""Extensions that are taken, each with how its files begin."""


def cleaned_name(name: str) -> str:
    """Return what a file is called, fit to be shown: one line, no folders, not too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    plain = one_line(last).strip(". ")
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(plain) <= LONGEST_NAME:
        return plain[:LONGEST_NAME] or "file"
    ending = f".{extension}"[:20]
    return f"{stem[: LONGEST_NAME - len(ending)]}{ending}"


def require_address(url: str) -> None:
    """Refuse what is no address of the web.

    Raises:
        Invalid: `not-an-address`.
    """
    try:
        FORMATS["uri"](url)
    except ValueError as fault:
        raise Invalid("not-an-address", str(fault)) from fault


def require_known_kind(name: str, data: bytes) -> None:
    """Refuse a file that is of no kind we take, or is not what its name says.

    Raises:
        Invalid: `no-file`, `unknown-kind` or `other-kind`.
    """
    if not data:
        raise Invalid("no-file", "The file is empty", hint="choose a file")
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    fits = KINDS.get(extension)
    if fits is None:
        known = listed([kind for kind in KINDS if kind != "jpeg"])
        hint = "save it as one of them, or give its address"
        raise Invalid("unknown-kind", f"Files of these kinds are taken: {known}", hint=hint)
    if not fits(data):
        message = f"This is no {extension} file, whatever its name says"
        raise Invalid("other-kind", message, hint="save it under its right name")
