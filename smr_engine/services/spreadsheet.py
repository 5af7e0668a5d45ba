"""CSV (RFC 4180) that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from smr_engine.services.text import harmless

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def line(values: Iterable[object]) -> str:
    """Return one line with its end; see `cell`."""
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow([cell(value) for value in values])
    return f"{written.getvalue()}\r\n"


def cell(value: object) -> str:
    """Return a value as a CSV cell: text that begins like a formula gets an apostrophe before it.

    Numbers of ours are written as they are.
    """
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return harmless(f"'{text}" if text.startswith(_FORMULA_SIGNS) else text)
