"""The public facts of a real incident, and who of the sample company does what about it.

On 9 January 2024 at 16:11 Eastern a false post appeared on the account of the US Securities and
Exchange Commission; about 15 minutes later the chair disavowed it from his own account. The words
below are ours; the people are the sample company's. Sources: the SEC's statements of 9, 12 and
22 January 2024.
"""

from __future__ import annotations

import json
from typing import Any

from story import Act, Answer, Item

INPUTS: dict[str, Any] = {
    "title": "Unauthorised post on our account",
    "type": "account",
    "first_seen": "2024-01-09T16:11:00-05:00",
    "source_urls": ["https://social.example.test/SECGov/status/1"],
    "safety_risk": False,
    "control": "account lost",
    "spread": "mainstream or 10x volume",
    "legal_exposure": "regulator or court",
}

VERIFIED = {
    "done_1": True,
    "done_2": True,
    "done_3": True,
    "confirmed": [
        "The account was compromised and an unauthorised post was published at 16:11 Eastern.",
        "It said that spot bitcoin exchange-traded products had been approved. That is not so.",
    ],
    "unknown": ["How the access was gained."],
    "rumours": ["That a member of staff posted it too early."],
    "affected": "everybody who relied on the post",
    "finding_out": "We are working with the platform and with law enforcement.",
    "doing": "We have taken the account back and deleted the post.",
    "captures": "evidence/2024-01-09",
    "log_keeper": "max",
    "spokesperson": "nora",
}

STATEMENT = """# Unauthorised post on our account

Our first concern is for everybody who relied on the post.

**What we know**

- The account was compromised and an unauthorised post was published at 16:11 Eastern.
- The post said that spot bitcoin exchange-traded products had been approved. That is not so.

**What we do not know yet**

- How the access was gained.

**How we are finding out**

We are working with the platform and with law enforcement.

**Where to get updates**

This page is updated first, also when there is nothing new to report.
"""


def fill(person: str, item: Item, values: dict[str, Any], say: str = "") -> Act:
    """Complete a task with the values of its form."""
    words = ("complete", item["item"], "--output", "-")
    return Act(person, *words, text=json.dumps(values), say=say)


def choose(person: str, item: Item, *answers: str, say: str = "") -> Act:
    """Answer a decision."""
    options = [word for answer in answers for word in ("-o", answer)]
    return Act(person, "complete", item["item"], *options, say=say)


def write(person: str, item: Item, text: str, say: str = "") -> Act:
    """Write a draft and finish it."""
    return Act(person, "revise", item["item"], "--file", "-", "--done", text=text, say=say)


def until_legal() -> dict[str, Answer]:
    """Return who does what until the statement waits for Legal."""
    return {
        "verify": lambda i: fill(
            "ana", i, VERIFIED, "Ana, who leads social media relations, verifies and captures."
        ),
        "declare": lambda i: choose(
            "carl", i, "declare=yes", say="Carl, the comms director, declares the crisis."
        ),
        "draft_holding": lambda i: write(
            "tom", i, STATEMENT, "Tom writes the holding statement from the verified facts."
        ),
        "weigh_words": lambda i: choose("tom", i, "weigh_words=no"),
    }
