"""Why the engine did something, in words: what a rule of the playbook saw, by titles. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from smr_engine.playbook.fields import title_of
from smr_engine.services.names import Names, words
from smr_engine.services.text import listed

_SAW = re.compile(r"\((\w+(?:\.\w+)* is .+)\)$", re.DOTALL)
_FACT = re.compile(r"(?:^|, )(\w+(?:\.\w+)+|round) is ")
_ENDED = re.compile(r"(\w+) ended with '(\w+)'")
_CUT = "..."


def in_words(reason: str, case: str, names: Names) -> str:
    """Return a reason as the engine gave it, without the rule: `Kind of crisis: account`.

    Args:
        reason: ``RULE (NAME is VALUE, ...)`` (`expressions.explain`); anything else is words
            already, and stays as it is.
        case: whose playbook the rule is in.
        names: what things are called for whoever reads.
    """
    if ended := _ENDED.fullmatch(reason):
        return _answered(names.step(case, ended[1]), names.outcome(case, ended[1], ended[2]))
    saw = _SAW.search(reason)
    start, *parts = _FACT.split(saw[1]) if saw else [reason]
    if start:
        return reason
    facts = zip(parts[::2], parts[1::2], strict=True)
    return "; ".join(_fact(path.split("."), value, case, names) for path, value in facts)


def _fact(path: list[str], value: str, case: str, names: Names) -> str:
    root, *inner = path
    if root == "inputs" and inner:
        return _answered(names.input(case, inner[0]), _value(value))
    if root == "steps" and len(inner) > 1:
        step = names.step(case, inner[0])
        if inner[1] == "outcome":
            return _answered(step, names.outcome(case, inner[0], _value(value)))
        return _answered(f"{step}, {words(inner[-1])}", _value(value))
    return _answered(title_of(" ".join(inner or path)), _value(value))


def _answered(asked: str, answer: str) -> str:
    return f"{asked} {answer}" if asked.endswith("?") else f"{asked}: {answer}"


def _value(written: str) -> str:
    """Return a value that is written as JSON, cut off where it is long."""
    try:
        return _plain(json.loads(written))
    except ValueError:
        return written.removesuffix(_CUT).strip('"').rstrip() + "…"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return listed([_plain(each) for each in value]) or "none"
    return "none" if value is None else str(value)
