"""The fields of a form as a page shows them, with what is typed and what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from smr_engine.errors import Invalid
from smr_engine.web.form_kinds import Schema, as_text, choices, escaped, kind_of, properties
from smr_engine.web.forms import MOST_ROWS, Typed


@dataclass(frozen=True, slots=True)
class Offers:
    """What may be chosen that the schema does not say: ids with names, and names of files."""

    people: Sequence[tuple[str, str]] = ()
    accounts: Sequence[tuple[str, str]] = ()
    files: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One field as a page shows it; a list's parts are its rows, an object's its fields."""

    name: str  # JSON Pointer
    kind: str
    title: str
    help: str
    required: bool
    texts: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()  # what is sent, and what people read
    parts: tuple[Field, ...] = ()
    fault: str = ""
    place: str = ""  # as faults name it

    @property
    def text(self) -> str:
        """Return what is typed in a field that takes one text."""
        return self.texts[0] if self.texts else ""


def fields(
    schema: Schema, typed: Typed, offers: Offers = Offers(), faults: Mapping[str, str] = {}
) -> tuple[Field, ...]:
    """Return the fields of a form with what is typed in them.

    Args:
        schema: of an object.
        typed: from `filled_in` or `typed_in`.
        offers: people, accounts and files to choose from.
        faults: what is wrong, by place (`Invalid.fields`).
    """
    return _Builder(offers, faults).of(schema, typed, "", "", required=True, title="").parts


def stray_faults(shown: Sequence[Field], error: Invalid) -> list[str]:
    """Return what is wrong beyond the fields that are shown."""
    told = [each.place for each in at_fault(shown)]
    return [
        text
        for place, text in error.fields.items()
        if not any(place == one or place.startswith(f"{one}[") for one in told)
    ]


def at_fault(shown: Sequence[Field]) -> list[Field]:
    """Return the fields with something wrong, in their order."""
    return [each for each in _all(shown) if each.fault]


def _all(shown: Sequence[Field]) -> Iterator[Field]:
    for each in shown:
        yield each
        yield from _all(each.parts)


@dataclass(frozen=True, slots=True)
class _Builder:
    offers: Offers
    faults: Mapping[str, str] = field(default_factory=dict)

    def of(
        self, schema: Schema, typed: Typed, name: str, path: str, *, required: bool, title: str
    ) -> Field:
        """Return a field with all below it."""
        kind = kind_of(schema)
        head = str(schema.get("title") or title)
        fault = self.faults.get(path, "") if path else ""
        about = str(schema.get("description") or "")
        if kind == "object":
            parts = self._inside(schema, typed, name, path)
            return Field(name, kind, head, about, required, parts=parts, fault=fault, place=path)
        if kind == "list":
            parts = self._rows(schema, typed, name, path, head)
            fault = "Fill in at least one." if fault and not typed else fault
            return Field(name, kind, head, about, required, parts=parts, fault=fault, place=path)
        texts, options = tuple(typed), self._options(kind, schema)
        kind = "long" if kind == "text" and "\n" in "".join(texts) else kind
        fault = fault or self._below(path)
        if fault and not any(texts):
            fault = _EMPTY.get(kind, "Fill this in.")
        return Field(name, kind, head, about, required, texts, options, fault=fault, place=path)

    def _inside(self, schema: Schema, typed: Typed, name: str, path: str) -> tuple[Field, ...]:
        needed = schema.get("required", ())
        known = typed if isinstance(typed, dict) else {}  # an empty row is a list
        return tuple(
            self.of(
                inner,
                known.get(key, []),
                f"{name}/{escaped(key)}",
                f"{path}.{key}" if path else key,
                required=key in needed,
                title=key,
            )
            for key, inner in properties(schema).items()
        )

    def _rows(
        self, schema: Schema, typed: Typed, name: str, path: str, title: str
    ) -> tuple[Field, ...]:
        entry = schema["items"]
        spare = 1 if kind_of(entry) == "object" else 2
        shown = max(len(typed), min(int(schema.get("minItems", 0)), MOST_ROWS), spare)
        rows = [*typed, *[[]] * (shown - len(typed))]
        return tuple(
            self.of(
                {"title": f"{title} {at + 1}", **entry},
                row,
                f"{name}/{at}",
                f"{path}[{at}]",
                required=False,
                title=title,
            )
            for at, row in enumerate(rows)
        )

    def _options(self, kind: str, schema: Schema) -> tuple[tuple[str, str], ...]:
        if kind == "choices":
            schema, kind = schema["items"], "choice"
        if kind == "choice":
            return tuple((as_text(value), as_text(value)) for value in choices(schema))
        if kind == "file":
            return tuple((name, name) for name in self.offers.files)
        offered = {"person": self.offers.people, "account": self.offers.accounts}
        return tuple(offered.get(kind, ()))

    def _below(self, path: str) -> str:
        """Return what is wrong inside a field that is typed as one."""
        inside = (text for place, text in self.faults.items() if place.startswith(f"{path}["))
        return next(inside, "")


_EMPTY: Mapping[str, str] = {
    "tick": "Tick this once it is done.",
    "yes_no": "Answer yes or no.",
    "choice": "Choose one.",
    "choices": "Choose at least one.",
    "person": "Choose a person.",
    "account": "Choose an account.",
}
