"""Public holidays by country and subdivision, from the `holidays` library."""

from __future__ import annotations

from datetime import date
from functools import cache

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


@cache
def _supported() -> dict[str, list[str]]:
    from holidays import list_supported_countries

    return list_supported_countries(include_aliases=True)
