"""Commands of the contract that say so and exit 1 until their version comes."""

from __future__ import annotations

from smr_engine.cli.auditing import GROUP as AUDIT
from smr_engine.cli.commands import Group, Later

GROUP = Group("", "Later")

GROUP.later(
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
