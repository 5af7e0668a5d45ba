"""The leaf: its bytes are final, and every one of them counts."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.audit.chain import ChainReader, Link
from smr_engine.audit.leaf import (
    GENESIS,
    Leaf,
    MalformedLeafError,
    commitment,
    leaf_hash,
    parse,
    seal,
    timestamp,
)
from smr_engine.errors import Invalid

FIRST = Leaf(
    seq=41,
    stream="case:CRISIS-2026-0007",
    version=1,
    prev=GENESIS,
    at="2026-11-23T08:30:00.250000Z",
    actor="ana",
    on_behalf_of="",
    roles=("legal", "smr-lead"),
    assurance="asserted",
    door="cli",
    kind="CaseOpened",
    path="",
    key="ab" * 32,
    facts={"ref": "CRISIS-2026-0007", "drill": False, "pins": {}},
    commitments={"case:CRISIS-2026-0007": "cd" * 32},
)
GOLDEN = (
    b'{"actor":"ana","assurance":"asserted","at":"2026-11-23T08:30:00.250000Z","commitments":'
    b'{"case:CRISIS-2026-0007":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"},'
    b'"door":"cli","facts":{"drill":false,"pins":{},"ref":"CRISIS-2026-0007"},'
    b'"key":"abababababababababababababababababababababababababababababababab",'
    b'"kind":"CaseOpened","on_behalf_of":"","path":"",'
    b'"prev":"0000000000000000000000000000000000000000000000000000000000000000",'
    b'"roles":["legal","smr-lead"],"seq":41,"stream":"case:CRISIS-2026-0007","v":1,"version":1}'
)


def chain(count: int) -> list[Link]:
    """A stream of so many links."""
    links: list[Link] = []
    prev = GENESIS
    for number in range(1, count + 1):
        key = FIRST.key if number == 1 else ""
        facts = {"item": f"CRISIS-2026-0007.{number}", "offered": ["ana", "ben"], "round": number}
        fields = {name: getattr(FIRST, name) for name in FIRST.__slots__}
        changes = {"seq": 40 + 3 * number, "version": number, "prev": prev, "key": key}
        data = seal(Leaf(**{**fields, **changes, "facts": facts}))
        links.append(Link(40 + 3 * number, FIRST.stream, number, data, leaf_hash(data)))
        prev = leaf_hash(data).hex()
    return links


def problems(links: list[Link]) -> dict[int, tuple[str, ...]]:
    """What reading a stream complains of, by number."""
    reader = ChainReader(FIRST.stream)
    found = {link.seq: reader.read(link).problems for link in links}
    return {seq: told for seq, told in found.items() if told}


def test_the_bytes_of_a_leaf_are_final():
    assert seal(FIRST) == GOLDEN
    assert parse(GOLDEN) == FIRST


def test_a_leaf_hash_is_that_of_rfc_9162():
    assert leaf_hash(GOLDEN) == hashlib.sha256(b"\x00" + GOLDEN).digest()
    empty = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"").hex() == empty  # the Certificate Transparency test vector


def test_a_commitment_is_the_hash_of_salt_and_content():
    assert commitment(b"s" * 32, b"{}") == hashlib.sha256(b"s" * 32 + b"{}").hexdigest()


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))])))
def test_an_instant_is_written_in_utc_to_the_microsecond(at):
    written = timestamp(at)
    assert datetime.fromisoformat(written) == at
    assert (len(written), written[-1]) == (27, "Z")


def test_an_instant_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        timestamp(datetime(2026, 11, 23))  # noqa: DTZ001 - that is the point


def test_facts_that_cannot_be_kept_are_refused():
    fields = {name: getattr(FIRST, name) for name in FIRST.__slots__}
    with pytest.raises(Invalid):
        seal(Leaf(**{**fields, "facts": {"n": 2**60}}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        GOLDEN[:-1],
        GOLDEN + b" ",
        b" " + GOLDEN,
        GOLDEN.replace(b'"v":1', b'"v":2'),
        GOLDEN.replace(b'"v":1,', b""),
        GOLDEN.replace(b'"seq":41', b'"seq":41.0'),
        GOLDEN.replace(b'"seq":41', b'"seq":"41"'),
        GOLDEN.replace(b'"seq"', b'"more":1,"seq"'),
        GOLDEN.replace(b'"path":""', b'"path":"","path":""'),
        GOLDEN.replace(b"08:30:00.250000Z", b"08:30:00.25Z"),
        GOLDEN.replace(b"08:30:00.250000Z", b"yesterday"),
        GOLDEN.replace(b'"drill":false', b'"drill":1e400'),
        json.dumps(json.loads(GOLDEN)).encode(),
    ],
)
def test_what_is_not_exactly_a_leaf_is_none(data):
    if data == GOLDEN:
        pytest.fail("the example does not differ from a leaf")
    with pytest.raises(MalformedLeafError):
        parse(data)


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_make_the_reader_fall_over(data):
    with pytest.raises(MalformedLeafError):
        parse(data)


def test_an_untouched_chain_has_no_problems():
    assert problems(chain(6)) == {}


def test_every_byte_of_every_leaf_counts():
    links = chain(4)
    for number, link in enumerate(links):
        for place in range(len(link.data)):
            bent = bytearray(link.data)
            bent[place] ^= 1
            moved = Link(link.seq, link.stream, link.version, bytes(bent), link.stored_hash)
            assert link.seq in problems([*links[:number], moved, *links[number + 1 :]])


def test_a_leaf_changed_with_its_hash_breaks_the_chain_after_it():
    links = chain(4)
    data = links[1].data.replace(b"ben", b"eve")
    links[1] = Link(links[1].seq, links[1].stream, 2, data, leaf_hash(data))
    assert problems(links) == {49: ("the leaf does not continue the one before it",)}


def test_a_link_taken_out_is_missed_where_the_chain_goes_on():
    links = chain(4)
    del links[1]
    assert set(problems(links)) == {49}


def test_links_that_changed_places_are_named():
    links = chain(4)
    links[1], links[2] = links[2], links[1]
    assert {46, 49} <= set(problems(links))


@pytest.mark.parametrize(
    "wrong",
    [
        {"seq": 3},
        {"seq": "43"},
        {"version": 7},
        {"version": None},
        {"data": "text"},
        {"stream": "x"},
    ],
)
def test_columns_of_whatever_type_are_compared_with_the_leaf(wrong):
    [link] = chain(1)
    fields = {name: getattr(link, name) for name in Link.__slots__}
    assert problems([Link(**{**fields, **wrong})])
