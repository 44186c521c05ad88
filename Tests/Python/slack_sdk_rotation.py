"""Slack's own SDK against postern-sim: token rotation, OpenID Connect, and apps by manifest.

usage: slack_sdk_rotation.py PACKAGES http://127.0.0.1:PORT
Prints one line for each chapter; ends with exit code 1 and a traceback at the first surprise.
"""

import base64
import hashlib
import http.client
import json
import sys
import time
import urllib.parse
import warnings

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")
BASE = sys.argv[2]

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackTokenRotationError
from slack_sdk.oauth import AuthorizeUrlGenerator, OpenIDConnectAuthorizeUrlGenerator
from slack_sdk.oauth.installation_store import Installation
from slack_sdk.oauth.token_rotation import TokenRotator

REDIRECT = "https://bridge.example/cb"


def request(method, path, body=None):
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
    parts = urllib.parse.urlsplit(url)
    status, headers, read = request("GET", parts.path + "?" + parts.query)
    assert status == 302, (url, status, read)
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query))


def refused(wanted, call, /, **arguments):
    try:
        call(**arguments)
    except SlackApiError as error:
        assert error.response["error"] == wanted, (wanted, error.response.data)
        return error.response
    raise AssertionError("expected " + wanted)


def client(token=None):
    return WebClient(token=token, base_url=BASE + "/api/", timeout=10)


def register(**fields):
    return control("POST", "apps", {
        "workspace_name": "Acme", "redirect_urls": [REDIRECT], "bot_scopes": ["chat:write", "users:read"],
        "user_scopes": ["search:read", "identity.basic"], **fields})


def install(app, more=""):
    url = AuthorizeUrlGenerator(
        client_id=app["client_id"], redirect_uri=REDIRECT, scopes=["chat:write", "users:read"],
        user_scopes=["search:read"], authorization_url=BASE + "/oauth/v2/authorize").generate("s")
    code = browse(url + more)["code"]
    return client().oauth_v2_access(
        client_id=app["client_id"], client_secret=app["client_secret"], code=code, redirect_uri=REDIRECT)


def refresh(app, token):
    return client().oauth_v2_access(
        client_id=app["client_id"], client_secret=app["client_secret"], grant_type="refresh_token",
        refresh_token=token)


def rotator(app):
    return TokenRotator(client_id=app["client_id"], client_secret=app["client_secret"], client=client())


def rotation():
    app = register(token_rotation_enabled=True)
    given = install(app)
    user = given["authed_user"]
    assert given["access_token"].startswith("xoxe.xoxb-1-") and user["access_token"].startswith("xoxe.xoxp-1-")
    assert given["expires_in"] == user["expires_in"] == 43200
    now = int(time.time())
    installation = Installation(
        app_id=app["app_id"], team_id=app["team_id"], user_id=user["id"], bot_token=given["access_token"],
        bot_refresh_token=given["refresh_token"], bot_token_expires_at=now + 43200, user_token=user["access_token"],
        user_refresh_token=user["refresh_token"], user_token_expires_at=now + 43200)
    assert rotator(app).perform_token_rotation(installation=installation) is None
    installation.bot_token_expires_at = installation.user_token_expires_at = now + 60
    rotated = rotator(app).perform_token_rotation(installation=installation)
    assert rotated.bot_token != given["access_token"] and rotated.user_token != user["access_token"]
    assert rotated.bot_refresh_token != given["refresh_token"] and rotated.user_refresh_token != user["refresh_token"]
    assert now + 43100 < rotated.bot_token_expires_at < now + 43300
    # What was spent is dead, and the rotator says so.
    try:
        rotator(app).perform_token_rotation(installation=installation)
    except SlackTokenRotationError as error:
        assert error.api_error.response["error"] == "invalid_refresh_token"
    else:
        raise AssertionError("a spent refresh token was taken")
    for token in (given["access_token"], rotated.bot_token, rotated.user_token):
        assert 0 < client(token).auth_test()["expires_in"] <= 43200
    return app, given, rotated


def lives(app, given, rotated):
    # A third access token ends the oldest; what is left ends after twelve hours.
    third = refresh(app, rotated.bot_refresh_token)
    assert "authed_user" not in third.data and third["token_type"] == "bot" and third["app_id"] == app["app_id"]
    refused("token_revoked", client(given["access_token"]).auth_test)
    assert client(rotated.bot_token).auth_test()["ok"]
    # Where tokens rotate, auth.revoke ends one and no other.
    assert client(rotated.bot_token).auth_revoke()["revoked"] is True
    refused("token_revoked", client(rotated.bot_token).auth_test)
    assert client(third["access_token"]).auth_test()["ok"]
    control("POST", "clock", {"advance_seconds": 43201})
    refused("token_expired", client(third["access_token"]).auth_test)
    assert client(refresh(app, third["refresh_token"])["access_token"]).auth_test()["ok"]
    user = refresh(app, rotated.user_refresh_token)
    assert user["token_type"] == "user" and user["access_token"].startswith("xoxe.xoxp-1-")


def grace():
    app = register(token_rotation_enabled=True, refresh_grace=30)
    old = install(app)["refresh_token"]
    first, second = refresh(app, old), refresh(app, old)
    # Two concurrent refreshes give two refresh tokens, of which one is not good.
    refused("invalid_refresh_token", refresh, app=app, token=first["refresh_token"])
    assert refresh(app, second["refresh_token"])["ok"]
    control("POST", "clock", {"advance_seconds": 31})
    refused("invalid_refresh_token", refresh, app=app, token=old)


def migration():
    app = register(bot_token=True)
    exchange = dict(client_id=app["client_id"], client_secret=app["client_secret"], token=app["bot_token"])
    refused("token_rotation_not_enabled", client().oauth_v2_exchange, **exchange)
    register(app_id=app["app_id"], token_rotation_enabled=True)
    pair = client().oauth_v2_exchange(**exchange)
    assert pair["access_token"].startswith("xoxe.xoxb-1-") and pair["expires_in"] == 43200
    refused("token_already_exchanged", client().oauth_v2_exchange, **exchange)
    refused("invalid_token", client().oauth_v2_exchange, **{**exchange, "token": "xoxb-1-2-fake"})
    assert client(app["bot_token"]).auth_test()["ok"]
    refresh(app, pair["refresh_token"])
    refused("account_inactive", client(app["bot_token"]).auth_test)


def pkce():
    app = register(pkce_enabled=True, token_rotation_enabled=True)
    verifier = "fake-verifier-" + "x" * 40
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    page = BASE + "/oauth/v2/authorize?" + urllib.parse.urlencode(
        {"client_id": app["client_id"], "scope": "chat:write", "redirect_uri": REDIRECT, "state": "s"})
    assert request("GET", page[len(BASE):])[0] == 400
    code = browse(page + "&code_challenge_method=S256&code_challenge=" + challenge)["code"]
    form = {"client_id": app["client_id"], "code": code, "redirect_uri": REDIRECT}
    call = lambda **more: client().api_call("oauth.v2.access", data={**form, **more})
    refused("internal_error", call, code_verifier=verifier, client_secret=app["client_secret"])
    refused("invalid_code_verifier", call, code_verifier=challenge)
    given = call(code_verifier=verifier)
    again = {"client_id": app["client_id"], "grant_type": "refresh_token"}
    second = client().api_call("oauth.v2.access", data={**again, "refresh_token": given["refresh_token"]})
    control("POST", "clock", {"advance_seconds": 30 * 86400})
    late = {**again, "refresh_token": second["refresh_token"]}
    refused("invalid_refresh_token", client().api_call, api_method="oauth.v2.access", data=late)


def organisation():
    app = register(enterprise_id="E0FAKE0001", org_deploy_enabled=True)
    given = install(app, "&sim_org=1")
    assert given["is_enterprise_install"] is True and given["team"] is None
    assert given["enterprise"]["id"] == "E0FAKE0001"
    assert client(given["access_token"]).auth_test()["is_enterprise_install"] is True
    refused("cannot_install_an_org_installed_app", install, app=app)
    several = register(distributed=True)
    here, there = install(several), install(several, "&sim_team=T0FAKEOTHR")
    assert there["team"]["id"] == "T0FAKEOTHR" != here["team"]["id"] and there["access_token"] != here["access_token"]
    assert client(there["access_token"]).auth_test()["team_id"] == "T0FAKEOTHR"
    narrow = install(register(), "&sim_refuse=users:read")
    assert narrow["scope"] == "chat:write"


def openid():
    app = register()
    url = OpenIDConnectAuthorizeUrlGenerator(
        client_id=app["client_id"], redirect_uri=REDIRECT, scopes=["openid", "email", "profile"],
        authorization_url=BASE + "/openid/connect/authorize").generate(state="s", nonce="n")
    form = dict(client_id=app["client_id"], client_secret=app["client_secret"], redirect_uri=REDIRECT)
    refused("oauth_authorization_url_mismatch", client().oauth_v2_access, code=browse(url)["code"], **form)
    code = browse(url)["code"]
    refused("bad_client_secret", client().openid_connect_token, **{**form, "client_secret": "wrong", "code": code})
    given = client().openid_connect_token(code=code, **form)
    claims = json.loads(base64.urlsafe_b64decode(given["id_token"].split(".")[1] + "=="))
    assert claims["nonce"] == "n" and claims["aud"] == app["client_id"] and claims["iss"] == "https://slack.com"
    person = client(given["access_token"]).openid_connect_userInfo()
    assert person["sub"] == claims["sub"] and person["https://slack.com/team_id"] == app["team_id"]
    assert person["email"].endswith("@example.com") and person["email_verified"] is True
    refused("invalid_code", client().openid_connect_token, code=code, **form)


def manifests():
    home = register(team_id="T0FAKEHOME")
    config = control("POST", "config_token", {"platform": "slack", "team_id": "T0FAKEHOME"})
    slack = client(config["token"])
    exported = slack.apps_manifest_export(app_id=home["app_id"])["manifest"]
    assert exported["oauth_config"]["redirect_urls"] == [REDIRECT]
    manifest = {
        "display_information": {"name": "Fake App", "long_description": "x" * 176},
        "features": {"bot_user": {"display_name": "Fake"}},
        "oauth_config": {"redirect_urls": [REDIRECT], "scopes": {"bot": ["chat:write"]}},
        "settings": {"event_subscriptions": {"request_url": "https://bridge.example/events"}}}
    assert slack.apps_manifest_validate(manifest=manifest)["ok"]
    for change, pointer in (
            ({"display_information": {"name": "x" * 36}}, "/display_information/name"),
            ({"display_information": {"name": "F", "long_description": "x" * 174}},
             "/display_information/long_description"),
            ({"display_information": {"name": "F", "background_color": "red"}},
             "/display_information/background_color"),
            ({"features": {"bot_user": {}}}, "/features/bot_user/display_name"),
            ({"oauth_config": {"scopes": {"bot": ["x" * 51]}}}, "/oauth_config/scopes/bot/0"),
            ({"settings": {"event_subscriptions": {"request_url": "ftp://x"}}},
             "/settings/event_subscriptions/request_url")):
        answer = refused("invalid_manifest", slack.apps_manifest_validate, manifest={**manifest, **change})
        assert [fault["pointer"] for fault in answer["errors"]] == [pointer], answer["errors"]
    made = slack.apps_manifest_create(manifest=manifest)
    assert set(made["credentials"]) == {"client_id", "client_secret", "verification_token", "signing_secret"}
    wider = {**manifest, "oauth_config": {"redirect_urls": [REDIRECT], "scopes": {"bot": ["chat:write", "im:write"]}}}
    assert slack.apps_manifest_update(app_id=made["app_id"], manifest=wider)["permissions_updated"] is True
    assert slack.apps_manifest_update(app_id=made["app_id"], manifest=wider)["permissions_updated"] is False
    assert slack.apps_manifest_export(app_id=made["app_id"])["manifest"] == wider
    refused("invalid_app_id", slack.apps_manifest_update, app_id="A0NOBODY", manifest=wider)
    refused("app_not_found", slack.apps_manifest_export, app_id="A0NOBODY")
    refused("not_allowed_token_type", slack.auth_test)
    bot = register(bot_token=True)["bot_token"]
    refused("not_allowed_token_type", client(bot).apps_manifest_export, app_id=made["app_id"])
    new = client().tooling_tokens_rotate(refresh_token=config["refresh_token"])
    assert new["exp"] - new["iat"] == 43200
    refused("invalid_refresh_token", client().tooling_tokens_rotate, refresh_token=config["refresh_token"])
    assert client(new["token"]).apps_manifest_delete(app_id=made["app_id"])["ok"]
    control("POST", "clock", {"advance_seconds": 43201})
    refused("token_expired", client(new["token"]).apps_manifest_export, app_id=home["app_id"])


def main():
    lives(*rotation())
    grace()
    say("rotated")
    migration()
    say("migrated")
    pkce()
    say("without a secret")
    organisation()
    say("everywhere")
    openid()
    say("logged in")
    manifests()
    say("made by manifest")


main()
