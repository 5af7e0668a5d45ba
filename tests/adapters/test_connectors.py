from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.adapters.connectors import connector_for
from smr_engine.adapters.connectors.context import ConnectorContext
from smr_engine.adapters.connectors.json_template import at_pointer, filled, filled_address
from smr_engine.adapters.mail import MailConfig
from smr_engine.adapters.network_guard import NetworkGuard
from smr_engine.engine.world import Account
from smr_engine.errors import SmrError
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Published,
    Recipient,
    Recovery,
)

HOSTILE = """---
title: forged
---
{{ text }} ${HOME} "quoted" \\ <script> \u202e =1+1 \u2028 end"""
PRESS = Recipient("contact", "trade-press", "Trade Press", "desk@press.example")
DESK = Recipient("contact", "regulator-desk", "Regulator", "desk@regulator.example")


@pytest.fixture
def context(tmp_path, clock) -> ConnectorContext:
    return ConnectorContext(
        workspace=tmp_path,
        clock=clock,
        guard=NetworkGuard(["127.0.0.1"]),
        environ={"BLOG_TOKEN": "hunter2"},
    )


def folder(context, **settings):
    return connector_for(Account("newsroom", "Newsroom", "website", "folder", settings), context)


def email(context, **settings):
    return connector_for(Account("outreach", "Outreach", "email", "email", settings), context)


def http(context, blog, **settings):
    known = {
        "url": f"{blog.url}/api/posts",
        "headers": {"Authorization": "Bearer ${BLOG_TOKEN}"},
        "idempotency": True,
    }
    account = Account("company-blog", "Blog", "blog", "http", {**known, **settings})
    return connector_for(account, context)


class TestFolder:
    def test_a_page_has_front_matter_and_the_text_as_approved(self, context, publication, tmp_path):
        wanted = publication()
        published = folder(context, path="newsroom").publish(wanted, 5)
        assert published.url.startswith("newsroom/2026/holding-statement-")
        page = (tmp_path / published.url).read_text()
        _, front, text = page.split("---\n", 2)
        assert yaml.safe_load(front) == {
            "title": "Holding statement",
            "date": "2026-11-23T09:00:00+00:00",
            "case": "CRISIS-2026-0007",
            "document": "holding_statement",
            "digest": "sha256:" + hashlib.sha256(wanted.text.encode()).hexdigest(),
            "key": wanted.key,
        }
        assert text == "\n" + wanted.text

    def test_the_same_key_has_the_same_page_even_across_new_year(
        self, context, publication, clock, tmp_path
    ):
        connector = folder(context)
        first = connector.publish(publication(), 5)
        clock.instant = datetime(2027, 1, 1, tzinfo=UTC)
        before = (tmp_path / first.url).read_bytes()
        assert connector.publish(publication(), 5) == first
        assert (tmp_path / first.url).read_bytes() == before
        assert connector.recovery is Recovery.KEY
        assert connector.look_up(publication(), 5) == first

    def test_two_statements_of_one_title_are_two_pages(self, context, publication):
        connector = folder(context)
        one = connector.publish(publication(), 5)
        two = connector.publish(publication(key="CRISIS-2026-0008/publish_holding/1"), 5)
        assert one.url != two.url

    @given(st.text(st.characters(exclude_categories=["Cs"])))
    def test_what_is_read_back_is_exactly_what_was_published(
        self, tmp_path_factory, clock_and_publication, text
    ):
        clock, publication = clock_and_publication
        connector = folder(ConnectorContext(tmp_path_factory.mktemp("workspace"), clock))
        wanted = publication(text)
        assert connector.read_back(wanted, connector.publish(wanted, 5), 5) == text

    @pytest.fixture(scope="class")
    @staticmethod
    def clock_and_publication():
        from smr_engine.adapters.clock import SystemClock
        from smr_engine.services.ports import Publication

        account = Account("newsroom", "Newsroom", "website", "folder")

        def make(text: str) -> Publication:
            return Publication("k", "C-1", account, "statement", "Title", text, "")

        return SystemClock(), make

    def test_a_hostile_text_and_title_stay_in_their_places(self, context, publication, tmp_path):
        title = 'x\n---\ncase: forged\n"../../../etc/passwd\x00\u202e'
        wanted = publication(HOSTILE, title=title)
        connector = folder(context)
        published = connector.publish(wanted, 5)
        assert connector.read_back(wanted, published, 5) == HOSTILE
        front = yaml.safe_load((tmp_path / published.url).read_text().split("---\n")[1])
        assert front["case"] == "CRISIS-2026-0007"
        assert (tmp_path / published.url).resolve().is_relative_to(tmp_path / "newsroom")

    def test_a_page_changed_or_deleted_behind_our_back_is_read_as_it_is(
        self, context, publication, tmp_path
    ):
        connector = folder(context)
        published = connector.publish(publication(), 5)
        page = tmp_path / published.url
        page.write_text(page.read_text().replace("false post", "true post"))
        assert "true post" in (connector.read_back(publication(), published, 5) or "")
        page.unlink()
        assert connector.read_back(publication(), published, 5) == ""
        assert connector.look_up(publication(), 5) is None

    def test_pages_are_told_by_the_address_they_are_served_at(self, context, publication):
        connector = folder(context, path="site/news", base_url="https://news.example.test/")
        published = connector.publish(publication(replaces="https://news.example.test/old"), 5)
        assert published.url.startswith("https://news.example.test/2026/holding-statement-")
        assert published.receipt["path"].startswith("site/news/2026/")

    def test_a_folder_that_cannot_be_written_may_be_later(self, context, publication, tmp_path):
        (tmp_path / "newsroom").write_text("a file where the folder should be")
        with pytest.raises(EffectUnavailableError):
            folder(context).publish(publication(), 5)

    @pytest.mark.parametrize("path", ["../outside", "/etc", ".", ""])
    def test_a_folder_outside_of_the_workspace_is_refused(self, context, path):
        with pytest.raises(SmrError, match="inside the workspace"):
            folder(context, path=path)


class TestHttp:
    def test_a_post_carries_text_key_and_secret_and_comes_back(self, context, publication, blog):
        connector = http(
            context,
            blog,
            body={"title": "News: {{ title }}", "markdown": "{{ text }}", "to": "{{ recipients }}"},
            url_pointer="/data/link",
            text_pointer="/post/markdown",
        )
        wanted = publication(HOSTILE, recipients=(PRESS,))
        published = connector.publish(wanted, 5)
        assert published.url == f"{blog.url}/posts/1"
        assert blog.posts[wanted.key]["body"] == {
            "title": "News: Holding statement",
            "markdown": HOSTILE,
            "to": [{"id": "trade-press", "name": "Trade Press", "email": "desk@press.example"}],
        }
        assert blog.seen[0][2]["Authorization"] == "Bearer hunter2"
        assert connector.read_back(wanted, published, 5) == HOSTILE

    def test_a_post_lost_after_sending_is_sent_again_and_stands_there_once(
        self, context, publication, blog
    ):
        connector = http(context, blog)
        assert connector.recovery is Recovery.KEY
        blog.plan = ["drop-done"]
        with pytest.raises(EffectAmbiguousError):
            connector.publish(publication(), 5)
        assert connector.publish(publication(), 5).url == f"{blog.url}/posts/1"
        assert len(blog.posts) == 1

    def test_a_post_that_may_be_there_is_looked_up_by_its_key(self, context, publication, blog):
        lookup = f"{blog.url}/search?key={{{{ key }}}}"
        connector = http(context, blog, idempotency=False, lookup_url=lookup, url_pointer="/link")
        assert connector.recovery is Recovery.LOOKUP
        assert connector.look_up(publication(key="a&b=c/1"), 5) is None
        assert blog.seen[0][1] == "/search?key=a%26b%3Dc%2F1"
        blog.posts["k"] = {"number": 4, "body": {}}
        found = connector.look_up(publication(key="k"), 5)
        assert found is not None
        assert found.url == f"{blog.url}/posts/4"

    @pytest.mark.parametrize("nothing", [[], {}, b"null", b""])
    def test_an_empty_answer_means_that_it_is_not_there(self, context, publication, blog, nothing):
        blog.answer = nothing
        connector = http(context, blog, lookup_url=f"{blog.url}/search")
        assert connector.look_up(publication(), 5) is None

    def test_a_lookup_that_failed_says_nothing(self, context, publication, blog):
        connector = http(context, blog, lookup_url=f"{blog.url}/search")
        for status, told in ((500, EffectUnavailableError), (403, EffectRefusedError)):
            blog.plan = [status]
            with pytest.raises(told):
                connector.look_up(publication(), 5)

    def test_without_key_and_lookup_only_a_person_can_find_out(self, context, publication, blog):
        connector = http(context, blog, idempotency=False)
        assert connector.recovery is Recovery.NONE
        assert connector.look_up(publication(), 5) is None
        assert connector.read_back(publication(), Published(blog.url), 5) is None
        assert blog.seen == []

    @pytest.mark.parametrize(
        "location", ["", "javascript:alert(1)", "http://user@127.0.0.1/", "http://[x", "x" * 3000]
    )
    def test_an_address_that_is_none_is_not_believed(self, context, publication, blog, location):
        blog.location = location
        published = http(context, blog, url_pointer="/data/link").publish(publication(), 5)
        assert published.url == f"{blog.url}/api/posts"

    def test_the_secret_goes_to_the_own_host_only(self, context, publication, blog):
        other = f"http://localhost:{blog.port}/posts/1"
        trusting = ConnectorContext(
            context.workspace,
            context.clock,
            NetworkGuard(["127.0.0.1", "localhost", "::1"]),
            environ=context.environ,
        )
        blog.answer = {"text": "live"}
        connector = http(trusting, blog, text_pointer="/text")
        assert connector.read_back(publication(), Published(other), 5) == "live"
        assert "Authorization" not in blog.seen[0][2]

    def test_a_live_text_is_read_where_the_settings_say(self, context, publication, blog):
        blog.answer = b"Wir wissen davon.\n"
        connector = http(context, blog, read_back_url=f"{blog.url}/raw?url={{{{ url }}}}")
        live = connector.read_back(publication(), Published("https://x.test/a?b"), 5)
        assert live == "Wir wissen davon.\n"
        assert blog.seen[0][1] == "/raw?url=https%3A%2F%2Fx.test%2Fa%3Fb"

    def test_a_live_page_without_the_text_reads_as_empty(self, context, publication, blog):
        blog.answer = {"text": None}
        connector = http(context, blog, text_pointer="/text")
        assert connector.read_back(publication(), Published(blog.url), 5) == ""

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"url": ""}, "'url' of the account company-blog is no usable address"),
            ({"url": "ftp://example.test"}, "is no usable address"),
            ({"url": 7}, "must be text"),
            ({"method": "DELETE"}, "is not one of PATCH, POST, PUT"),
            ({"body": "text"}, "must be a mapping"),
            ({"body": {"a": ["{{ txet }}"]}}, "'body' .* has no {{ txet }}"),
            ({"lookup_url": "https://example.test/{{ url }}"}, "has no {{ url }}"),
            ({"text_pointer": "text"}, "JSON Pointer"),
            ({"idempotency": "yes"}, "must be true or false"),
            ({"idempotncy": True}, "'idempotncy' .* is none; there are"),
        ],
    )
    def test_a_wrong_setting_is_told_before_anything_is_sent(self, context, blog, settings, told):
        with pytest.raises(SmrError, match=told) as problem:
            http(context, blog, **settings)
        assert problem.value.code == "account-settings"
        assert problem.value.where.startswith("accounts.company-blog.settings.")

    def test_a_secret_that_is_not_set_is_named(self, context, publication, blog):
        connector = http(context, blog, headers={"Authorization": "${NO_TOKEN}"})
        with pytest.raises(EffectRefusedError, match="NO_TOKEN is not set"):
            connector.publish(publication(), 5)


class TestEmail:
    def test_without_a_server_a_letter_is_put_into_the_outbox_once(
        self, context, publication, tmp_path
    ):
        connector = email(context, **{"from": "outreach@example.test"})
        wanted = publication(recipients=(PRESS,))
        assert connector.recovery is Recovery.KEY
        assert connector.look_up(wanted, 5) is None
        published = connector.publish(wanted, 5)
        assert connector.publish(wanted, 5).url == published.url
        found = connector.look_up(wanted, 5)
        assert found is not None
        assert found.url == published.url
        letter = (tmp_path / published.url).read_bytes()
        assert b"From: outreach@example.test" in letter
        assert b"To: Trade Press <desk@press.example>" in letter
        assert b"CRISIS" not in letter
        assert len(list((tmp_path / "outbox").iterdir())) == 1

    @pytest.mark.parametrize(
        "text", ["no end", "one end\n", "two\r\nlines\r\n", "old\rMac", "", HOSTILE]
    )
    def test_the_letter_in_the_outbox_reads_as_approved(self, context, publication, text):
        connector, wanted = email(context), publication(text, recipients=(PRESS,))
        assert connector.read_back(wanted, connector.publish(wanted, 5), 5) == text

    def test_a_letter_changed_behind_our_back_is_read_as_it_is(
        self, context, publication, tmp_path
    ):
        connector, wanted = email(context), publication(recipients=(PRESS,))
        published = connector.publish(wanted, 5)
        letter = tmp_path / published.url
        letter.write_bytes(letter.read_bytes().replace(b"false post", b"true post"))
        assert "true post" in (connector.read_back(wanted, published, 5) or "")
        letter.unlink()
        assert connector.read_back(wanted, published, 5) == ""

    def test_with_a_server_all_recipients_get_it_and_the_outcome_cannot_be_looked_up(
        self, context, publication, mailroom
    ):
        config = MailConfig("127.0.0.1", mailroom.port, starttls=False, sender="smr@example.test")
        connector = email(
            ConnectorContext(context.workspace, context.clock, mail=config),
            **{"from": "outreach@example.test"},
        )
        assert connector.recovery is Recovery.NONE
        wanted = publication(recipients=(PRESS, DESK))
        published = connector.publish(wanted, 5)
        assert published.url.startswith("mid:")
        assert mailroom.letters[0].mail_from == "outreach@example.test"
        assert mailroom.letters[0].rcpt_tos == [PRESS.email, DESK.email]
        assert connector.look_up(wanted, 5) is None
        assert connector.read_back(wanted, published, 5) is None

    def test_the_account_may_name_its_recipients(self, context, publication, tmp_path):
        published = email(context, to=["list@press.example"]).publish(publication(), 5)
        assert b"To: list@press.example" in (tmp_path / published.url).read_bytes()

    def test_a_sender_that_is_no_address_is_told_before_anything_is_sent(self, context):
        with pytest.raises(SmrError, match="'from' of the account outreach is no mail address"):
            email(context, **{"from": "press@example.test\r\nBcc: x@y.z"})

    @pytest.mark.parametrize(
        ("recipients", "told"),
        [
            ((), "nobody to send"),
            ((Recipient("vendor", "monitoring"),), "The vendor monitoring has no mail address"),
            ((PRESS, Recipient("address", "x\r\ny@z")), "no usable mail address"),
        ],
    )
    def test_recipients_that_cannot_be_written_to_are_told(
        self, context, publication, recipients, told
    ):
        with pytest.raises(EffectRefusedError, match=told):
            email(context).publish(publication(recipients=recipients), 5)


class TestChoice:
    @pytest.mark.parametrize(
        ("name", "told"),
        [("manual", "published to by a person"), ("fax", "'fax', which is none")],
    )
    def test_a_connector_that_is_none_is_told(self, context, name, told):
        with pytest.raises(SmrError, match=told) as problem:
            connector_for(Account("a", "A", "p", name), context)
        assert problem.value.code == "no-connector"
        assert "email, folder, http, manual" in problem.value.hint

    def test_the_surroundings_show_no_secret(self, context):
        assert "hunter2" not in repr(context)


@given(st.text())
def test_no_value_is_looked_at_again_once_it_is_filled_in(text):
    values = dict.fromkeys(["text", "title"], text + "{{ title }}")
    whole = filled({"a": "{{ text }}", "b": ["x {{ title }} y"], "c": 1}, values)
    assert whole == {
        "a": text + "{{ title }}",
        "b": [f"x {text}{{{{ title }}}} y"],
        "c": 1,
    }


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_value_breaks_out_of_its_place_in_an_address(text):
    made = filled_address("https://a.test/x/{{ key }}?k={{ key }}", {"key": text})
    path, _, query = made.removeprefix("https://a.test/x/").partition("?k=")
    assert path == query
    assert not set(path) & set("/?#&=@: \r\n")


def test_json_pointers_lead_where_the_standard_says():
    data = {"a/b": {"m~n": [{"x": 1}]}, "": 2}
    assert at_pointer(data, "/a~1b/m~0n/0/x") == 1
    assert at_pointer(data, "/") == 2
    assert at_pointer(data, "") == data
    for nowhere in ("/a/b", "/a~1b/m~0n/1", "/a~1b/m~0n/-", "/a~1b/m~0n/0/x/y"):
        assert at_pointer(data, nowhere) is None
