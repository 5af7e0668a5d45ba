"""What a browser sends of a form that it was given: its controls as they stand, nothing typed."""

from __future__ import annotations

from html.parser import HTMLParser

from starlette.datastructures import FormData


class _Controls(HTMLParser):
    """Collects the successful controls of a page (HTML Living Standard, form submission)."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.sent: list[tuple[str, str]] = []
        self._area: str | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        name = known.get("name") or ""
        if tag == "input" and name:
            boxed = known.get("type") in {"checkbox", "radio"}
            if not boxed or "checked" in known:
                self.sent.append((name, known.get("value") or ""))
        elif tag == "textarea":
            self._area, self._text = name, ""
        elif tag == "select":
            self._select, self._options = name, []
        elif tag == "option" and self._select is not None:
            self._options.append((known.get("value") or "", "selected" in known))

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            text = self._text.removeprefix("\n")  # the parser of HTML drops it
            self.sent.append((self._area, text.replace("\n", "\r\n")))
            self._area = None
        elif tag == "select" and self._select is not None:
            chosen = [value for value, selected in self._options if selected]
            first = [value for value, _ in self._options][:1]
            self.sent += [(self._select, value) for value in chosen or first]
            self._select = None


def sent_from(page: str) -> FormData:
    """Return the form that a browser sends of a page with one form, unchanged."""
    controls = _Controls()
    controls.feed(page)
    controls.close()
    return FormData(controls.sent)
