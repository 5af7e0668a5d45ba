"""Checks of a draft (2-language.md section 4): each failed one is a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from smr_engine.playbook.model import DraftCheck

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
SENTENCE_END = re.compile(r"[.!?]+(?:\s|$)")
VOWELS = re.compile(r"[aeiouyäöü]+", re.IGNORECASE)
PROMISED_TIME = re.compile(
    r"\b(?:within|in|by|before|until)\s+(?:the\s+next\s+)?(?:"
    r"(?:\d+|an?|one|two|three|four|five|six|twelve)(?:\s*:\s*\d\d)?\s*"
    r"(?:minutes?|mins?|hours?|hrs?|days?|weeks?|[ap]\.?m|o'clock)\b"
    r"|\d{1,2}:\d\d\b"
    r"|(?:noon|midnight|tomorrow|tonight|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday)\b)",
    re.IGNORECASE,
)


def failed_checks(checks: Iterable[DraftCheck], text: str) -> list[str]:
    """Return one sentence for every check the text does not pass."""
    found = (CHECKS[check.rule](text, check.value) for check in checks)
    return [sentence for sentence in found if sentence]


def reading_grade(text: str) -> float:
    """Return the Flesch-Kincaid grade level of an English text (Kincaid et al., 1975)."""
    words = WORD.findall(text)
    if not words:
        return 0.0
    sentences = max(1, len(SENTENCE_END.findall(text)))
    syllables = sum(_syllables(word) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def _syllables(word: str) -> int:
    groups = len(VOWELS.findall(word))
    silent = word.lower().endswith("e") and not word.lower().endswith(("le", "ee")) and groups > 1
    return max(1, groups - int(silent))


def _max_words(text: str, limit: int) -> str:
    count = len(text.split())
    return f"it has {count} words, at most {limit} are allowed" if count > limit else ""


def _must_contain(text: str, wanted: list[str]) -> str:
    missing = [w for w in wanted if w.casefold() not in text.casefold()]
    return f"it must contain {', '.join(repr(w) for w in missing)}" if missing else ""


def _must_not_contain(text: str, barred: list[str]) -> str:
    found = [w for w in barred if w.casefold() in text.casefold()]
    return f"it must not contain {', '.join(repr(w) for w in found)}" if found else ""


def _reading_grade(text: str, limit: float) -> str:
    grade = reading_grade(text)
    if grade <= limit:
        return ""
    return f"it reads at grade {grade:.0f}, at most {limit} is allowed: shorten words and sentences"


def _no_promised_times(text: str, wanted: bool) -> str:  # noqa: FBT001 - the playbook's own value
    found = PROMISED_TIME.search(text) if wanted else None
    return f"it promises a time ('{found.group(0)}')" if found else ""


CHECKS: dict[str, Callable[[str, Any], str]] = {
    "max_words": _max_words,
    "must_contain": _must_contain,
    "must_not_contain": _must_not_contain,
    "reading_grade": _reading_grade,
    "no_promised_times": _no_promised_times,
}
