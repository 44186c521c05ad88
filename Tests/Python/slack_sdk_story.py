"""Slack's own SDK against postern-sim: what a bridge would do, and what goes wrong on the way.

usage: slack_sdk_story.py PACKAGES http://127.0.0.1:PORT
Prints one line for each chapter; ends with exit code 1 and a traceback at the first surprise.
"""

import http.client
import json
import sys
import urllib.parse
import warnings

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")
BASE = sys.argv[2]

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler, ServerErrorRetryHandler
from slack_sdk.oauth import AuthorizeUrlGenerator
from slack_sdk.webhook import WebhookClient

REDIRECT = "https://bridge.example/thirdparty/slack/A0FAKESDK1/oauth2/callback"


def request(method, path, body=None):
    """One call to the simulation itself, or a browser's: status, headers, body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(BASE).netloc, timeout=10)
    connection.request(method, path, json.dumps(body) if body is not None else None)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, answer.headers, read


def say(text):
    print(text, flush=True)


def control(method, path, body=None):
    status, _, read = request(method, "/_sim/" + path, body)
    assert status == 200, (path, status, read)
    return json.loads(read)


def browse(url):
    """Where the consent page sends the browser: the query of the redirect."""
    parts = urllib.parse.urlsplit(url)
    status, headers, _ = request("GET", parts.path + "?" + parts.query)
    assert status == 302, (url, status)
    assert headers["Location"].startswith(REDIRECT), headers["Location"]
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query))


def refused(wanted, call, /, **arguments):
    try:
        call(**arguments)
    except SlackApiError as error:
        assert error.response["error"] == wanted, (wanted, error.response.data)
        return error.response
    raise AssertionError("expected " + wanted)


def client(token=None, **options):
    return WebClient(token=token, base_url=BASE + "/api/", timeout=10, **options)


def urls(app, scopes, user_scopes):
    return AuthorizeUrlGenerator(
        client_id=app["client_id"], redirect_uri=REDIRECT, scopes=scopes, user_scopes=user_scopes,
        authorization_url=BASE + "/oauth/v2/authorize")


def exchange(app, code, **changes):
    arguments = dict(
        client_id=app["client_id"], client_secret=app["client_secret"], code=code, redirect_uri=REDIRECT)
    return client().oauth_v2_access(**{**arguments, **changes})


def install(app):
    sent = browse(urls(app, ["chat:write", "users:read", "im:write", "incoming-webhook"], []).generate("state-1"))
    assert sent["state"] == "state-1"
    refused("invalid_client_id", exchange, app=app, code=sent["code"], client_id="1.1")
    refused("bad_client_secret", exchange, app=app, code=sent["code"], client_secret="wrong")
    refused("bad_redirect_uri", exchange, app=app, code=sent["code"], redirect_uri=REDIRECT + "/other")
    answer = exchange(app, sent["code"])
    assert answer["app_id"] == app["app_id"] and answer["token_type"] == "bot"
    assert answer["access_token"].startswith("xoxb-") and "fake" in answer["access_token"]
    assert answer["team"] == {"id": app["team_id"], "name": "Acme"} and answer["enterprise"] is None
    assert "access_token" not in answer["authed_user"]
    refused("invalid_code", exchange, app=app, code=sent["code"])
    return answer


def code_life(app):
    url = urls(app, ["chat:write"], []).generate("s")
    young, old = browse(url)["code"], browse(url)["code"]
    control("POST", "clock", {"advance_seconds": 590})
    assert exchange(app, young)["ok"]
    control("POST", "clock", {"advance_seconds": 20})
    refused("invalid_code", exchange, app=app, code=old)


def denied(app):
    generated = urls(app, ["chat:write"], []).generate("s")
    assert browse(generated + "&sim_user=deny") == {"error": "access_denied", "state": "s"}


def login(app):
    code = browse(urls(app, [], ["identity.basic", "identity.team"]).generate("s"))["code"]
    answer = exchange(app, code)
    assert "access_token" not in answer.data and answer["team"] == {"id": app["team_id"]}
    token = answer["authed_user"]["access_token"]
    person = client(token).users_identity()
    assert person["user"]["id"] == answer["authed_user"]["id"] and person["team"]["id"] == app["team_id"]
    assert "email" not in person["user"]
    refused("missing_scope", client(token).chat_postMessage, channel="#general", text="hello")


def use(app, bot):
    slack = client(bot)
    who = slack.auth_test()
    assert who["team"] == "Acme" and who["bot_id"] == app["bot_id"] and who["url"] == "https://acme.slack.com/"
    assert set(who.headers["x-oauth-scopes"].split(",")) >= {"chat:write", "users:read", "im:write"}
    assert slack.bots_info(bot=who["bot_id"])["bot"]["app_id"] == app["app_id"]
    refused("bot_not_found", slack.bots_info, bot="B0NOBODY")
    pages = [len(page["members"]) for page in slack.users_list(limit=5)]
    assert pages == [5, 5, 2], pages
    channel = slack.conversations_open(users=["U0FAKEUSER2"])["channel"]["id"]
    posted = slack.chat_postMessage(channel=channel, text="Grüße & <b>漢字</b>")
    assert posted["message"]["text"] == "Grüße & <b>漢字</b>" and posted["channel"] == channel
    again = slack.chat_postMessage(channel="#general", blocks=[{"type": "divider"}], text="two")
    assert float(again["ts"]) > float(posted["ts"])
    refused("channel_not_found", slack.chat_postMessage, channel="nowhere", text="x")
    refused("no_text", slack.chat_postMessage, channel="#general")
    refused("not_allowed_token_type", slack.users_identity)
    refused("unknown_method", slack.api_call, api_method="no.such.method")
    refused("invalid_auth", client("xoxb-1-2-fakefakefake").auth_test)
    refused("not_authed", client().auth_test)


def webhook(installed):
    hook = WebhookClient(installed["incoming_webhook"]["url"])
    assert hook.send(text="from a webhook").body == "ok"
    assert hook.send_dict({"unfurl_links": False}).body == "no_text"
    assert WebhookClient(BASE + "/services/T1/B1/guess").send(text="x").status_code == 404
    texts = [message["text"] for message in control("GET", "messages")["messages"]]
    assert texts == ["Grüße & <b>漢字</b>", "two", "from a webhook"], texts
    return hook


def trouble(bot):
    patient = client(bot, retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1), ServerErrorRetryHandler(max_retry_count=2)])
    control("POST", "faults", {"match": "auth.test", "fault": "status:429", "retry_after": 1})
    assert patient.auth_test()["ok"]
    for status in (500, 503):
        control("POST", "faults", {"match": "auth.*", "fault": "status:%d" % status})
        assert patient.auth_test()["ok"]
    control("POST", "faults", {"match": "auth.test", "fault": "status:429", "retry_after": 7})
    limited = refused("ratelimited", client(bot).auth_test)
    assert limited.status_code == 429 and limited.headers["Retry-After"] == "7"
    for fault in ("html", "truncate", "close", "refuse"):
        control("POST", "faults", {"match": "*", "fault": fault})
        try:
            client(bot, retry_handlers=[]).auth_test()
        except Exception as error:  # each is another exception of the SDK or of the standard library
            assert not isinstance(error, AssertionError)
        else:
            raise AssertionError(fault)
    assert control("GET", "faults")["faults"] == []


def revocation(app, bot, hook):
    assert client(bot).auth_revoke(test=True)["revoked"] is False
    assert client(bot).auth_test()["ok"]
    assert client(bot).auth_revoke()["revoked"] is True
    refused("account_inactive", client(bot).auth_test)
    assert hook.send(text="too late").body == "no_service"


def ledger(app, secrets):
    text = request("GET", "/_sim/ledger")[2].decode()
    for secret in secrets:
        assert secret not in text, "the ledger has a secret"
    entries = json.loads(text)["entries"]
    assert {entry["outcome"] for entry in entries} == {"accepted", "refused", "fault"}
    assert all(entry["time"] and entry["reason"] and entry["call"] for entry in entries)


def main():
    app = control("POST", "apps", {
        "app_id": "A0FAKESDK1", "workspace_name": "Acme", "redirect_urls": [REDIRECT],
        "bot_scopes": ["chat:write", "users:read", "im:write", "incoming-webhook"],
        "user_scopes": ["identity.basic", "identity.team"]})
    installed = install(app)
    bot = installed["access_token"]
    say("installed")
    code_life(app)
    denied(app)
    login(app)
    say("logged in")
    use(app, bot)
    hook = webhook(installed)
    say("used")
    trouble(bot)
    say("trouble survived")
    revocation(app, bot, hook)
    ledger(app, [bot, app["client_secret"], app["signing_secret"], installed["incoming_webhook"]["url"][-20:]])
    say("revoked")


main()
