"""Commands of the contract that say so and exit 1 until their version comes."""

from __future__ import annotations

from smr_engine.cli.auditing import GROUP as AUDIT
from smr_engine.cli.commands import Group, Later

GROUP = Group("", "Later")
PASSWORD = Group("password", "Passwords for signing in (come with the web).")
TOKEN = Group("token", "Tokens for programs (come with the web).")

GROUP.later(
    Later("web", "", "Serve the pages.", "smr web", "smr inbox shows what waits for you"),
    Later(
        "invite",
        "PERSON",
        "Make a one-time sign-in for somebody.",
        "smr invite lea",
        "smr inbox --as PERSON shows what waits for them",
    ),
    Later(
        "delegate",
        "FROM TO --until T [--role R]",
        "Let somebody act for somebody else.",
        "smr delegate lea tom --until 2026-12-31 --role legal",
        "deputies and `away` in directory.yaml do it until then",
    ),
    Later(
        "delegations",
        "",
        "List who acts for whom.",
        "smr delegations",
        "deputies and `away` stand in directory.yaml",
    ),
)
PASSWORD.later(Later("set", "PERSON", "Set somebody's password.", "smr password set lea"))
TOKEN.later(
    Later("create", "NAME", "Make a token for a program.", "smr token create monitoring"),
    Later("revoke", "NAME", "Take a token back.", "smr token revoke monitoring"),
    Later("list", "", "List the tokens.", "smr token list"),
)
AUDIT.later(
    Later(
        "checkpoint",
        "",
        "Sign the log's size and root.",
        "smr audit checkpoint",
        "smr audit verify checks the log as it is",
    ),
    Later(
        "receipt",
        "ITEM PERSON --out F",
        "Write an offline proof of one decision.",
        "smr audit receipt CRISIS-2026-0007.12 lea --out receipt.json",
        "smr audit who CASE shows the decisions",
    ),
    Later(
        "check-receipt",
        "F --key PUB",
        "Check an offline proof.",
        "smr audit check-receipt receipt.json --key smr.pub",
    ),
    Later(
        "export",
        "--out DIR",
        "Export the log with its proofs.",
        "smr audit export --out evidence/",
        "smr audit log --format json writes the events",
    ),
)
GROUP.add(PASSWORD)
GROUP.add(TOKEN)
