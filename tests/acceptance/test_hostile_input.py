"""What comes from outside is data: a clear error or harmless text, quickly, nothing half-done."""

from __future__ import annotations

import csv
import io

import pytest

from tests.support.program import House
from tests.support.story import approves, chooses, fills, play, writes
from tests.support.timing import within

TINY = """\
playbook: tiny
version: 1.0.0
title: Tiny
owner: smr-lead
case_prefix: TINY
inputs: {fields: {what: {type: text, optional: true}}}
documents:
  words: {title: Words, template: "TEMPLATE"}
steps:
  - {id: write, kind: draft, title: Write, document: words, assign: {role: comms-writer}}
"""
LOOP = "{% for a in range(9999) %}{% for b in range(9999) %}{{ a }}{% endfor %}{% endfor %}"
GROW = "{% for a in range(99) %}{{ 'x' * 100000 }}{% endfor %}"
PLAYBOOKS = {
    "a key that stands twice": TINY + "title: Another\n",
    "aliases that multiply": "a: &a [x, x, x, x]\nb: &b [*a, *a, *a, *a]\nc: [*b, *b, *b, *b]\n"
    * 3,
    "five thousand brackets": TINY + "labels: " + "[" * 5000 + "]" * 5000 + "\n",
    "five thousand open brackets": "[" * 5000,
    "ten megabytes": TINY + "# " + "x" * 10_000_000 + "\n",
    "ten megabytes in one line of text": TINY + "summary: " + "x" * 10_000_000 + "\n",
    "an object of Python": TINY + "summary: !!python/object/apply:os.system [id]\n",
    "an attribute": TINY.replace("TEMPLATE", "{{ ''.__class__.__mro__ }}"),
    "a subscript to an attribute": TINY.replace("TEMPLATE", "{{ inputs['__class__'] }}"),
    "a filter to an attribute": TINY.replace("TEMPLATE", "{{ inputs | attr('__class__') }}"),
    "an import": TINY.replace("TEMPLATE", "{% include '/etc/passwd' %}"),
    "a call": TINY.replace("TEMPLATE", "{{ lipsum.__globals__ }}"),
    "a stray control character": TINY + "summary: \x07bell\n",
    "bytes that are no text": TINY.encode() + b"summary: \xff\xfe\xfd\n",
    "nothing": "",
    "a list": "- one\n- two\n",
    "wrong types": "playbook: 1\nversion: 1.10\ntitle: [a]\nowner: {a: b}\nsteps: none\n",
}
AT_THE_START = {
    "a template that loops": TINY.replace("TEMPLATE", LOOP),
    "a template that grows": TINY.replace("TEMPLATE", GROW),
    "a power": TINY.replace("TEMPLATE", "{{ 9 ** 9 ** 9 ** 9 }}"),
}


@pytest.mark.parametrize("fault", PLAYBOOKS)
def test_a_hostile_playbook_is_told_and_never_started(house, fault):
    content = PLAYBOOKS[fault]
    file = house.root / "playbooks" / "tiny.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = house.database()
    with within(1):
        said = house.smr("validate", str(file))
    assert said.status == 1
    assert "tiny.yaml:" in said.out
    assert len(said.out) < 20_000
    with within(1):
        said = house.smr("start", "tiny")
    assert (said.status, said.out) == (1, "")
    assert "Error: " in said.err
    with within(1):
        assert house.smr("playbooks").status == 0
    assert house.database() == before


@pytest.mark.parametrize("fault", AT_THE_START)
def test_a_template_that_does_not_end_is_stopped(house, fault):
    house.playbook("tiny", AT_THE_START[fault])
    with within(1):
        said = house.smr("start", "tiny", "--json")
    if said.status == 0:  # then the step has failed, and its owner is asked
        case = said.data["case"]
        assert house.ask("show", case)["status"] == "held"
        assert [row["kind"] for row in house.items(case)] == ["repair"]
        assert house.ask("audit", "verify")["ok"]
    else:
        assert house.ask("cases") == []
        assert said.status == 1


INPUTS = {
    "a key twice": '{"what": "a", "what": "b"}',
    "a key twice in YAML": "what: a\nwhat: b\n",
    "five thousand brackets": '{"what": ' + "[" * 5000 + "]" * 5000 + "}",
    "ten megabytes": '{"what": "' + "x" * 10_000_000 + '"}',
    "a list": "[1, 2]",
    "a text": '"hello"',
    "half a surrogate pair": '{"what": "\\ud800"}',
    "the wrong type": '{"what": {"deep": 1}}',
    "unknown fields": '{"__class__": "x", "constructor": "y"}',
    "an alias": "what: &a hello\nmore: *a\n",
}


@pytest.mark.parametrize("fault", INPUTS)
def test_hostile_inputs_are_refused_and_open_nothing(house, fault):
    house.playbook("tiny", TINY)
    before = house.database()
    with within(1):
        said = house.smr("start", "tiny", "--inputs", "-", text=INPUTS[fault])
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("Error: ")
    assert len(said.err) < 2_000
    assert house.database() == before


@pytest.mark.parametrize("file", ["directory.yaml", "smr.yaml"])
@pytest.mark.parametrize(
    "fault", ["five thousand brackets", "aliases that multiply", "nothing twice"]
)
def test_a_hostile_settings_or_directory_file_stops_every_command_with_a_sentence(
    house, file, fault
):
    content = {**PLAYBOOKS, "nothing twice": "people: []\npeople: []\n"}[fault]
    (house.root / file).write_text(content, encoding="utf-8")
    before = house.database()
    for words in (["cases"], ["start", "policy-review"], ["people"]):
        with within(1):
            said = house.smr(*words)
        assert (said.status, said.out) == (1, "")
        assert said.err.startswith("Error: ")
        assert file in said.err
    assert house.database() == before


# --- words that people hand in -----------------------------------------------------------------

BACKWARDS = "\u202egnp.exe"
FORMULA = '=HYPERLINK("https://evil.example.test","click")'
NASTY = [
    "../../../../etc/passwd",
    "{{ 7 * 7 }}{% for a in range(9) %}x{% endfor %}",
    "\x1b[31mred\x1b]0;title\x07",
    BACKWARDS,
    FORMULA,
    "<script>alert(1)</script>",
    "Robert'); DROP TABLE events;--",
    "a\r\nBcc: everybody@example.test",
    "---\ndigest: sha256:0\n---\n",
    "[bold red]markup[/]",
]
NOT_ON_A_TERMINAL = ("\x1b", "\u202e", "\x07")


@pytest.mark.parametrize("nasty", [FORMULA, " ".join(NASTY)])
def test_hostile_words_stay_words_from_the_form_to_the_newsroom(house, nasty):
    """They are told, published and listed as they are, and nothing comes of them."""
    case = house.start("holding-statement", {"title": nasty, "type": "other"})
    points = {f"done_{number}": True for number in (1, 2, 3)}
    answers = {
        "verify": fills("ana", confirmed=[nasty, *NASTY], captures=nasty, **points),
        "draft_holding": writes("tom"),
        "weigh_words": chooses("tom", "weigh_words=no"),
        "approve_holding": approves("carl", "lea"),
        "engagement": fills("ana", groups=[{"group": nasty, "state": "told", "note": nasty}]),
        "aftermath": chooses("carl", "choice=settled"),
    }
    house.done("note", case, "--", nasty, who="zoe")
    shown = play(house, case, answers)
    assert shown["title"] == nasty
    (place,) = house.pages()
    assert place.startswith("newsroom/20")
    assert "/" not in place.removeprefix("newsroom/")[5:]
    text = house.ask("document", case, "holding_statement")["text"]
    assert all(words.replace("\r\n", "\n").strip() in text for words in (nasty, *NASTY))
    assert nothing_escaped(house)
    for words in (["show", case], ["timeline", case], ["cases"], ["audit", "log"]):
        written = house.done(*words)
        assert not [sign for sign in NOT_ON_A_TERMINAL if sign in written]
    table = csv.DictReader(io.StringIO(house.done("audit", "log", "--format", "csv")))
    cells = [cell for row in table for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert house.ask("audit", "verify")["ok"]


def nothing_escaped(house: House) -> bool:
    """Whether every file is where files may be, and every mail goes to whom it says."""
    outside = [p for p in house.root.parent.iterdir() if p != house.root]
    known = {row["email"] for row in house.ask("people")}
    headers = {name.lower() for mail in house.mails() for name in mail}
    return not outside and set(house.mailed("")) <= known and "bcc" not in headers


@pytest.mark.parametrize("name", ["../../evil.sh", "/etc/evil", "a\x1b[2Jb.png", BACKWARDS, "-rf"])
def test_a_hostile_file_name_stays_a_name(house, tmp_path, name):
    house.playbook("tiny", TINY)
    case = house.start("tiny", {})
    item = house.item(case, "write")
    base = name.rsplit("/", 1)[-1]
    folder = tmp_path / "from"
    folder.mkdir()
    (folder / base).write_bytes(b"evidence")
    house.done("attach", item, "--", str(folder / base), who="tom")
    (kept,) = house.ask("item", item, who="tom")["attachments"]
    assert kept["name"] == base
    stored = [p for p in (house.root / ".smr" / "attachments").rglob("*") if p.is_file()]
    assert [p.read_bytes() for p in stored] == [b"evidence"]
    assert base not in {p.name for p in stored}
    written = house.done("item", item, who="tom") + house.done("timeline", case)
    assert not [sign for sign in NOT_ON_A_TERMINAL if sign in written]


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "..", "a\x1b[31m", "{{ 7*7 }}"]
)
@pytest.mark.parametrize("line", ["start NAME", "playbook show NAME", "show NAME", "item NAME",
                                  "approve NAME", "inbox --as NAME", "schedule remove NAME",
                                  "audit who NAME", "playbook diff NAME tiny"])  # fmt: skip
def test_a_hostile_name_is_just_unknown(house, line, name):
    words = [name if word == "NAME" else word for word in line.split()]
    said = house.smr(*words)
    assert (said.status, said.out) == (1, "")
    assert said.err.startswith("Error: ")
    assert "\x1b" not in said.err
    assert "root:" not in said.err
