from __future__ import annotations

import logging
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from smr_engine.adapters.mail import MailConfig
from smr_engine.adapters.notify import NEVER_ALLOWED, AppriseNotifier, NotifierConfig
from smr_engine.services.ports import (
    EffectAmbiguousError,
    EffectRefusedError,
    EffectUnavailableError,
    Message,
    Recipient,
)
from tests.adapters.servers import free_port

LEA = Recipient("person", "lea", "Lea Hoffmann", "lea@example.test")


def message(recipient=LEA, **changes) -> Message:
    fields = {
        "key": "C-1/notify/lea/1",
        "case": "C-1",
        "recipient": recipient,
        "subject": "Approve the holding statement",
        "body": "It is due at 09:15.",
    }
    return Message(**{**fields, **changes})


def reached_by(*addresses) -> Recipient:
    return Recipient("person", "lea", "Lea Hoffmann", "lea@example.test", addresses)


@pytest.fixture
def notifier(tmp_path, clock):
    def make(**changes) -> AppriseNotifier:
        fields = {
            "workspace": tmp_path,
            "schemes": frozenset({"json", "jsons", "mailto"}),
            "allow_inside": ("127.0.0.1",),
            "environ": {"CHAT_TOKEN": "hunter2/@:"},
        }
        return AppriseNotifier(NotifierConfig(**{**fields, **changes}), clock)

    return make


class TestMail:
    def test_without_addresses_and_mail_server_it_goes_to_the_outbox_once(self, notifier, tmp_path):
        assert notifier().send(message(), 5) == "outbox"
        assert notifier().send(message(), 5) == "outbox"
        (file,) = (tmp_path / "outbox").iterdir()
        letter = message_from_bytes(file.read_bytes(), policy=policy.SMTP)
        assert letter["To"] == "Lea Hoffmann <lea@example.test>"
        assert letter["X-SMR-Case"] == "C-1"

    def test_with_a_mail_server_it_is_sent(self, notifier, tmp_path, mailroom):
        config = MailConfig("127.0.0.1", mailroom.port, starttls=False, sender="smr@example.test")
        assert notifier(mail=config).send(message(), 5) == "email"
        assert mailroom.letters[0].rcpt_tos == ["lea@example.test"]
        assert not (tmp_path / "outbox").exists()

    def test_an_address_alone_is_a_recipient(self, notifier, tmp_path):
        notifier().send(message(Recipient("address", "desk@press.example")), 5)
        (file,) = (tmp_path / "outbox").iterdir()
        assert b"To: desk@press.example" in file.read_bytes()

    def test_somebody_without_any_address_is_refused_in_words(self, notifier):
        with pytest.raises(EffectRefusedError, match="no usable mail address"):
            notifier().send(message(Recipient("vendor", "monitoring-vendor")), 5)


class TestDrills:
    def test_a_drill_says_exercise_on_every_channel(self, notifier, blog, tmp_path):
        where = f"json://127.0.0.1:{blog.port}/?+Idempotency-Key=k"
        notifier().send(message(reached_by(where), drill=True), 5)
        posted = blog.posts["k"]["body"]
        assert posted["title"].startswith("EXERCISE: ")
        assert posted["message"].startswith("EXERCISE. This is a drill")
        notifier().send(message(drill=True), 5)
        assert b"Subject: EXERCISE: " in next((tmp_path / "outbox").iterdir()).read_bytes()

    @pytest.mark.parametrize("kind", ["contact", "vendor", "address"])
    def test_a_drill_tells_nobody_outside(self, notifier, tmp_path, kind):
        outside = Recipient(kind, "desk@press.example", email="desk@press.example")
        with pytest.raises(EffectRefusedError, match="A drill tells nobody outside"):
            notifier().send(message(outside, drill=True), 5)
        assert not (tmp_path / "outbox").exists()


class TestApprise:
    def test_every_address_of_the_person_is_told_with_its_secret(self, notifier, blog, mailroom):
        chat = f"json://smr:${{CHAT_TOKEN}}@127.0.0.1:{blog.port}/?+Idempotency-Key=k"
        mail = f"mailto://127.0.0.1:{mailroom.port}?from=smr@example.test&to=lea@example.test"
        taken = notifier().send(message(reached_by(chat, mail), subject="Two\nlines"), 5)
        assert taken == "json, mailto"
        assert blog.posts["k"]["body"]["title"] == "Two lines"
        assert blog.posts["k"]["body"]["message"] == "It is due at 09:15."
        assert blog.seen[0][2]["Authorization"] == "Basic c21yOmh1bnRlcjIvQDo="
        assert mailroom.letters[0].rcpt_tos == ["lea@example.test"]

    def test_one_address_that_works_is_enough(self, notifier, blog):
        dead = f"json://127.0.0.1:{free_port()}/"
        works = f"json://127.0.0.1:{blog.port}/?+Idempotency-Key=k"
        assert notifier().send(message(reached_by(dead, works)), 5) == "json"

    @pytest.mark.parametrize(
        ("plan", "told"),
        [
            (404, EffectRefusedError),
            (302, EffectRefusedError),
            (429, EffectUnavailableError),
            (503, EffectUnavailableError),
            ("drop", EffectAmbiguousError),
            ("hang", EffectAmbiguousError),
        ],
    )
    def test_a_failure_says_whether_it_happened(self, notifier, blog, plan, told):
        blog.plan = [plan]
        with pytest.raises(told, match="'json' channel"):
            notifier().send(message(reached_by(f"json://127.0.0.1:{blog.port}/")), 0.3)

    def test_a_channel_that_nobody_serves_may_be_tried_later(self, notifier):
        with pytest.raises(EffectUnavailableError, match="cannot be reached"):
            notifier().send(message(reached_by(f"json://127.0.0.1:{free_port()}/")), 5)

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "0x7f000001", "[::1]"])
    @pytest.mark.parametrize("scheme", ["json", "mailto"])
    def test_inside_hosts_are_not_reached_unless_allowed(self, notifier, canary, scheme, host):
        address = f"{scheme}://{host}:{canary.port}/?to=a@example.test&from=b@example.test"
        with pytest.raises((EffectRefusedError, EffectUnavailableError)):
            notifier(allow_inside=()).send(message(reached_by(address)), 5)
        assert canary.connections() == 0

    def test_a_redirect_is_not_followed_even_if_the_address_asks_for_it(self, notifier, blog):
        blog.plan = [302]
        with pytest.raises(EffectRefusedError, match="status 302"):
            notifier().send(message(reached_by(f"json://127.0.0.1:{blog.port}/?redirect=yes")), 5)
        assert len(blog.seen) == 1

    @pytest.mark.parametrize("scheme", [*sorted(NEVER_ALLOWED), "telegram", "file", ""])
    def test_a_scheme_that_is_not_listed_is_refused(self, notifier, scheme):
        schemes = NEVER_ALLOWED | {"json"}
        with pytest.raises(EffectRefusedError, match="do not allow notify addresses"):
            notifier(schemes=schemes).send(message(reached_by(f"{scheme}://127.0.0.1/")), 5)

    @pytest.mark.parametrize(
        "address", ["json://", "json://127.0.0.1/?template=/etc/passwd", "mailto://nobody"]
    )
    def test_an_address_that_is_not_complete_or_reads_files_is_refused(self, notifier, address):
        with pytest.raises(EffectRefusedError, match="is not complete"):
            notifier().send(message(reached_by(address)), 5)

    def test_a_whole_address_may_be_a_secret(self, notifier, blog):
        where = f"json://127.0.0.1:{blog.port}/?+Idempotency-Key=k"
        assert notifier(environ={"LEA": where}).send(message(reached_by("${LEA}")), 5) == "json"

    @pytest.mark.parametrize(
        "address",
        [
            "${LEA_CHAT}",
            "json://smr:${LEA_CHAT}@127.0.0.1:9/",
            "json://smr:${LEA_CHAT}@/",
            "slack://${LEA_CHAT}",
        ],
    )
    def test_no_failure_shows_a_secret(self, notifier, address, caplog, capfd):
        caplog.set_level(logging.DEBUG)
        with pytest.raises((EffectRefusedError, EffectUnavailableError)) as told:
            notifier(environ={"LEA_CHAT": "hunter2"}).send(message(reached_by(address)), 1)
        out = capfd.readouterr()
        assert "hunter2" not in repr(told.value) + caplog.text + out.out + out.err

    def test_a_secret_that_is_not_set_is_named(self, notifier):
        with pytest.raises(EffectRefusedError, match="ANA_SLACK is not set"):
            notifier().send(message(reached_by("json://${ANA_SLACK}")), 5)

    def test_the_settings_of_the_notifier_show_no_environment(self, tmp_path):
        assert "hunter2" not in repr(NotifierConfig(Path(tmp_path), environ={"A": "hunter2"}))
