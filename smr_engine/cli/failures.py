"""What a command's end looks like from outside: its exit status, and one sentence if it failed."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable

import typer

from smr_engine.errors import Refusal, SmrError
from smr_engine.services.text import harmless, one_line

DONE = 0
REFUSED = 1
USAGE = 2  # Typer's own, before a command begins
UNPROVEN = 3  # the audit log does not verify
INTERRUPTED = 130  # 128 + SIGINT, as shells have it
NOBODY_READS = 141  # 128 + SIGPIPE

_THEIR_OWN = (typer.Exit, typer.Abort, typer.BadParameter)


def guarded(action: Callable[[], int | None], *, as_json: bool, debug: bool) -> int:
    """Run a command; return its exit status. No exception but Typer's own leaves it.

    Args:
        action: the command; what it returns is the exit status, None is 0.
        as_json: errors go to standard error as one JSON object instead of words.
        debug: an unexpected fault prints its traceback.
    """
    try:
        status = action() or DONE
        sys.stdout.flush()
    except _THEIR_OWN:
        raise
    except SmrError as error:
        tell(error, as_json=as_json)
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _let_go_of_stdout()
        return NOBODY_READS
    except Exception as fault:  # noqa: BLE001 - the last place where a person can be told
        if debug:
            traceback.print_exc()
        tell(_unexpected(fault), as_json=as_json)
        return REFUSED
    return status


def tell(error: SmrError, *, as_json: bool) -> None:
    """Say what went wrong on standard error: where, one sentence, what to do next."""
    if as_json:
        said = {name: getattr(error, name) for name in ("code", "message", "hint", "where")}
        sys.stderr.write(f"{json.dumps({'error': said})}\n")
        return
    named = not error.where or error.where in error.message
    place = "" if named else f"{one_line(error.where)}: "
    sys.stderr.write(f"Error: {place}{harmless(error.message)}\n")
    if error.hint:
        sys.stderr.write(f"  Next: {harmless(error.hint)}\n")


def not_yet(command: str, instead: str = "") -> Refusal:
    """Return the refusal of a command that this version does not have, with what to do instead."""
    return Refusal("not-yet", f"`{command}` comes with a later version of smr.", hint=instead)


def _unexpected(fault: Exception) -> SmrError:
    """Return a fault as a sentence; its own text may hold secrets and stays with --debug."""
    return SmrError(
        "unexpected",
        f"smr met a fault that it did not expect ({type(fault).__name__}).",
        hint="`smr doctor` looks for what is wrong here; --debug before the command shows details",
    )


def _let_go_of_stdout() -> None:
    """Keep the interpreter from writing to a closed pipe once more as it ends."""
    with contextlib.suppress(OSError, ValueError):  # standard output is no file, as in tests
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
