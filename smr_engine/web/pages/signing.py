"""Signing in and out: by password, by invitation, by one-time code; and one's own account.

Who is not signed in has no form token; the gate sees to it that their forms come from our pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from smr_engine.errors import Refusal, SmrError
from smr_engine.services import accounts, directory, second_factor, sessions
from smr_engine.services.accounts_attempts import KNOWN_FOR
from smr_engine.services.accounts_passwords import SHORTEST
from smr_engine.services.sessions import CODE_WITHIN, CodeNeeded, SignedIn
from smr_engine.web.failures import status_of
from smr_engine.web.render import address, page, plain_page
from smr_engine.web.security import in_turn
from smr_engine.web.visit import (
    BROWSER_COOKIE,
    COOKIE,
    Signed,
    Visit,
    cookie_name,
    cookie_of,
    workspace_of,
)

CODE_COOKIE = "smr_code"
"""Holds the session that waits for a one-time code."""

door = APIRouter()
router = APIRouter()

Text = Annotated[str, Form()]
NextOfForm = Annotated[str, Form(alias="next")]
NextOfQuery = Annotated[str, Query(alias="next")]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a form of a page that has several: `at` names the form."""

    at: str
    error: SmrError


# --- the door ----------------------------------------------------------------------------------


@door.get("/sign-in")
def sign_in_form(request: Request, to: NextOfQuery = "/") -> HTMLResponse:
    """Ask for a name and a password."""
    return _sign_in_page(request, to)


@door.post("/sign-in", dependencies=[Depends(in_turn)])
def sign_in(
    request: Request,
    who: Text = "",
    password: Text = "",
    to: NextOfForm = "/",
) -> Response:
    """Sign in, or go on to the one-time code."""
    ws, browser = workspace_of(request), cookie_of(request, BROWSER_COOKIE)
    try:
        return _entered(request, accounts.sign_in(ws, who, password, browser=browser), to)
    except CodeNeeded as needed:
        return _to_code(request, needed, to)
    except Refusal as refused:
        return _sign_in_page(request, to, who=who, error=refused)


@door.get("/sign-in/code")
def code_form(request: Request, to: NextOfQuery = "/") -> Response:
    """Ask for the one-time code that completes a sign-in."""
    if not cookie_of(request, CODE_COOKIE):
        return RedirectResponse(address(request, f"/sign-in?{_query(to)}"), 303)
    return plain_page(request, "code.html", to="/sign-in/code", next=local(to), error=None)


@door.post("/sign-in/code")
def sign_in_by_code(
    request: Request,
    code: Text = "",
    to: NextOfForm = "/",
) -> Response:
    """Complete a sign-in by a one-time code."""
    waiting, browser = (cookie_of(request, name) for name in (CODE_COOKIE, BROWSER_COOKIE))
    try:
        signed = sessions.step_up(workspace_of(request), waiting, code, browser)
    except Refusal as refused:
        if refused.code == "signed-out":
            late = Refusal("signed-out", "The code came too late", hint="sign in once more")
            return _sign_in_page(request, to, error=late)
        shown = {"to": "/sign-in/code", "next": local(to), "error": refused}
        return plain_page(request, "code.html", status_of(refused), **shown)
    return _entered(request, signed, to)


@door.get("/invitation/{token}")
def invitation(request: Request, token: str) -> HTMLResponse:
    """Ask for a password; opening the link changes nothing."""
    return _invitation_page(request, token)


@door.post("/invitation/{token}")
def accept(request: Request, token: str, password: Text = "") -> Response:
    """Set the password and sign in."""
    try:
        return _entered(request, accounts.accept(workspace_of(request), token, password), "/")
    except CodeNeeded as needed:
        return _to_code(request, needed, "/")
    except SmrError as error:
        if error.code != "weak-password":
            raise
        return _invitation_page(request, token, error)


# --- who is signed in --------------------------------------------------------------------------


@router.post("/sign-out")
def sign_out(visit: Signed) -> Response:
    """End this session."""
    sessions.sign_out(visit.ws, visit.token)
    return _left(visit)


@router.get("/step-up")
def step_up_form(visit: Signed, to: NextOfQuery = "/") -> HTMLResponse:
    """Ask for a one-time code, for what needs a stronger proof."""
    return _step_up_page(visit, to)


@router.post("/step-up")
def step_up(visit: Signed, code: Text = "", to: NextOfForm = "/") -> Response:
    """Prove oneself by a one-time code; the session goes on under a new token."""
    try:
        signed = sessions.step_up(visit.ws, visit.token, code, visit.browser)
        return _entered(visit.request, signed, to)
    except Refusal as refused:
        return _step_up_page(visit, to, refused)


@router.get("/account")
def account(visit: Signed) -> HTMLResponse:
    """Show one's own account."""
    return _account_page(visit)


@router.post("/account/password")
def change_password(visit: Signed, present: Text = "", password: Text = "") -> Response:
    """Change one's password; all other sessions end."""
    try:
        signed = accounts.change_password(visit.ws, visit.token, present, password, visit.browser)
    except SmrError as error:
        at = "new-password" if error.code == "weak-password" else "password"
        return _account_page(visit, Fault(at, error))
    return _entered(visit.request, signed, "/account?done=password")


@router.post("/account/second-factor")
def begin_second_factor(visit: Signed, password: Text = "") -> Response:
    """Begin to set up one-time codes, by password."""
    try:
        second_factor.begin(visit.ws, visit.token, password, visit.browser)
    except Refusal as refused:
        return _account_page(visit, Fault("begin", refused))
    return RedirectResponse(address(visit.request, "/account#second-factor"), 303)


@router.post("/account/second-factor/confirm")
def confirm_second_factor(visit: Signed, code: Text = "") -> Response:
    """Set one-time codes up by their first one."""
    try:
        signed = second_factor.confirm(visit.ws, visit.token, code, visit.browser)
    except Refusal as refused:
        return _account_page(visit, Fault("confirm", refused))
    return _entered(visit.request, signed, "/account?done=second-factor")


@router.post("/account/second-factor/remove")
def remove_second_factor(visit: Signed, password: Text = "", code: Text = "") -> Response:
    """Remove one-time codes, by password and code."""
    try:
        second_factor.remove(visit.ws, visit.token, password, code, visit.browser)
    except Refusal as refused:
        at = "remove-code" if refused.code == "wrong-code" else "remove"
        return _account_page(visit, Fault(at, refused))
    return RedirectResponse(address(visit.request, "/account?done=removed"), 303)


@router.post("/account/sign-out-everywhere")
def sign_out_everywhere(visit: Signed) -> Response:
    """End all one's sessions, this one too."""
    sessions.sign_out_everywhere(visit.ws, visit.actor, visit.person)
    return _left(visit)


# --- parts -------------------------------------------------------------------------------------


def local(path: str) -> str:
    """Return a path of ours as it is, that of the situation for anything else."""
    ours = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if ours and path.isprintable() else "/"


def _query(path: str) -> str:
    return f"next={quote(local(path), safe='/')}"


def _entered(request: Request, signed: SignedIn, to: str) -> Response:
    """Hand the browser its session, end the one it had, and go where it wanted to."""
    sessions.sign_out(workspace_of(request), cookie_of(request, COOKIE))
    answer = RedirectResponse(address(request, local(to)), 303)
    lasts = signed.expires_at - workspace_of(request).clock.now()
    _put_cookie(request, answer, COOKIE, signed.token, int(lasts.total_seconds()))
    lasts_known = int(KNOWN_FOR.total_seconds())
    _put_cookie(request, answer, BROWSER_COOKIE, signed.browser, lasts_known)
    _put_cookie(request, answer, CODE_COOKIE, "", 0)
    return answer


def _to_code(request: Request, needed: CodeNeeded, to: str) -> Response:
    answer = RedirectResponse(address(request, f"/sign-in/code?{_query(to)}"), 303)
    lasts = int(CODE_WITHIN.total_seconds())
    _put_cookie(request, answer, CODE_COOKIE, needed.token, lasts)
    return answer


def _left(visit: Visit) -> Response:
    answer = RedirectResponse(address(visit.request, "/sign-in?done=left"), 303)
    _put_cookie(visit.request, answer, COOKIE, "", 0)
    return answer


def _put_cookie(request: Request, answer: Response, name: str, value: str, lasts_s: int) -> None:
    """Set a cookie that no script reads and no other site's form sends.

    Lax, not Strict: a link in a mail has to open the page of whoever is signed in.
    """
    scheme, prefix = request.scope["scheme"], request.scope.get("root_path", "")
    answer.set_cookie(
        cookie_name(name, scheme, prefix),
        value,
        max_age=lasts_s,
        path=prefix or "/",
        secure=scheme == "https",
        httponly=True,
        samesite="lax",
    )


def _sign_in_page(
    request: Request, to: str, *, who: str = "", error: SmrError | None = None
) -> HTMLResponse:
    status = status_of(error) if error else 200
    left = request.query_params.get("done") == "left"
    shown = {"who": who, "next": local(to), "error": error, "left": left}
    return plain_page(request, "sign_in.html", status, **shown)


def _invitation_page(request: Request, token: str, error: SmrError | None = None) -> HTMLResponse:
    person = accounts.invited(workspace_of(request), token)
    shown = {"person": person, "token": token, "shortest": SHORTEST, "error": error}
    return plain_page(request, "invitation.html", status_of(error) if error else 200, **shown)


def _step_up_page(visit: Visit, to: str, error: SmrError | None = None) -> HTMLResponse:
    has_codes = second_factor.is_set(visit.ws, visit.person)
    shown = {"next": local(to), "error": error, "has_codes": has_codes}
    return page(visit, "step_up.html", status_of(error) if error else 200, **shown)


def _account_page(visit: Visit, fault: Fault | None = None) -> HTMLResponse:
    return page(
        visit,
        "account.html",
        status_of(fault.error) if fault else 200,
        fault=fault,
        roles=directory.titles(visit.ws, visit.visitor.roles),
        done=visit.request.query_params.get("done", ""),
        shortest=SHORTEST,
        has_codes=second_factor.is_set(visit.ws, visit.person),
        enrolment=second_factor.waiting(visit.ws, visit.person),
    )
