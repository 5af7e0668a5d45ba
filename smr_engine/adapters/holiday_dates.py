"""Public holidays by country and subdivision, from the `holidays` library."""

from __future__ import annotations

import json
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path

from smr_engine.adapters.workspace_files import write_whole
from smr_engine.errors import Invalid


class HolidayDates:
    """The `HolidaySource` of `services.directory_text`; imports the library when first asked."""

    def countries(self) -> frozenset[str]:
        """Return the ISO 3166 codes of all countries whose holidays are known."""
        return frozenset(_supported())

    def subdivisions(self, country: str) -> frozenset[str]:
        """Return the subdivisions of a country, without the country's code (``BE``, ``CA``)."""
        return frozenset(_supported().get(country, ()))

    def dates(self, country: str, subdivision: str, years: range) -> frozenset[date]:
        """Return the public holidays of some years.

        Raises:
            Invalid: ``unknown-holidays``, the country or the subdivision is not known.
        """
        from holidays import country_holidays

        try:
            found = country_holidays(country, subdiv=subdivision or None, years=years)
        except NotImplementedError as error:
            place = f"{country} {subdivision}".strip()
            raise Invalid(
                "unknown-holidays",
                f"No public holidays are known for `{place}`.",
                hint="write ISO codes, such as country: DE and subdivision: BE",
            ) from error
        return frozenset(found)


class KeptHolidayDates(HolidayDates):
    """Keeps the dates in a file of the state folder: the library takes a fifth of a second to load.

    Args:
        path: the file; made when missing, made anew by another version of the library.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def dates(self, country: str, subdivision: str, years: range) -> frozenset[date]:
        """Return the public holidays of some years. Raises as `HolidayDates.dates`."""
        key = f"{metadata.version('holidays')} {country} {subdivision} {years.start} {years.stop}"
        kept = self._read()
        if key not in kept:
            found = super().dates(country, subdivision, years)
            kept = {**kept, key: sorted(day.isoformat() for day in found)}
            write_whole(self._path, json.dumps(kept).encode(), mode=0o600)
        return frozenset(date.fromisoformat(day) for day in kept[key])

    def _read(self) -> dict[str, list[str]]:
        try:
            kept: dict[str, list[str]] = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):  # never kept, or damaged: it is only a copy
            return {}
        return kept


@cache
def _supported() -> dict[str, list[str]]:
    from holidays import list_supported_countries

    return list_supported_countries(include_aliases=True)
