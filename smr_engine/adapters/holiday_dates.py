"""Public holidays by country and subdivision, from the `holidays` library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib import metadata
from pathlib import Path

from smr_engine.adapters.workspace_files import write_whole
from smr_engine.errors import Invalid

LANGUAGE = "en_US"
"""Named, for the library would take the machine's; where it knows none in English, its own."""


class HolidayDates:
    """The `HolidaySource` of `services.calendar_text`; imports the library when first asked."""

    def countries(self) -> frozenset[str]:
        """Return the ISO 3166 codes of all countries whose holidays are known."""
        return frozenset(_supported())

    def subdivisions(self, country: str) -> frozenset[str]:
        """Return the subdivisions of a country, without the country's code (``BE``, ``CA``)."""
        return frozenset(_supported().get(country, ()))

    def named(self, country: str, subdivision: str, years: range) -> Mapping[date, str]:
        """Return the public holidays of some years with their names, in English where known.

        Raises:
            Invalid: ``unknown-holidays``, the country or the subdivision is not known.
        """
        from holidays import country_holidays

        try:
            found = country_holidays(
                country, subdiv=subdivision or None, years=years, language=LANGUAGE
            )
        except NotImplementedError as error:
            place = f"{country} {subdivision}".strip()
            raise Invalid(
                "unknown-holidays",
                f"No public holidays are known for `{place}`.",
                hint="write ISO codes, such as country: DE and subdivision: BE",
            ) from error
        return {day: found[day] for day in sorted(found)}


class KeptHolidayDates(HolidayDates):
    """Keeps the days in a file of the state folder: the library takes a fifth of a second to load.

    Args:
        path: the file; made when missing, made anew by another version of the library.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def named(self, country: str, subdivision: str, years: range) -> Mapping[date, str]:
        """Return the public holidays of some years. Raises as `HolidayDates.named`."""
        which = f"{LANGUAGE} {country} {subdivision} {years.start} {years.stop}"
        key = f"{metadata.version('holidays')} {which}"
        kept = self._read()
        if key not in kept:
            found = super().named(country, subdivision, years)
            kept = {**kept, key: {day.isoformat(): name for day, name in found.items()}}
            write_whole(self._path, json.dumps(kept).encode(), mode=0o600)
        return {date.fromisoformat(day): name for day, name in kept[key].items()}

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            kept: dict[str, dict[str, str]] = json.loads(self._path.read_bytes())
        except (FileNotFoundError, ValueError):  # never kept, or damaged: it is only a copy
            return {}
        return kept


@cache
def _supported() -> dict[str, list[str]]:
    from holidays import list_supported_countries

    return list_supported_countries(include_aliases=True)
