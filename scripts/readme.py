"""Writes the generated parts of README.md from the code: `make readme`; a test compares them.

The demo and the figures are pasted by hand from runs: they are what was seen, not what should be.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer

from smr_engine.cli.main import app
from smr_engine.engine import transitions
from smr_engine.playbook.expression_helpers import FILTERS, FUNCTIONS, TESTS
from smr_engine.settings import ENVIRONMENT

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PLAYBOOK = ROOT / "tests" / "examples" / "valid" / "correction.yaml"


def generated() -> Mapping[str, str]:
    """Return the generated parts of the README by name."""
    return {
        "playbook": f"```yaml\n{PLAYBOOK.read_text(encoding='utf-8')}```",
        "transitions": "\n\n".join(_diagrams()),
        "commands": "\n".join(["| command | does |", "|---|---|", *_commands()]),
        "expressions": "\n".join(_expressions()),
        "settings": "\n".join(["| variable | default | meaning |", "|---|---|---|", *_settings()]),
    }


def filled(text: str) -> str:
    """Return the README's text with the generated parts as they are now."""
    for name, part in generated().items():
        before, rest = text.split(f"<!-- {name} -->\n", 1)
        _, after = rest.split(f"<!-- /{name} -->", 1)
        text = f"{before}<!-- {name} -->\n{part}\n<!-- /{name} -->{after}"
    return text


def _diagrams() -> Iterator[str]:
    tables: dict[str, Mapping[Any, Any]] = {
        "case": transitions.CASE,
        "step": transitions.STEP,
        "item": transitions.ITEM,
        "effect": transitions.EFFECT,
    }
    for name, table in tables.items():
        diagram = f"```mermaid\n{transitions.diagram(name, table)}\n```"
        yield f"<details><summary>{name}</summary>\n\n{diagram}\n</details>"


def _commands() -> Iterator[str]:
    def walk(command: Any, words: str) -> Iterator[str]:
        for name, inner in getattr(command, "commands", {}).items():
            if getattr(inner, "commands", None):
                yield from walk(inner, f"{words} {name}")
            else:
                about = (inner.help or "").split("\n")[0].strip()
                yield f"| `{words} {name}` | {about} |"

    yield from walk(typer.main.get_command(app), "smr")


def _expressions() -> Iterator[str]:
    for title, table in (("Filters", FILTERS), ("Tests", TESTS), ("Functions", FUNCTIONS)):
        yield f"**{title}**: " + ", ".join(f"`{name}`" for name in sorted(table)) + ".\n"


def _settings() -> Iterator[str]:
    for variable in ENVIRONMENT:
        yield f"| `{variable.name}` | {variable.default} | {variable.meaning} |"


if __name__ == "__main__":
    README.write_text(filled(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
