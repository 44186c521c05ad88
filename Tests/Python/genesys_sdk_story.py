"""Genesys Cloud's own SDK against postern-sim: what a bridge would do, and what goes wrong on the way.

usage: genesys_sdk_story.py PACKAGES http://127.0.0.1:PORT
Prints one line for each chapter; ends with exit code 1 and a traceback at the first surprise.
"""

import base64
import hashlib
import http.client
import json
import os
import sys
import tempfile
import urllib.parse
import warnings

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")
BASE = urllib.parse.urlsplit(sys.argv[2])
# The SDK looks for its settings in the home directory.
os.environ["HOME"] = tempfile.gettempdir()

import PureCloudPlatformClientV2 as genesys
from PureCloudPlatformClientV2.rest import ApiException

REDIRECT = "https://bridge.example/cb"
REGION = "mypurecloud.ie"


def request(method, path, body=None):
    connection = http.client.HTTPConnection(BASE.netloc, timeout=10)
    connection.request(method, path, json.dumps(body) if body is not None else None)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, answer.headers, read


def control(method, path, body=None):
    status, _, read = request(method, "/_sim/" + path, body)
    assert status == 200, (path, status, read)
    return json.loads(read)


def say(text):
    print(text, flush=True)


def client(region=REGION):
    made = genesys.api_client.ApiClient()
    made.set_gateway(
        BASE.hostname, "http", BASE.port, "genesys/%s/login" % region, "genesys/%s/api" % region)
    return made


def refused(status, code, call, /, **arguments):
    try:
        call(**arguments)
    except ApiException as error:
        body = json.loads(error.body)
        assert error.status == status, (status, error.status, body)
        assert code in (body.get("error"), body.get("code")), (code, body)
        return body, error.headers
    raise AssertionError("expected " + code)


def register(**fields):
    return control("POST", "apps", {
        "platform": "genesys", "region": REGION, "workspace_name": "Acme", "redirect_urls": [REDIRECT], **fields})


def machine(app):
    login = dict(client_id=app["client_id"], client_secret=app["client_secret"])
    body, _ = refused(401, "invalid_client", client().get_client_credentials_token, **{**login, "client_secret": "x"})
    assert body["description"] == body["error_description"] == "authentication failed"
    body, _ = refused(400, "invalid_client", client("mypurecloud.de").get_client_credentials_token, **login)
    assert body["description"] == "client not found"
    api = client().get_client_credentials_token(**login)
    tokens = genesys.TokensApi(api)
    info = tokens.get_tokens_me()
    assert info.o_auth_client.id == app["client_id"] and info.organization.name == "Acme"
    assert info.o_auth_client.authorized_grant_type == "CLIENT-CREDENTIALS"
    tokens.head_tokens_me()
    refused(400, "bad.request", genesys.UsersApi(api).get_users_me)
    messaging = genesys.ConversationsApi(api)
    page = messaging.get_conversations_messaging_integrations_open(page_size=1, page_number=2)
    assert (page.page_count, page.total, len(page.entities)) == (2, 2, 1)
    assert page.entities[0].name == "Open Messaging App Mention"
    assert page.entities[0].outbound_notification_webhook_url == "https://bridge.example/genesys"
    one = messaging.get_conversations_messaging_integrations_open_integration_id(page.entities[0].id)
    assert one.id == page.entities[0].id
    refused(403, "missing.any.permissions", genesys.OAuthApi(api).get_oauth_client, client_id=app["client_id"])
    register(client_id=app["client_id"], may_see_clients=True)
    assert genesys.OAuthApi(api).get_oauth_client(app["client_id"]).state == "active"
    tokens.delete_tokens_me()
    refused(401, "bad.credentials", tokens.get_tokens_me)


def person(app):
    def browse(**more):
        query = {"client_id": app["client_id"], "response_type": "code", "redirect_uri": REDIRECT, "state": "s", **more}
        status, headers, _ = request(
            "GET", "/genesys/%s/login/oauth/authorize?%s" % (REGION, urllib.parse.urlencode(query)))
        assert status == 302, status
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query))

    assert browse(sim_user="deny") == {"error": "access_denied", "state": "s"}
    login = dict(client_id=app["client_id"], client_secret=app["client_secret"])
    code = browse()["code"]
    api = client()
    _, given = api.get_code_authorization_token(auth_code=code, redirect_uri=REDIRECT, **login)
    assert given["refresh_token"] and given["token_type"] == "bearer" and given["expires_in"] == 86400
    refused(
        400, "invalid_grant", client().get_code_authorization_token, auth_code=code, redirect_uri=REDIRECT, **login)
    me = genesys.UsersApi(api).get_users_me(expand=["organization"])
    assert me.organization.name == "Acme" and me.email.endswith("@example.com")
    assert genesys.UsersApi(api).get_users_me().organization is None
    # The SDK refreshes by itself at 401, and keeps the new refresh token.
    control("POST", "clock", {"advance_seconds": 86401})
    assert genesys.UsersApi(api).get_users_me().id == me.id
    assert api.refresh_token != given["refresh_token"]
    refused(
        400, "invalid_grant", client().refresh_code_authorization_token, refresh_token=given["refresh_token"], **login)

    verifier = client().generate_pkce_code_verifier(64)
    challenge = client().compute_pkce_code_challenge(verifier)
    assert challenge == base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    code = browse(code_challenge=challenge, code_challenge_method="S256")["code"]
    pkce = dict(client_id=app["client_id"], auth_code=code, redirect_uri=REDIRECT)
    refused(400, "invalid_grant", client().get_pkce_token, code_verifier="x" * 43, **pkce)
    api = client()
    api.get_pkce_token(code_verifier=verifier, **pkce)
    assert genesys.UsersApi(api).get_users_me().id == me.id
    code = browse()["code"]
    refused(401, "invalid_client", client().get_pkce_token, code_verifier=verifier, **{**pkce, "auth_code": code})


def trouble():
    app = register(token_rate=1)
    login = dict(client_id=app["client_id"], client_secret=app["client_secret"])
    api = client().get_client_credentials_token(**login)
    # The SDK waits as long as it is told; this asks without it.
    connection = http.client.HTTPConnection(BASE.netloc, timeout=10)
    basic = base64.b64encode(("%(client_id)s:%(client_secret)s" % login).encode()).decode()
    connection.request(
        "POST", "/genesys/%s/login/oauth/token" % REGION, "grant_type=client_credentials",
        {"Authorization": "Basic " + basic, "Content-Type": "application/x-www-form-urlencoded"})
    limited = connection.getresponse()
    assert limited.status == 429 and json.loads(limited.read())["code"] == "too.many.requests"
    assert 0 < int(limited.headers["Retry-After"]) <= 60 and limited.headers["inin-ratelimit-allowed"] == "1"
    assert limited.headers["inin-ratelimit-reset"] == limited.headers["Retry-After"]
    control("POST", "faults", {"match": "genesys:tokens.me", "fault": "status:429", "retry_after": 1})
    assert genesys.TokensApi(api).get_tokens_me().organization.name == "Acme"
    for fault, status, code in (
            ("status:500", 500, "internal.server.error"), ("error:not_authorized", 403, "not.authorized")):
        control("POST", "faults", {"match": "genesys:tokens.me", "fault": fault})
        refused(status, code, genesys.TokensApi(api).get_tokens_me)
    assert control("GET", "faults")["faults"] == []
    assert genesys.TokensApi(api).get_tokens_me().organization.name == "Acme"
    register(client_id=app["client_id"], state="disabled")
    refused(401, "bad.credentials", genesys.TokensApi(api).get_tokens_me)


def main():
    app = register()
    machine(app)
    say("minted")
    person(app)
    say("logged in")
    trouble()
    say("trouble survived")


main()
