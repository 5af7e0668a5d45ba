"""Secrets by the name of an environment variable: `${BLOG_TOKEN}`, filled in at the last moment.

The value is never written anywhere, logged, or put into an error's text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from smr_engine.services.ports import EffectRefusedError

PLACE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill_in(text: str, environ: Mapping[str, str], *, in_address: bool = False) -> str:
    """Return the text with every `${NAME}` replaced by the environment's value.

    Args:
        text: the text.
        environ: the environment.
        in_address: whether the text is a URL; values are percent-encoded then, unless the whole
            text is one `${NAME}`.

    Raises:
        EffectRefusedError: a variable is not set; names the variable.
    """

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in environ:
            raise EffectRefusedError(
                f"The environment variable {name} is not set; it holds a secret"
            )
        return quote(environ[name], safe="") if in_address and not alone else environ[name]

    alone = PLACE.fullmatch(text) is not None
    return PLACE.sub(value, text)
