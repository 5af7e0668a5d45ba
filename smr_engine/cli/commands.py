"""How a command is made: global options before and after it, an example in its help, one guard.

Typer looks at a function's signature. `Group.command` hands it one that has the global options
beside the function's own, and calls the function with a `Session` made of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer

from smr_engine.cli.failures import guarded, not_yet
from smr_engine.cli.session import GlobalOptions, Session

Function = Callable[..., int | None]

_HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
_GLOBAL: Mapping[str, tuple[Any, Any]] = {  # name -> annotation, default
    "workspace": (
        Annotated[
            Path | None,
            typer.Option("--workspace", metavar="DIR", help="The workspace's folder."),
        ],
        None,
    ),
    "acting": (
        Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Who acts (asserted).")],
        None,
    ),
    "as_json": (Annotated[bool, typer.Option("--json", help="Answer in JSON.")], False),
    "debug": (
        Annotated[bool, typer.Option("--debug", hidden=True, help="Show unexpected faults.")],
        False,
    ),
}


@dataclass(frozen=True, slots=True)
class Known:
    """A command as the program knows it, for the documentation and its tests."""

    name: str  # as typed: `schedule add`
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """A command of the contract that this version does not have: it says so and exits 1."""

    name: str
    usage: str
    about: str
    example: str
    instead: str = ""


class Group:
    """Commands under one name; each takes the global options before and after itself."""

    def __init__(
        self,
        name: str,
        about: str,
        *,
        completion: bool = False,
        options: Callable[..., None] | None = None,
    ) -> None:
        self.name = name
        self._own: list[Known] = []
        self._groups: list[Group] = []
        self.typer = typer.Typer(
            name=name or None,
            help=about,
            no_args_is_help=True,
            add_completion=completion,
            rich_markup_mode=None,  # Rich would cost a tenth of a second in every help text
            pretty_exceptions_enable=False,
            context_settings=_HELP,
        )
        self.typer.callback()(_with_globals(_remember, options))

    @property
    def known(self) -> list[Known]:
        """All commands of this group and of those in it."""
        return [*self._own, *(known for group in self._groups for known in group.known)]

    def command(self, name: str, *examples: str) -> Callable[[Function], Function]:
        """Register a function as a command.

        Args:
            name: what people type.
            examples: whole command lines, shown in the help.

        Returns:
            A decorator for a function whose first argument is the `Session` and whose others are
            annotated for Typer. It returns an exit status, or None for 0.
        """

        def register(function: Function) -> Function:
            self._register(name, function, examples, _HELP)
            return function

        return register

    def _register(
        self, name: str, function: Function, examples: tuple[str, ...], settings: dict[str, Any]
    ) -> None:
        about = f"{inspect.getdoc(function)}\n\n\b\nExample:\n"
        about += "\n".join(f"  {line}" for line in examples)
        entry = _with_globals(partial(_perform, function), function)
        self.typer.command(name, help=about, context_settings=settings)(entry)
        self._own.append(Known(f"{self.name} {name}".strip(), examples))

    def later(self, *commands: Later) -> None:
        """Register commands that refuse whatever they are given, with what to do instead."""
        for each in commands:
            self._later(each)

    def _later(self, later: Later) -> None:
        full = f"smr {self.name} {later.name}".replace("  ", " ")
        word = Annotated[list[str] | None, typer.Argument(metavar=later.usage)]

        def refuse(_: Session, **__: Any) -> None:
            raise not_yet(full, later.instead)

        words = Parameter("words", Parameter.KEYWORD_ONLY, annotation=word, default=None)
        session = Parameter("session", Parameter.POSITIONAL_ONLY)
        vars(refuse)["__signature__"] = inspect.Signature([session, words])
        refuse.__doc__ = f"{later.about.removesuffix('.')} (comes later)."
        takes_anything = {**_HELP, "ignore_unknown_options": True}
        self._register(later.name, refuse, (later.example,), takes_anything)

    def add(self, group: Group) -> None:
        """Take in the commands of another group: under its name, or among these if it has none."""
        if group.name:
            self.typer.add_typer(group.typer)
        else:
            self.typer.registered_commands.extend(group.typer.registered_commands)
            self.typer.registered_groups.extend(group.typer.registered_groups)
        self._groups.append(group)


def _remember(context: typer.Context, options: GlobalOptions, **_: Any) -> None:
    """Keep the options given before a command for the command."""
    context.obj = options


def _perform(
    function: Function, context: typer.Context, options: GlobalOptions, **given: Any
) -> None:
    """Run a command under the guard, then leave with its status."""
    context.obj = options
    with closing(Session(options)) as session:
        action = partial(function, session, **given)
        status = guarded(action, as_json=options.as_json, debug=options.debug)
    raise typer.Exit(status)


def _with_globals(
    action: Callable[..., None], function: Callable[..., Any] | None
) -> Callable[..., None]:
    """Return a function whose signature is a context, `function`'s own options and the global ones.

    It calls `action` with the context, the merged global options and the own ones by name.
    """
    own = _own_parameters(function) if function else []
    context = Parameter("context", Parameter.KEYWORD_ONLY, annotation=typer.Context)
    added = [
        Parameter(name, Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        for name, (annotation, default) in _GLOBAL.items()
    ]

    def entry(**given: Any) -> None:
        called: typer.Context = given.pop("context")
        here = GlobalOptions(**{name: given.pop(name) for name in _GLOBAL})
        before = called.obj if isinstance(called.obj, GlobalOptions) else GlobalOptions()
        action(called, here.over(before), **given)

    parameters = [context, *own, *added]
    vars(entry)["__signature__"] = inspect.Signature(parameters)
    entry.__annotations__ = {each.name: each.annotation for each in parameters}
    return entry


def _own_parameters(function: Callable[..., Any]) -> list[Parameter]:
    """Return a command's parameters without its session, with their types evaluated."""
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    return [each.replace(kind=Parameter.KEYWORD_ONLY) for each in own]
