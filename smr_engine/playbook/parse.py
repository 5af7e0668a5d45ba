"""Reads a playbook: text in, the frozen playbook or all problems out."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from smr_engine.playbook.build import build_playbook
from smr_engine.playbook.model import JsonSchema, Playbook
from smr_engine.playbook.problems import Problem, Problems
from smr_engine.playbook.schema_check import schema_problems
from smr_engine.playbook.structure import check_structure
from smr_engine.playbook.yaml_source import load


def parse_playbook(
    text: bytes, file: str, schema: JsonSchema
) -> tuple[Playbook | None, list[Problem]]:
    """Return the playbook that a YAML text means, and every problem of its form.

    Meaning across steps (do names resolve, can a quorum be met) is `check.check_playbook`'s.

    Args:
        text: the file's bytes; the playbook's digest is their SHA-256.
        file: the name to use in problems.
        schema: the playbook schema (`adapters.shipped.load_schema("playbook")`).

    Returns:
        The playbook, or None where a problem is an error; and the problems in the order of the
        file, warnings among them. Nothing in the text makes it raise. Pure.
    """
    located, found = load(text, file)
    problems = Problems(file)
    problems.extend(found)
    if located is None:
        return None, problems.sorted()
    problems.extend(schema_problems(located, schema, file))
    check_structure(located.root, problems)
    if problems.has_errors:
        return None, problems.sorted()
    return build_playbook(located.root, sha256(text).hexdigest()), problems.sorted()


def parse_data(text: bytes, file: str, schema: JsonSchema) -> tuple[Any, list[Problem]]:
    """Return the plain data of a YAML text that has a schema of its own, and all its problems.

    For the directory and the settings. The data is None where an error was found. A file without
    content is an empty mapping where the schema requires nothing. Nothing in the text makes it
    raise. Pure.
    """
    located, found = load(text, file)
    if located is None:
        empty = [problem.code for problem in found] == ["empty-file"]
        return ({}, []) if empty and not schema.get("required") else (None, found)
    problems = Problems(file)
    problems.extend(found)
    problems.extend(schema_problems(located, schema, file))
    return (None if problems.has_errors else located.data), problems.sorted()
