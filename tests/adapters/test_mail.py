from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smr_engine.adapters.mail import Letter, Mailbox, MailConfig, SmtpMailer, compose
from smr_engine.adapters.outbox import Outbox
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
)
from tests.adapters.servers import free_port, running_mailroom

ANA = Mailbox("Ana Ruiz", "ana@example.test")
LEA = Mailbox("Léa Hoffmann", "lea@example.test")


def letter(**changes) -> Letter:
    fields = {
        "key": "C-1/remind/lea/1",
        "sender": "smr@example.test",
        "to": (LEA,),
        "subject": "Approve the holding statement",
        "text": "It is due at 09:15.\nGrüße\n",
        "date": datetime(2026, 11, 23, 9, 0, tzinfo=UTC),
        "case": "C-1",
    }
    return Letter(**{**fields, **changes})


def read(message):
    return message_from_bytes(message.as_bytes(), policy=policy.SMTP)


def test_a_letter_says_who_what_when_and_which_case():
    message = read(compose(letter()))
    assert message["From"] == "SMR engine <smr@example.test>"
    assert message["To"] == "Léa Hoffmann <lea@example.test>"
    assert message["Subject"] == "Approve the holding statement"
    assert message["X-SMR-Case"] == "C-1"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert message.get_content().replace("\r\n", "\n") == "It is due at 09:15.\nGrüße\n"


def test_a_second_try_is_the_same_mail_and_another_key_is_another():
    once, again = compose(letter()), compose(letter())
    other = compose(letter(key="C-1/remind/lea/2"))
    assert once["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert once["Message-ID"].endswith("@example.test>")


def test_all_mail_of_a_case_is_one_thread_and_cases_are_apart():
    one, two = compose(letter()), compose(letter(key="k2"))
    assert one["References"] == two["References"] == two["In-Reply-To"]
    assert compose(letter(case="C-2"))["References"] != one["References"]


def test_mail_to_the_outside_shows_nothing_of_the_case_and_answers_a_mail():
    message = compose(letter(case="", notice=False, in_reply_to="<a1@press.example>"))
    assert message["References"] == "<a1@press.example>"
    assert "X-SMR-Case" not in message
    assert "Auto-Submitted" not in message
    assert "SMR" not in message["From"]
    assert "References" not in compose(letter(case="", in_reply_to="not an id"))


def test_a_drill_is_marked_in_subject_and_text():
    message = read(compose(letter(drill=True)))
    assert message["Subject"].startswith("EXERCISE: ")
    assert message.get_content().startswith("EXERCISE. This is a drill")
    assert message.get_content().rstrip().endswith("EXERCISE.")


def test_a_letter_with_a_page_is_text_and_html_with_one_button():
    link = "https://smr.example.test/items/C-1.4"
    message = read(compose(letter(link=link, text="Look:\n\n<script>alert(1)</script> {{ 1 }} $x")))
    assert message.get_content_type() == "multipart/alternative"
    text = message.get_body(("plain",)).get_content()
    page = message.get_body(("html",)).get_content()
    assert "<script>alert(1)</script> {{ 1 }} $x" in text
    assert re.findall(r'href="([^"]*)"', page) == [link]
    assert "&lt;script&gt;alert(1)&lt;/script&gt; {{ 1 }} $x" in page
    assert not re.search(r"<(script|img|link|form|iframe)|src=|url\(", page)


def test_a_drill_is_marked_in_the_html_too():
    message = read(compose(letter(link="https://smr.example.test/items/C-1.4", drill=True)))
    page = message.get_body(("html",)).get_content()
    assert "EXERCISE. This is a drill" in page
    assert "<h1 style" in page
    assert "EXERCISE: Approve" in page


def test_mail_to_the_outside_has_no_page(tmp_path):
    assert compose(letter(case="", notice=False)).get_content_type() == "text/plain"


def test_several_recipients_do_not_see_each_other(mailroom):
    message = compose(letter(to=(ANA, LEA)))
    config = MailConfig("127.0.0.1", mailroom.port, starttls=False, sender="smr@example.test")
    SmtpMailer(config, {}).send(message, [ANA.address, LEA.address], 5)
    assert mailroom.letters[0].rcpt_tos == [ANA.address, LEA.address]
    assert b"ana@" not in mailroom.letters[0].content
    assert "ana@example.test" in message["Bcc"]


@pytest.mark.parametrize(
    "subject",
    [
        "Statement\r\nBcc: victim@example.test",
        "Statement\nBcc: victim@example.test",
        "Statement\u2028Bcc: victim@example.test",
        "Statement\x85Bcc: victim@example.test",
        "Statement\x0bBcc: victim@example.test\x00",
    ],
)
def test_a_subject_of_several_lines_is_flattened_and_smuggles_nothing(subject):
    message = read(compose(letter(subject=subject)))
    assert message["Subject"] == "Statement Bcc: victim@example.test"
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "lea",
        "lea@",
        "@example.test",
        "lea@example.test\r\nRCPT TO:<victim@example.test>",
        "lea@example.test, victim@example.test",
        "<lea@example.test>",
        "lea example@test",
        "léa@example.test",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_shown(address):
    with pytest.raises(EffectRefusedError, match="no usable mail address") as told:
        compose(letter(to=(Mailbox("Lea", address),)))
    assert not address or address not in str(told.value)


@given(st.text(), st.text(), st.text(), st.text())
def test_whatever_people_are_called_and_write_a_letter_has_its_headers_only(
    name, subject, text, to
):
    try:
        message = compose(
            letter(to=(Mailbox(name, to or ANA.address),), subject=subject, text=text)
        )
    except EffectRefusedError:
        return
    names = [header for header, _ in message_from_bytes(message.as_bytes()).items()]
    assert len(names) == len(set(names)) == 12, names


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_a_text_comes_out_of_the_outbox_as_it_went_in_but_for_line_ends(tmp_path_factory, text):
    outbox = Outbox(tmp_path_factory.mktemp("workspace"))
    name = outbox.put(letter(text=text), "C-1 lea")
    expected = text.replace("\r\n", "\n").replace("\r", "\n")
    assert (outbox.text(name) or "").removesuffix("\n") == expected.removesuffix("\n")


def test_the_outbox_has_one_file_per_key(tmp_path):
    outbox = Outbox(tmp_path)
    first = outbox.put(letter(), "C-1 lea")
    assert outbox.put(letter(text="again"), "C-1 lea") == first
    assert outbox.put(letter(key="k2"), "C-1 lea") != first
    assert first.startswith("outbox/c-1-lea-")
    assert len(list((tmp_path / "outbox").iterdir())) == 2
    assert outbox.holds(first)
    assert outbox.text("outbox/other.eml") is None


def test_an_outbox_that_cannot_be_written_may_be_written_later(tmp_path):
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(EffectUnavailableError, match="cannot be written"):
        Outbox(tmp_path).put(letter(), "x")


class TestServer:
    def send(self, mailroom, *to, environ=None, **config):
        fields = {"host": "127.0.0.1", "port": mailroom.port, "starttls": False}
        mailer = SmtpMailer(MailConfig(**{**fields, **config}), environ or {})
        mailer.send(compose(letter()), list(to or [LEA.address]), 2)

    def test_mail_arrives(self, mailroom):
        self.send(mailroom, sender="smr@example.test")
        envelope = mailroom.letters[0]
        assert (envelope.mail_from, envelope.rcpt_tos) == ("smr@example.test", [LEA.address])
        assert b"Subject: Approve the holding statement" in envelope.content

    @pytest.mark.parametrize("command", ["MAIL", "DATA", LEA.address])
    @pytest.mark.parametrize(
        ("answer", "told"),
        [("550 no lea@example.test here", EffectRefusedError), ("451 x", EffectUnavailableError)],
    )
    def test_what_the_server_refuses_is_told_without_addresses(
        self, mailroom, command, answer, told
    ):
        mailroom.refuse[command] = answer
        with pytest.raises(told, match="The mail server") as problem:
            self.send(mailroom)
        assert "@" not in str(problem.value)
        assert problem.value.__cause__ is None
        assert mailroom.letters == []

    def test_one_refused_recipient_keeps_the_mail_from_all(self, mailroom):
        mailroom.refuse[ANA.address] = "550 unknown"
        with pytest.raises(EffectRefusedError, match="recipient 2 of 2"):
            self.send(mailroom, LEA.address, ANA.address)
        assert mailroom.letters == []

    def test_a_connection_lost_after_the_text_leaves_the_outcome_open(self, mailroom):
        mailroom.hang_up_after_data = True
        with pytest.raises(EffectAmbiguousError, match="lost after sending"):
            self.send(mailroom)
        assert len(mailroom.letters) == 1

    def test_no_server_means_later(self):
        config = MailConfig("127.0.0.1", free_port(), starttls=False)
        with pytest.raises(EffectUnavailableError):
            SmtpMailer(config, {}).send(compose(letter()), [LEA.address], 2)

    def test_without_starttls_nothing_is_sent_where_it_is_demanded(self, mailroom):
        with pytest.raises(EffectRefusedError, match="STARTTLS"):
            self.send(mailroom, starttls=True)
        assert mailroom.letters == []

    @pytest.mark.filterwarnings("ignore:Requiring AUTH")  # loopback needs no TLS
    def test_user_and_password_come_from_the_environment(self):
        environ = {"SMTP_PASSWORD": "right horse"}
        with running_mailroom(login=True) as mailroom:
            login = {"user": "smr", "password": "${SMTP_PASSWORD}"}
            self.send(mailroom, environ=environ, **login)
            assert mailroom.logins[0] == (b"smr", b"right horse")
            with pytest.raises(EffectRefusedError, match="refused the user") as told:
                self.send(mailroom, environ={"SMTP_PASSWORD": "hunter2"}, **login)
            assert "hunter2" not in repr(told.value)
            with pytest.raises(EffectRefusedError, match="SMTP_PASSWORD is not set"):
                self.send(mailroom, **login)
            assert len(mailroom.letters) == 1

    def test_printing_the_configuration_shows_no_password(self):
        assert "hunter2" not in repr(MailConfig("mail.example.test", password="hunter2"))
