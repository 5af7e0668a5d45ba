"""One playbook with every kind of step, run to its close by nothing but command lines."""

from __future__ import annotations

import json

from tests.adapters.servers import running_blog
from tests.support.story import approves, chooses, fills, in_turn, play, writes

CHILD = """
playbook: look-back
version: 1.0.0
title: Look back at {{ inputs.title }}
owner: smr-lead
case_prefix: BACK
inputs:
  fields: {title: text}
documents:
  words: {title: Words, audience: internal}
steps:
  - {id: look, kind: task, documents: [words], assign: {role: smr-lead}, fields: {lesson: text}}
results: {lesson: "{{ steps.look.output.lesson }}"}
"""
EVERY_KIND = """
playbook: every-kind
version: 1.0.0
title: Every kind of step
owner: smr-lead
case_prefix: EVERY
labels: [test]
calendar: default
retention: 7y
visibility: open
inputs:
  fields:
    title: text
    count: integer
    risk: yes_no
    who: person
    first_seen: datetime
    mood: [calm, angry]
    names: {type: list, of: text, min: 1}
    desk: {type: object, fields: {name: text, phone: {type: text, optional: true}}}
severity:
  levels: [sev1, sev2]
  initial: "{{ 'sev1' if inputs.risk else 'sev2' }}"
assurance: {by_severity: {sev1: asserted}, default: asserted}
defaults:
  approval: {remind: [50%, at due], escalate: [{at: 150%, to: {role: exec-sponsor}}]}
documents:
  words: {title: Words, audience: public, template: "About {{ inputs.title }}."}
  note: {title: Note, audience: internal, template: "To {{ one }}"}
steps:
  - id: verify
    kind: task
    title: Verify {{ inputs.title }}
    help: Look *twice*.
    assign: {person: "{{ inputs.who }}"}
    due: {by_severity: {sev1: 15m}, default: 4 business hours}
    remind: [50%, 2m before due, at due, every 2h after due]
    escalate: [{at: 150%, to: {role: comms-director}}]
    fields: {facts: {type: list, of: text, min: 1}, score: number, ok: yes_no}
    checklist: [Two sources]
    evidence: true
  - {id: go_on, kind: decision, ask: Do we go on?, assign: {role: smr-lead}, due: 1h}
  - id: whose
    kind: decision
    assign: {group: executives}
    tree:
      - {id: is_true, ask: Is it true?, if_yes: is_ours, if_no: {outcome: deny}}
      - {id: is_ours, ask: Is it ours?, if_yes: {outcome: apologise}, if_no: {outcome: explain}}
  - id: tone
    kind: decision
    assign: {deputy_of: smr-lead}
    choice: [{outcome: loud, title: Speak loudly}, {outcome: quiet}]
  - id: size
    kind: decision
    table: {rows: [{when: inputs.count > 10, outcome: large}, {when: "true", outcome: small}]}
  - {id: named, kind: set, values: {total: "{{ inputs.count + 1 }}"}}
  - id: route
    kind: switch
    on: whose
    options:
      deny: [{id: deny_it, kind: task, assign: {role: legal}, due: 1h}]
      apologise: [{id: say_sorry, kind: task, assign: {role: legal}, due: 1h}]
      explain: [{id: explain_it, kind: task, assign: {role: legal}, due: 1h}]
  - id: big
    kind: switch
    options: [{when: steps.size.outcome == 'small', steps: [{id: rest, kind: wait, for: 1s}]}]
    else: [{id: brace, kind: task, assign: {role: hr}, due: 1h}]
  - id: phase
    kind: section
    title: A phase
    when: inputs.risk
    steps: [{id: log, kind: task, assign: {role: scribe}, due: 1h}]
  - id: both
    kind: parallel
    join: all
    branches:
      - {id: ear, steps: [{id: hear, kind: wait, signal: reply, key: "{{ inputs.mood }}"}]}
      - {id: mouth, steps: [{id: ask, kind: task, assign: {role: privacy}, due: 1h}]}
  - id: each_one
    kind: foreach
    in: inputs.names
    as: one
    at_a_time: 1
    steps:
      - {id: write_note, kind: draft, document: note, assign: {role: comms-writer}, due: 1h}
      - {id: enough, kind: decision, ask: Enough?, assign: {role: smr-lead}, due: 1h}
      - id: leave
        kind: switch
        on: enough
        options:
          "yes": [{id: early, kind: end, of: each_one, outcome: early}]
          "no": [{id: more, kind: task, assign: {role: smr-lead}, due: 1h}]
  - id: beat
    kind: repeat
    every: 1s
    until: steps.over.outcome == 'yes'
    max_rounds: 4
    steps: [{id: over, kind: decision, ask: Is it over?, assign: {role: smr-lead}, due: 1h}]
  - id: hook
    kind: call
    uses: http.request
    with: {method: POST, url: "URL/hook", json: {title: "{{ inputs.title }}"}}
    retry: {attempts: 2, backoff: 1s, timeout: 5s}
  - id: draft
    kind: draft
    document: words
    assign: {role: comms-writer}
    due: 1h
    checks: [{max_words: 9}, {must_contain: [About]}, {must_not_contain: [never]}]
  - id: agree
    kind: approval
    documents: [words]
    quorum:
      - {role: comms-director, need: 1}
      - {any_of: [compliance, privacy], need: 1, when: inputs.risk}
    except: [author]
    due: {by_severity: {sev1: 15m}, default: 4h}
    on_changes_requested: {return_to: draft, max_rounds: 3}
    on_rejected: {end: rejected}
  - id: post
    kind: publish
    document: words
    requires: [agree]
    accounts: [newsroom, wikipedia-talk]
    verify: true
  - {id: mail, kind: publish, document: words, requires: [agree], account: outreach-mailbox,
     to: {contact: trade-press}}
  - id: tell
    kind: notify
    to: [{group: frontline-care}, {contact: regulator-desk}]
    message: {subject: "{{ inputs.title }}", body: "{{ steps.post.output.url }}"}
    acknowledge: {due: 1h, wait: true}
  - {id: follow, kind: task, documents: [words], assign: {each: {group: executives}}, due: 1h}
  - id: back
    kind: playbook
    playbook: look-back
    inputs: {title: "{{ inputs.title }}"}
    documents: [words]
    wait_until_done: true
  - {id: well, kind: end, outcome: well}
results:
  url: "{{ steps.post.output.url }}"
  status: "{{ steps.hook.output.status }}"
  ended: "{{ steps.each_one.results[0].ended }}"
  total: "{{ steps.named.output.total }}"
  lesson: "{{ steps.back.output.lesson }}"
"""
WORDS = ("title=Smoke", "count=12", "risk=yes", "who=mira", "mood=calm", "names=A", "names=B")
MORE = ("first_seen=2026-11-23 08:40", "desk.name=Petra")


def attaches(file, answer):
    """Whoever has to show evidence attaches it, then answers."""

    def answered(house, row):
        house.done("attach", row["item"], str(file), who="mira")
        answer(house, row)

    return answered


def signals(answer):
    """Somebody delivers the signal that the other branch waits for, then answers."""

    def answered(house, row):
        house.done("signal", row["case"], "reply", "--key", "calm", "-o", "heard=yes")
        answer(house, row)

    return answered


def each_of_them(house, row):
    """Everybody who was asked for themselves completes their item."""
    house.done("complete", row["item"], who=row["waiting_for"][0])


def posts(house, row):
    """The owner of the account posts by hand."""
    house.done("complete", row["item"], "-o", "url=https://wiki.example.test/talk")


def test_a_playbook_of_every_kind_runs_to_its_close_by_the_command_line(house, tmp_path):
    file = tmp_path / "capture.png"
    file.write_bytes(b"\x89PNG")
    with (house.root / "smr.yaml").open("a", encoding="utf-8") as settings:
        settings.write("connectors: {allow_inside: [127.0.0.1]}\n")
    house.playbook("look-back", CHILD)
    facts = {"facts": ["Smoke"], "score": 1.5, "ok": True}
    answers = {
        "verify": attaches(file, fills("mira", **facts)),
        "go_on": chooses("ana", "go_on=yes"),
        "whose": chooses("eva", "is_true=yes", "is_ours=no"),
        "tone": chooses("ben", "choice=loud"),
        "explain_it": fills("lea"),
        "brace": fills("jan"),
        "log": fills("ida"),
        "ask": signals(fills("hugo")),
        "write_note": writes("tom", "Dear you.\n"),
        "enough": in_turn(chooses("ana", "enough=yes"), chooses("ana", "enough=no")),
        "more": fills("ana"),
        "over": in_turn(chooses("ana", "over=no"), chooses("ana", "over=yes")),
        "draft": writes("tom", "About smoke: hall 3 is empty.\n"),
        "agree": approves("carl", "hugo"),
        "post": posts,
        "follow": each_of_them,
        "look": fills("ana", lesson="Ask sooner"),
    }
    with running_blog() as blog:
        house.playbook("every-kind", EVERY_KIND.replace("URL", blog.url))
        assert house.ask("validate", str(house.root / "playbooks")) == []
        words = [part for each in (*WORDS, *MORE) for part in ("-i", each)]
        case = house.ask("start", "every-kind", *words)["case"]
        shown = play(house, case, answers)
    assert (shown["status"], shown["outcome"]) == ("completed", "well")
    ended = {step["path"]: step["outcome"] for step in shown["steps"]}
    assert ended["route/explain_it"] == "done"
    assert ended["route/deny_it"] == "skipped"
    assert ended["each_one[0]/leave/early"] == "early"
    assert ended["both/ear/hear"] == "signalled"
    assert ended["beat"] == "until"
    assert json.dumps(shown["results"], sort_keys=True) == json.dumps(
        {
            "ended": "early",
            "lesson": "Ask sooner",
            "status": 201,
            "total": 13,
            "url": next(iter(house.pages())),
        }
    )
    assert [post["body"] for post in blog.posts.values()] == [{"title": "Smoke"}]
    assert house.ask("audit", "verify")["ok"]
