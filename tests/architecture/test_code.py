"""The house rules that no linter keeps: sizes, docstrings, where commits and Prefect may be."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("smr_engine", "flows")
MODULES = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8")
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {path: ast.parse(text) for path, text in MODULES.items()}

# Needed, but by name or by bound only: a driver in a URL, a bound on Prefect's server, zone files.
NEVER_IMPORTED = {"python-multipart", "tzdata"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions() -> Iterator[tuple[str, int]]:
    """Yields where each function stands and its lines, docstring excluded."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, Function):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                first = body[0].lineno if body else node.end_lineno
                yield f"{path}:{node.lineno} {node.name}", node.end_lineno - first + 1


def _undocumented(path: Path, tree: ast.Module) -> Iterator[str]:
    if not ast.get_docstring(tree):
        yield str(path)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for holder in (tree, *(node for node in classes if not node.name.startswith("_"))):
        for node in holder.body:
            public = isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
            if public and not ast.get_docstring(node):
                yield f"{path}:{node.lineno} {node.name}"


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _imported_roots() -> set[str]:
    names = {name.partition(".")[0] for tree in TREES.values() for name in _imports(tree)}
    return names - set(PACKAGES) - sys.stdlib_module_names


def _normal(distribution: str) -> str:
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {_normal(re.match(r"[\w.-]+", entry)[0]) for entry in project["dependencies"]}


def test_there_is_code_to_look_at():
    assert len(MODULES) > 50


def test_every_public_module_class_and_function_has_a_docstring():
    assert [found for path, tree in TREES.items() for found in _undocumented(path, tree)] == []


def test_no_module_is_longer_than_400_lines():
    lines = {str(path): text.count("\n") for path, text in MODULES.items()}
    assert {path: count for path, count in lines.items() if count > 400} == {}


def test_at_most_two_percent_of_the_functions_are_longer_than_40_lines():
    lines = dict(_functions())
    long = {where: count for where, count in lines.items() if count > 40}
    assert len(long) <= 0.02 * len(lines), long


def test_commits_happen_in_one_file_only():
    committing = [str(path) for path, text in MODULES.items() if ".commit(" in text]
    assert len(committing) == 1, committing


def test_prefect_is_known_in_the_flows_and_in_its_own_adapters_only():
    knowing = [path for path, tree in TREES.items() if "prefect" in _roots_of(tree)]
    strangers = [
        str(path)
        for path in knowing
        if path.parts[0] != "flows"
        and not (path.parts[:2] == ("smr_engine", "adapters") and path.name.startswith("prefect_"))
    ]
    assert strangers == []
    assert knowing


def _roots_of(tree: ast.Module) -> set[str]:
    return {name.partition(".")[0] for name in _imports(tree)}


def test_every_import_of_another_project_is_declared_as_a_dependency():
    providers = packages_distributions()
    declared = _declared()
    undeclared = {
        root
        for root in _imported_roots()
        if declared.isdisjoint(_normal(name) for name in providers.get(root, []))
    }
    assert undeclared == set()


def test_every_dependency_is_used():
    providers = packages_distributions()
    used = {_normal(name) for root in _imported_roots() for name in providers.get(root, [])}
    assert _declared() - used == NEVER_IMPORTED
