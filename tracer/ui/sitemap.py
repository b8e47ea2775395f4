"""Every page there is, in the navigation's order."""

from tracer.ui.page import Page
from tracer.ui.pages import call, calls, fingerprints, login, overview, prompts, sql, trace

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

PAGES: tuple[Page, ...] = (
    Page("overview", "/", overview.show, label="Overview", key="o"),
    Page("calls", "/calls", calls.show, label="Calls", key="c"),
    Page("calls-rows", "/calls/rows", calls.rows),
    Page("call", f"/calls/{{call_id:{_UUID}}}", call.show),
    Page("call-body", f"/calls/{{call_id:{_UUID}}}/{{part}}", call.body),
    Page("trace", "/traces/{trace_id:.+}", trace.show),
    Page("span-body", "/spans/{part}", trace.body),
    Page("fingerprints", "/fingerprints", fingerprints.show, label="Fingerprints", key="f"),
    Page("prompts", "/prompts", prompts.show, label="Prompts", key="m"),
    Page("prompt", "/prompts/{slug}", prompts.one),
    Page("sql", "/sql", sql.show, label="SQL", key="s"),
    Page("sql-run", "/sql", sql.run, method="POST"),
    Page("login", "/login", login.show, public=True),
    Page("login-enter", "/login", login.enter, method="POST", public=True),
    Page("logout", "/logout", login.leave, method="POST"),
)
