"""The company that is simulated: who works there, where it speaks, and its playbooks.

Together the playbooks use every kind of step, with short times, so that much happens in few steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ROLES: Mapping[str, Sequence[str]] = {
    "smr-lead": ("ben",),  # with deputies
    "comms-director": ("cleo",),
    "comms-writer": (),
    "legal": ("dora",),
    "compliance": (),
    "privacy": (),
    "exec-sponsor": (),
}
HOLDERS: Mapping[str, Sequence[str]] = {
    "ana": ("smr-lead",),
    "ben": (),
    "carl": ("comms-director",),
    "cleo": ("comms-director",),
    "tom": ("comms-writer",),
    "tina": ("comms-writer", "legal"),  # so that an author may try to decide
    "lea": ("legal",),
    "luis": ("legal",),
    "dora": (),
    "mo": ("compliance", "privacy"),
    "pia": ("privacy",),
    "eva": ("exec-sponsor",),
    "zoe": (),  # nobody ever asks her
}
PEOPLE = tuple(HOLDERS)
ACCOUNTS = {"newsroom": "key", "blog": "lookup", "board": "none", "wiki": "manual"}
"""With what can be done about a publication that may or may not have happened."""
DEPENDS = {"publish": "approve", "say_it": "allow"}
"""Which approval a publish step needs."""

BOTH = [{"roles": ["comms-director"], "need": 1}, {"roles": ["legal"], "need": 1}]
QUORUM = {
    ("approve", "sev1"): [*BOTH, {"roles": ["compliance", "privacy"], "need": 2}],
    ("approve", "sev2"): BOTH,
}
"""Who has to have approved by the time that something goes out, by step and severity."""
GLASS = {"approve": "exec-sponsor"}
"""Who may release what an approval step asks about before its quorum is there."""


def directory(
    away: Mapping[str, tuple[str, str]], roles: Mapping[str, Sequence[str]] = HOLDERS
) -> dict[str, Any]:
    """Return the directory as data: who is absent from and until which day, who holds what."""
    people = [
        {"id": name, "name": name.capitalize(), "email": f"{name}@example.test", "roles": [*held]}
        | (
            {"away": [dict(zip(("from", "until"), away[name], strict=True))]}
            if name in away
            else {}
        )
        for name, held in roles.items()
    ]
    people[0]["access"] = "administrator"
    accounts = {
        name: {"title": name.capitalize(), "platform": "website", "owner": "smr-lead"}
        | ({"connector": "manual"} if how == "manual" else _folder(name))
        for name, how in ACCOUNTS.items()
    }
    return {
        "people": people,
        "roles": {
            r: {"title": r.title(), "deputies": [*deputies]} for r, deputies in ROLES.items()
        },
        "groups": {"frontline": {"title": "Frontline", "members": ["ana", "ben", "tina"]}},
        "accounts": accounts,
        "contacts": [{"id": "desk", "name": "Desk", "email": "desk@example.test"}],
        "calendars": {
            "default": {"timezone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:30"}}
        },
    }


def _folder(name: str) -> dict[str, Any]:
    return {"connector": "folder", "settings": {"path": name}}


STATEMENT = """
playbook: statement
version: 1.0.0
title: Statement
owner: smr-lead
case_prefix: STATE
inputs: {fields: {title: text, grave: yes_no}}
severity: {levels: [sev1, sev2], initial: "{{ 'sev1' if inputs.grave else 'sev2' }}"}
clocks:
  spoken:
    title: Say something
    runs_from: "{{ case.opened_at }}"
    due: 2d
    remind: [1d before due]
    met_by: publish
    escalate: [{at: at due, to: {role: exec-sponsor}}]
documents:
  statement: {title: Statement, audience: public, template: "We look into {{ inputs.title }}."}
steps:
  - id: write
    kind: draft
    document: statement
    assign: {role: comms-writer}
    due: {by_severity: {sev1: 1h}, default: 4 business hours}
    remind: [50%, every 12h after due]
    escalate: [{at: 150%, to: {role: comms-director}}]
    checks: [{max_words: 20}]
  - id: approve
    kind: approval
    documents: [statement]
    quorum:
      - {role: comms-director}
      - {role: legal, due: 30m}
      - {any_of: [compliance, privacy], need: 2, when: case.severity.rank == 1}
    due: 2h
    remind: [50%, every 12h after due]
    escalate: [{at: 150%, to: {role: exec-sponsor}}]
    expires: 3d
    on_expiry: escalate
    break_glass: {role: exec-sponsor, ratify_within: 1d}
    on_changes_requested: {return_to: write, max_rounds: 3}
    on_rejected: {end: rejected}
  - id: publish
    kind: publish
    document: statement
    requires: [approve]
    accounts: [newsroom, blog, board, wiki]
    retry: {attempts: 3, backoff: 5m}
  - id: tell
    kind: notify
    to: [{group: frontline}, {contact: desk}]
    message: {subject: It is out, body: "{{ steps.publish.output.url }}"}
    acknowledge: {due: 2h, remind: [at due, every 1d after due], wait: true}
"""

ROUNDS = """
playbook: rounds
version: 1.0.0
title: Rounds
owner: smr-lead
case_prefix: ROUND
inputs: {fields: {title: text, grave: yes_no}}
severity: {levels: [sev1, sev2], initial: sev2}
documents:
  update: {title: Update, audience: public, template: "Update {{ round }} on {{ inputs.title }}."}
steps:
  - id: race
    kind: parallel
    join: any
    branches:
      - id: ask
        steps:
          - {id: everyone, kind: task, assign: {each: {group: frontline}}, due: 1h, remind: [at due], expires: 1d, on_expiry: skip}
      - id: listen
        steps:
          - {id: heard, kind: wait, signal: heard, expires: 2d, on_expiry: skip}
  - id: updates
    kind: repeat
    every: 6h
    until: steps.over.outcome == 'yes'
    max_rounds: 3
    steps:
      - id: gather
        kind: section
        steps:
          - id: facts
            kind: task
            assign: {role: comms-writer}
            due: 1h
            remind: [every 2h after due]
            fields: {worth_saying: yes_no}
          - id: by_worth
            kind: switch
            options:
              - when: steps.facts.output.worth_saying
                steps:
                  - {id: word_it, kind: draft, document: update, assign: {role: comms-writer}, due: 1h, expires: 2d}
                  - id: allow
                    kind: approval
                    documents: [update]
                    quorum: [{role: legal}]
                    due: 1h
                    remind: [every 12h after due]
                    expires: 1d
                    on_expiry: reject
                    on_rejected: {end: unsaid, of: updates}
                  - {id: say_it, kind: publish, document: update, requires: [allow], accounts: [board, newsroom], at: "{{ plus(case.opened_at, '4h') }}", on_failure: continue}
      - {id: over, kind: decision, ask: Is it over?, assign: {role: smr-lead}, due: 1h, escalate: [{at: at due, to: {role: exec-sponsor}}]}
  - id: each_creator
    kind: foreach
    in: [ada, bob, cy]
    as: creator
    at_a_time: 2
    steps:
      - {id: vet, kind: task, title: "Vet {{ creator }}", assign: {role: compliance}, fields: {fit: yes_no}}
      - {id: unfit, kind: end, outcome: unfit, of: each_creator, when: not steps.vet.output.fit}
      - {id: answered, kind: wait, signal: answered, key: "{{ creator }}", expires: 1d, on_expiry: skip}
      - {id: check, kind: task, assign: {role: legal, except: [{did: vet}]}, when: steps.answered.outcome == 'signalled'}
  - id: tier
    kind: decision
    table:
      rows:
        - {when: inputs.grave, outcome: high}
        - {when: "true", outcome: low}
  - id: tone
    kind: decision
    assign: {role: comms-director}
    choice: [plain, warm]
    expires: 1d
    on_expiry: escalate
  - id: by_tone
    kind: switch
    on: tone
    options:
      plain: [{id: calm, kind: wait, for: 1d}]
      warm: [{id: thank, kind: task, assign: {role: smr-lead}, evidence: true}]
"""

FAMILY = """
playbook: family
version: 1.0.0
title: Family
owner: smr-lead
case_prefix: FAMILY
inputs: {fields: {title: text, grave: yes_no}}
steps:
  - {id: look, kind: call, uses: http.request, with: {url: "https://api.example.test/x"}, retry: {attempts: 2, backoff: 2m}, on_failure: continue}
  - {id: beside, kind: playbook, playbook: rounds, inputs: {title: "{{ inputs.title }}", grave: false}, wait_until_done: false}
  - {id: answer, kind: playbook, playbook: statement, inputs: {title: "{{ inputs.title }}", grave: "{{ inputs.grave }}"}}
  - {id: sum_up, kind: set, values: {ended: "{{ steps.answer.outcome }}"}}
  - {id: close, kind: task, assign: {role: smr-lead}, due: 1d, remind: [at due]}
  - {id: closed, kind: end, outcome: "closed"}
"""

DAILY = """
playbook: daily
version: 1.0.0
title: Daily look
owner: smr-lead
case_prefix: DAILY
triggers:
  - {on: schedule, rrule: FREQ=DAILY, at: "09:00", timezone: Europe/Berlin, missed: latest}
steps:
  - {id: look_around, kind: task, assign: {role: comms-writer}, due: 2h, remind: [50%], expires: 1d, on_expiry: skip}
"""

PLAYBOOKS = {"statement": STATEMENT, "rounds": ROUNDS, "family": FAMILY, "daily": DAILY}
