"""Advice about YAML that does not say what its author meant: what to quote, and where."""

from __future__ import annotations

import re
from typing import NamedTuple

QUOTE = "put this text in quotes"
WINDOW = 200  # characters looked at on each side of a fault, so that a long line costs no time
_TAG_IN_TEXT = re.compile(r"\s+#(?P<word>[^\s#!][^\s]*)")
_LOST_IN_LINE = re.compile(r"[^\"'#]*[^\"'#\s](?:\s+|(?<=[\[{,]))#[^\s#!]")
_LOST_AT = re.compile(r"(?:\s|(?<=[\[{,]))#[^\s#!]")
_UNQUOTED_TEMPLATE = re.compile(r"(?:[:,\[{-]\s+|^\s*|\[)\{\{")
_TEMPLATE_IN_TEXT = re.compile(r"[:,\[{-]\s*[^\"'{\s][^\"']*\{\{")
_SIGN_AT_START = re.compile(r"\s*(?:-\s+)*(?:\w[\w-]*:\s+(?:\*+|[|>]|[?-](?=\s))|(?<=\s)[*|>])")
_TEXT_AFTER_BRACKET = re.compile(r"[^\"']*?[:-]\s+(?:\[[^\[\]]*\]|\{[^{}]*\})\s*[^\s,#\]}]")
_BRACKET_IN_TEXT = re.compile(r"[^\"']*\{.*:\s+[^\"'\[{\s][^,\"'{}]*\[")
_TEXT_AFTER_QUOTE = re.compile(r"""[:,\[-]\s*(?P<mark>["']).*(?P=mark)\s*[^\s,\]}#]""")


class Advice(NamedTuple):
    """A stable code, a sentence and what to do, for text that YAML did not read as meant."""

    code: str
    message: str
    hint: str


def text_lost(rest_of_line: str) -> str | None:
    """Return the start of what a comment swallowed, or None if it reads like a real comment.

    People put a space after the sign of a comment and none after that of a hashtag.
    """
    found = _TAG_IN_TEXT.match(rest_of_line)
    return f"#{found['word']}" if found else None


def place_of(advice: Advice, line: str) -> int:
    """Return the column, from 0, of what an advice is about in the line that it is about."""
    if advice.code == "unquoted-template":
        return max(line.find("{{"), 0)
    lost = _LOST_AT.search(line)
    return lost.end() - 2 if lost else 0


def explain(line: str, column: int, problem: str) -> Advice:
    """Return advice for a syntax error found at `column` (from 0) of `line`."""
    start = max(0, column - WINDOW)
    line, column = line[start : column + WINDOW], column - start
    at = line[column : column + 1]
    if at == "@":
        return Advice("leading-at", "text cannot begin with `@` here", QUOTE)
    if _UNQUOTED_TEMPLATE.search(line) or _TEMPLATE_IN_TEXT.search(line):
        return unquoted_template()
    if "\t" in line[: column + 1] and not line[:column].strip():
        return Advice("yaml-tab", "a tab cannot indent", "indent with spaces")
    if at and at in "`%":
        return Advice("yaml-syntax", f"text cannot begin with `{at}` here", QUOTE)
    if _LOST_IN_LINE.match(line):
        return Advice("text-lost", "text after ` #` is read as a comment", QUOTE)
    return _by_wording(line, problem)


def unquoted_template() -> Advice:
    """Return the advice for `{{ }}` outside quotes, which YAML reads as mappings."""
    return Advice(
        "unquoted-template",
        "`{{ }}` outside quotes is not read as text",
        'put the whole text in quotes: "{{ ... }}"',
    )


_BY_PROBLEM = (
    (
        "mapping values are not allowed",
        "a colon followed by a space begins a value, and here none may stand",
        f"{QUOTE}, or mend the indentation",
    ),
    (
        "unexpected end of stream",
        "a quote is opened here and not closed",
        "close it, or put the whole text in quotes",
    ),
    (
        "escape",
        "a backslash in double quotes begins an escape that YAML does not know",
        "use single quotes, or write \\\\",
    ),
)
_BY_LINE = (
    (_SIGN_AT_START.match, "text cannot begin with `{sign}` here", QUOTE),
    (_TEXT_AFTER_BRACKET.match, "text goes on after the closing bracket", QUOTE),
    (_BRACKET_IN_TEXT.match, "a text inside `{{ }}` has a bracket in it", QUOTE),
    (
        _TEXT_AFTER_QUOTE.search,
        "text goes on after the closing quote",
        "put the whole text in one pair of quotes",
    ),
)


def _by_wording(line: str, problem: str) -> Advice:
    for words, message, hint in _BY_PROBLEM:
        if words in problem:
            return Advice("yaml-syntax", message, hint)
    for looks, message, hint in _BY_LINE:
        if found := looks(line):
            return Advice("yaml-syntax", message.format(sign=found[0][-1]), hint)
    if "',' or ']'" in problem or "',' or '}'" in problem:
        message = "this list or mapping in brackets is not closed, or has a bracket in its text"
        return Advice("yaml-syntax", message, "close it, or put the text in quotes")
    message = f"this is not valid YAML: {problem or 'it cannot be read'}"
    return Advice("yaml-syntax", message, f"mend the indentation, or {QUOTE}")
