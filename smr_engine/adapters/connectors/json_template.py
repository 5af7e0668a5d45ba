"""Bodies and addresses with places in them: `{{ text }}`. Values are put in, never spliced.

A body is JSON data whose texts have places; it is filled as data and written as JSON afterwards, so
that no document can break out of its place. In addresses values are percent-encoded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

PLACE = re.compile(r"\{\{\s*([A-Za-z_]+)\s*\}\}")


def places(template: Any) -> Iterator[str]:
    """Yield the names of all places in a template's texts, keys apart."""
    if isinstance(template, str):
        yield from PLACE.findall(template)
    elif isinstance(template, Mapping):
        for value in template.values():
            yield from places(value)
    elif isinstance(template, list):
        for value in template:
            yield from places(value)


def filled(template: Any, values: Mapping[str, Any]) -> Any:
    """Return JSON data with its places filled.

    A text that is one place becomes the value with its type; within longer texts it becomes text.
    What a value itself contains is not looked at again.
    """
    if isinstance(template, str):
        alone = PLACE.fullmatch(template.strip())
        if alone:
            return values[alone.group(1)]
        return PLACE.sub(lambda place: str(values[place.group(1)]), template)
    if isinstance(template, Mapping):
        return {name: filled(value, values) for name, value in template.items()}
    if isinstance(template, list):
        return [filled(value, values) for value in template]
    return template


def filled_address(template: str, values: Mapping[str, Any]) -> str:
    """Return an address with its places filled, percent-encoded.

    A place at the very beginning stands for a whole address and is not encoded.
    """

    def value(place: re.Match[str]) -> str:
        text = str(values[place.group(1)])
        return text if place.start() == 0 else quote(text, safe="")

    return PLACE.sub(value, template)


def at_pointer(data: Any, pointer: str) -> Any:
    """Return what a JSON Pointer (RFC 6901) leads to, or None where it leads nowhere."""
    for raw in pointer.split("/")[1:]:
        name = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(data, Mapping):
            data = data.get(name)
        elif isinstance(data, list) and name.isdecimal() and int(name) < len(data):
            data = data[int(name)]
        else:
            return None
    return data
