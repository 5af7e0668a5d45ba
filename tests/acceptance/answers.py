"""What the sample company's people are told and what they answer, step by step, per playbook."""

from __future__ import annotations

from tests.support.story import approves, chooses, fills, in_turn, says, writes

# --- holding-statement -------------------------------------------------------------------------

VERIFIED = {
    "confirmed": ["Smoke was seen in hall 3 at 14:05.", "Hall 3 was evacuated; nobody is hurt."],
    "unknown": ["What caused the smoke."],
    "captures": "evidence/hall-3",
}
SMOKE = {"title": "Smoke in hall 3", "type": "safety"}
GROUPS = [
    {"group": "frontline care", "state": "acted"},
    {"group": "Summit Stores", "state": "told", "note": "Ben calls Petra Lang"},
]


def holding(**others):
    """What people do in a holding statement at sev2."""
    return {
        "verify": fills("ana", **VERIFIED),
        "draft_holding": writes("tom"),
        "weigh_words": chooses("tom", "weigh_words=no"),
        "approve_holding": approves("carl", "lea"),
        "engagement": fills("ana", groups=GROUPS, promises=["Answer Petra Lang by Friday"]),
        "aftermath": chooses("carl", "choice=settled"),
        **others,
    }


# --- crisis-response ---------------------------------------------------------------------------

LEAK = {
    "title": "Customer addresses on a public page",
    "type": "breach",
    "first_seen": "2026-11-23T08:40:00+01:00",
    "source_urls": ["https://forum.example.test/t/9912"],
    "safety_risk": False,
}
FACTS = {
    "confirmed": ["A page with 1,200 addresses of customers was public from 7:10 to 8:55."],
    "unknown": ["Who has read it."],
    "rumours": ["That card numbers were on it"],
    "affected": "everybody whose address was on the page",
    "finding_out": "Our security team reads the logs of the shop.",
    "doing": "The page is gone, and we write to everybody who was on it.",
    "captures": "evidence/forum-9912",
    "log_keeper": "max",
    "spokesperson": "nora",
    "aware_at": "2026-11-23T09:02:00+01:00",
}
SITUATION = {
    "situation": "Posts have slowed down.",
    "status": "watching",
    "done": "Everybody who was on the page has been written to.",
    "engagement": GROUPS,
}
PRESS = [
    {"name": "Petra Lang", "email": "petra@summitstores.example.test", "asked": "Link our page."},
]
ACTION = {
    "action": "Shop pages need a second look",
    "owner": "sam",
    "due": "2027-01-15",
    "proof": "Minutes of the shop's weekly meeting",
}
STATEMENT = "# Customer addresses on a public page\n\nA page was public from 7:10 to 8:55.\n"
FIRST_TRY = "# Customer addresses on a public page\n\nOur supplier was careless with a page.\n"


def crisis(**others):
    """What people do in a breach at sev2, with two public updates before it is over."""
    return {
        "verify": fills("ana", **FACTS),
        "declare": chooses("carl", "declare=yes"),
        "freeze_posts": fills("ida", paused="All; Ida resumes", terms="halden leak", ordinary=40),
        "open_legal": fills("lea", hold=True, deadlines=["NIS2: 24 h, from 8:40"]),
        "notify_authority": fills("dara", done="notified", reference="2026/4711"),
        "draft_holding": in_turn(writes("tom", FIRST_TRY), writes("tom", STATEMENT)),
        "weigh_words": chooses("tom", "weigh_words=no"),
        "approve_holding": in_turn(
            says("lea", "request-changes", "We do not know that a supplier was careless"),
            approves("carl", "lea", "dara"),
        ),
        "predict_reaction": fills("ben", mood="sceptical", likely="Many ask.", advice="say more"),
        "draft_map": writes("tom"),
        "approve_map": approves("nora", "paul"),
        "frontline_acted": fills("elif", acted="acted"),
        "point_channels": fills("ida"),
        "list_outside": fills("ana", groups=PRESS),
        "outside_acted": fills("ben", state="acted"),
        "gather": fills("ana", **SITUATION),
        "write_sitrep": writes("ida"),
        "next_move": in_turn(
            chooses("carl", "choice=update"),
            chooses("carl", "choice=apologise"),
            chooses("carl", "choice=close"),
            chooses("carl", "choice=hold"),
            chooses("carl", "choice=close"),
        ),
        "draft_update": writes("tom"),
        "approve_update": in_turn(
            approves("carl", "lea", "greta"), approves("eva", "carl", "lea", "hugo")
        ),
        "stand_down": in_turn(
            chooses("carl", "calm=yes", "promises=no"),
            chooses("carl", "calm=yes", "promises=yes", "deadlines=yes"),
        ),
        "draft_closing": writes("zoe"),
        "approve_closing": approves("carl", "lea", "eva", "dara"),
        "resume_posts": fills("ben"),
        "debrief": fills("ana", happened="A page was public.", keep="Speed", causes="No review"),
        "draft_after_action": writes("ana"),
        "approve_after_action": approves("carl", "rolf"),
        "assign_actions": fills("ana", actions=[ACTION]),
        **others,
    }


# --- blogger-outreach --------------------------------------------------------------------------

CAMPAIGN = {
    "campaign": "Trail 3 stove in winter",
    "objective": "People who camp in winter try the new stove.",
    "audience": "winter campers",
    "value_offered": "sample",
    "budget": 4000,
    "territories": ["DE", "NO"],
    "claims": [{"claim": "Boils a litre in four minutes", "proof": "Lab report 26-118"}],
    "ends_on": "2027-02-28",
}


def creator(name: str, **others):
    found = {
        "name": name,
        "channel": f"https://video.example.test/{name.split(maxsplit=1)[0].lower()}",
        "email": f"{name.split(maxsplit=1)[0].lower()}@creators.example.test",
        "relevance": "Your night at minus 20 was what we test for.",
        "contact_source": "the imprint of your channel",
        "lawful_basis": "published for enquiries",
        "minor": False,
    }
    return {**found, **others}


CREATORS = [creator("Signe Dahl"), creator("Oskar Lund"), creator("Mika Aho", minor=True)]


def outreach(**others):
    """What people do with one creator who takes part, one who does not answer, and a minor."""
    return {
        "write_brief": writes("tom"),
        "approve_brief": approves("carl", "lea", "pia"),
        "long_list": fills("ben", creators=CREATORS),
        "vet": fills("greta", findings="Real reach, clean disclosures.", safety="safe"),
        "invite": chooses("ana", "invite=yes"),
        "write_shortlist": writes("ben"),
        "approve_shortlist": approves("carl", "felix"),
        "write_note": writes("ben"),
        "write_follow_up": writes("ben"),
        "approve_note": approves("ana"),
        "reply": in_turn(chooses("ben", "choice=accepts"), chooses("ben", "choice=no_answer")),
        "last_reply": chooses("ben", "choice=no_answer"),
        "write_agreement": writes("ben"),
        "approve_agreement": approves("lea", "greta"),
        "signed": fills("ben", connection="One stove, 149 euro"),
        "take_draft": writes("ben", "Ad. Signe Dahl: it boils in four minutes, and it is loud.\n"),
        "approve_content": in_turn(
            says("greta", "request-changes", "The disclosure is behind 'more'"),
            approves("greta", "pia"),
        ),
        "live": fills(
            "ben",
            url="https://video.example.test/signe/1",
            live_at="2026-11-23T12:00:00+01:00",
        ),
        "check_first_day": in_turn(
            fills("ivan", compliant=False, capture="evidence/1", missing="No word in the sound"),
            fills("ivan", compliant=True, capture="evidence/2"),
        ),
        "seventh_day": fills("ivan", compliant=False, capture="evidence/3"),
        "remedy": chooses("ana", "choice=mended"),
        "settle": fills("ben", quality="Forty good questions", paid="Nothing, a sample"),
        "spot_check": fills("ivan", looked_at="The one post, evidence/4", compliant=True),
        "campaign_report": fills("ana", lessons="Ask for sound first", rights="All closed"),
        **others,
    }


# --- policy-review -----------------------------------------------------------------------------

REVIEW = {
    "period": "Quarter from 5 October 2026",
    "policies": ["blogging-policy", "outreach-policy", "monitoring-policy", "social-media-policy"],
    "open_actions": [
        {"action": "Train new hires", "owner": "ruth", "due": "2026-11-30"},
        {"action": "Ask the works council", "owner": "jan", "due": "2026-12-11"},
    ],
}
READ = {
    "owner": "smr-lead",
    "version": "3",
    "findings": "Silent on made-up pictures.",
    "next_review": "2027-04-05",
}
CHANGE = {
    "new_version": "4",
    "effective_on": "2027-01-15",
    "next_review": "2027-04-05",
    "reason": "Made-up pictures need a label.",
    "changes": "Rule 6: label every made-up picture.",
}
LAWFUL = {
    "limits": False,
    "interest": "Nobody is misled",
    "checked_on": "2026-11-23",
    "check_again": "2027-11-23",
}
LEFT_OPEN = {"action": "Label old pictures", "owner": "tom", "due": "2027-01-29"}
FEEDBACK = "Staff ask what counts as made up."


def review(**others):
    """What people do: one policy is changed, one kept, one retired, and one change is declined."""
    return {
        "scan_law": fills("lea", changes=["Transparency act, 2 August"], as_of="2026-11-23"),
        "read_incidents": fills("ana"),
        "read_platforms": fills("ben", changes=["Labels for made-up pictures, 1 November"]),
        "hear_staff": fills("jan", feedback=FEEDBACK),
        "check_action": in_turn(
            fills("mira", done=True, proof="training/2026"),
            fills("ana", done=False, proof="They meet in December"),
        ),
        "read_policy": fills("ana", **READ),
        "change": in_turn(
            *(chooses("ana", f"choice={c}") for c in ("change", "no_change", "retire", "change"))
        ),
        "plan_change": fills("ana", **CHANGE),
        "draft_redline": writes("tom"),
        "lawful_rule": fills("paul", **LAWFUL),
        "approve_roles": in_turn(
            approves("lea", "ruth", "sam", "greta"),
            says("jan", "reject", "The works council has not been heard"),
        ),
        "approve_final": approves("ana", "eva"),
        "enter_register": fills("mira"),
        "draft_no_change": writes("zoe"),
        "approve_no_change": approves("paul", "mira"),
        "draft_retirement": writes("zoe"),
        "approve_retirement": in_turn(
            says("ivan", "request-changes", "Say where old cases are kept"),
            approves("lea", "greta", "rolf"),
        ),
        "agree_actions": fills("ana", actions=[LEFT_OPEN]),
        **others,
    }


def owners():
    """What differs where the comms director owns the changed policy, and privacy the retired one."""
    whose = ("comms-director", "smr-lead", "privacy", "comms-director")
    return {
        "read_policy": in_turn(*(fills("ana", **{**READ, "owner": owner}) for owner in whose)),
        "approve_final": approves("ana", "eva", "carl"),
        "approve_retirement": approves("lea", "greta", "rolf", "dara"),
    }
