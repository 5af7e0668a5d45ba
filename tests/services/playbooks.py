"""Small playbooks that use what the read side has to show."""

from __future__ import annotations

STATEMENT = """
playbook: statement
version: 1.0.0
title: Statement
owner: smr-lead
inputs: {fields: {title: text}}
documents:
  statement:
    title: Statement
    audience: public
    template: |
      We are looking into {{ inputs.title }}.
steps:
  - {id: write, kind: draft, document: statement, assign: {role: comms-writer}, due: 1h}
  - id: approve
    kind: approval
    title: Approve the statement
    documents: [statement]
    due: 2h
    quorum:
      - {role: comms-director, need: 1}
      - {role: legal, need: 1}
    on_changes_requested: {return_to: write, max_rounds: 3}
    on_rejected: {end: rejected}
  - id: publish
    kind: publish
    document: statement
    requires: [approve]
    accounts: [newsroom, wikipedia-talk]
  - id: tell
    kind: notify
    title: Tell the executives
    to: {group: executives}
    message: {subject: It is out, body: "{{ steps.publish.output.url }}"}
    acknowledge: {due: 1d, wait: true}
"""

RESTRICTED = """
playbook: secret
version: 1.0.0
title: Personnel matter
owner: hr
visibility: {restricted: [hr]}
steps:
  - {id: talk, kind: task, assign: {role: hr}}
"""

EVERYTHING = """
playbook: everything
version: 1.0.0
title: Everything
owner: smr-lead
inputs: {fields: {creators: {type: list, of: text}}}
documents:
  letter: {title: Letter, audience: creator, template: "Dear {{ creator }}"}
steps:
  - id: brief
    kind: section
    steps:
      - id: check
        kind: task
        title: Check the facts
        help: Two sources for each.
        assign: {role: comms-writer}
        checklist: [Two sources agree, Nobody's name is in it]
        fields: {summary: text}
  - id: assess
    kind: decision
    title: Do we answer?
    assign: {role: smr-lead}
    tree:
      - {id: about_us, ask: Is it about us?, if_yes: harmful, if_no: {outcome: ignore}}
      - {id: harmful, ask: Does it do harm?, if_yes: {outcome: answer}, if_no: {outcome: ignore}}
  - id: tone
    kind: decision
    title: In which tone?
    assign: {role: smr-lead}
    choice: [plain, warm]
  - id: both
    kind: parallel
    branches:
      - id: inside
        steps: [{id: tell_care, kind: task, assign: {role: customer-care}}]
      - id: outside
        steps: [{id: call_press, kind: task, assign: {role: spokesperson}}]
  - id: each_creator
    kind: foreach
    in: inputs.creators
    as: creator
    steps:
      - {id: write_letter, kind: draft, document: letter, assign: {role: community-manager}}
      - id: approve_letter
        kind: approval
        documents: [letter]
        quorum: [{role: legal, need: 1}]
        on_rejected: {end: declined, of: each_creator}
  - {id: close, kind: task, assign: {role: smr-lead}}
"""

PARENT = """
playbook: parent
version: 1.0.0
title: Parent
owner: smr-lead
inputs: {fields: {title: text}}
steps:
  - {id: child, kind: playbook, playbook: statement, inputs: {title: "{{ inputs.title }}"}}
"""

PAIR = """
playbook: pair
version: 1.0.0
title: Statement and answers
owner: smr-lead
documents:
  statement: {title: Statement, audience: public, template: We know.}
  answers: {title: Answers, audience: press, template: "Q: Who? A: We."}
steps:
  - {id: write, kind: draft, document: statement, assign: {role: comms-writer}}
  - {id: prepare, kind: draft, document: answers, assign: {role: comms-writer}}
  - {id: read, kind: task, documents: [statement, answers], assign: {role: spokesperson}}
  - id: ready
    kind: decision
    documents: [answers]
    ask: Can we answer like this?
    assign: {role: spokesperson}
  - {id: approve, kind: approval, documents: [statement, answers], quorum: [{role: legal}]}
  - {id: publish, kind: publish, document: statement, requires: [approve], account: newsroom}
  - id: send
    kind: publish
    document: answers
    requires: [approve]
    account: outreach-mailbox
    to: [{contact: trade-press}, {vendor: monitoring-vendor}, desk@paper.example.test]
"""
