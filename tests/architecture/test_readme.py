"""What the README says is what the program does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def _script():
    spec = importlib.util.spec_from_file_location("readme", ROOT / "scripts" / "readme.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_generated_parts_of_the_readme_are_up_to_date():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert _script().filled(text) == text, "run: make readme"


def test_every_link_of_the_readme_leads_to_a_file():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_picture_of_the_readme_is_there_and_small():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pictures = set(re.findall(r"docs/pictures/[\w.-]+", text))
    assert pictures == {f"docs/pictures/{p.name}" for p in (ROOT / "docs/pictures").iterdir()}
    assert [name for name in pictures if (ROOT / name).stat().st_size > 150_000] == []


def test_every_test_that_the_prefect_table_names_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text.split("<!-- prefect -->")[1].split("<!-- /prefect -->")[0]
    named = re.findall(r"\[(test_\w+)\]\(([^)]+)\)", table)
    assert len(named) >= 8
    missing = [name for name, path in named if f"def {name}(" not in (ROOT / path).read_text()]
    assert missing == []
