"""What people hand in, bounded and decoded, and files that they are given."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smr_engine.cli.values import parsed_json
from smr_engine.errors import Invalid, NotFound

STDIN = STDOUT = "-"
MAX_VALUES_BYTES = 256 * 1024
MAX_TEXT_BYTES = 256 * 1024
MAX_FILE_BYTES = 32 * 1024 * 1024


def read_bytes(name: str, most: int) -> bytes:
    """Return a file's bytes; `-` is standard input.

    Raises:
        NotFound: ``no-such-file``.
        Invalid: ``unreadable`` or ``too-large``.
    """
    try:
        if name == STDIN:
            content = sys.stdin.buffer.read(most + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(most + 1)
    except FileNotFoundError as fault:
        raise NotFound("no-such-file", f"There is no file {name}.") from fault
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "its name is not valid"
        raise Invalid("unreadable", f"{name} cannot be read: {why}.") from fault
    if len(content) > most:
        message = f"{_called(name)} is larger than {most // 1024} KiB."
        raise Invalid("too-large", message)
    return content


def read_text(name: str) -> str:
    r"""Return a text file with line ends as `\n` and without a byte order mark.

    Raises:
        NotFound, Invalid: as `read_bytes`; also when it is not UTF-8.
    """
    return _decoded(read_bytes(name, MAX_TEXT_BYTES), name).replace("\r\n", "\n")


def read_values(name: str) -> dict[str, Any]:
    """Return the values in a JSON or YAML file.

    Raises:
        NotFound, Invalid: as `read_bytes`; also when it holds no mapping; all problems are named.
    """
    content = read_bytes(name, MAX_VALUES_BYTES)
    values = _json(content, name)
    if values is None:
        values = _yaml(content, name)
    if not isinstance(values, Mapping):
        message = f"{_called(name)} holds no values: it must be an object of keys and values."
        raise Invalid("bad-file", message, hint="write lines such as `title: Fire in hall 3`")
    return dict(values)


def read_inputs(name: str, playbook: str) -> dict[str, Any]:
    """Return the inputs of a playbook in a JSON or YAML file.

    Raises:
        NotFound, Invalid: as `read_values`; a missing file is told with what to write into it.
    """
    try:
        return read_values(name)
    except NotFound as fault:
        lines = "a line such as `title: Smoke in hall 3` for each field"
        hint = f"write it, {lines}; smr playbook show {playbook} lists them"
        raise NotFound(fault.code, fault.message, hint=hint) from fault


def write_file(content: bytes, name: str) -> None:
    """Write a file for people, over one that is there; `-` is standard output.

    Raises:
        Invalid: ``unwritable``.
    """
    if name == STDOUT:
        sys.stdout.buffer.write(content)
        return
    try:
        Path(name).write_bytes(content)
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) else "its name is not valid"
        raise Invalid("unwritable", f"{name} cannot be written: {why}.") from fault


def _json(content: bytes, name: str) -> Any:
    """Return what JSON says; None if this is no JSON and may be YAML."""
    if not content.lstrip().startswith((b"{", b"[")):
        return None
    try:
        return parsed_json(_decoded(content, name))
    except ValueError as fault:
        if name.endswith(".json"):
            raise Invalid("bad-file", f"{_called(name)} is not JSON: {fault}.") from fault
        return None


def _yaml(content: bytes, name: str) -> Any:
    from smr_engine.playbook.yaml_source import load

    located, problems = load(content, "standard input" if name == STDIN else name)
    errors = [str(problem) for problem in problems if problem.severity == "error"]
    if errors or located is None:
        raise Invalid("bad-file", "\n".join(errors[:20]) or f"{_called(name)} is not YAML.")
    return located.data


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        hint = "save it as UTF-8"
        raise Invalid("not-utf8", f"{_called(name)} is not UTF-8 text.", hint=hint) from fault


def _called(name: str) -> str:
    return "Standard input" if name == STDIN else name
