"""Lark's and Feishu's own SDK against postern-sim: what a bridge would do, and what goes wrong on the way.

usage: lark_oapi_story.py PACKAGES http://127.0.0.1:PORT lark|feishu
The simulator serves the brand at its root: the SDK takes an origin and no path.
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
BRAND = sys.argv[3]

import lark_oapi as lark
from lark_oapi.api.application.v6 import GetApplicationRequest, ListScopeRequest
from lark_oapi.api.authen.v1 import (
    CreateOidcAccessTokenRequest,
    CreateOidcAccessTokenRequestBody,
    CreateOidcRefreshAccessTokenRequest,
    CreateOidcRefreshAccessTokenRequestBody,
    GetUserInfoRequest,
)
from lark_oapi.api.im.v1 import (
    CreateMessageRequest,
    CreateMessageRequestBody,
    GetMessageRequest,
    ReplyMessageRequest,
    ReplyMessageRequestBody,
)
from lark_oapi.api.tenant.v2 import QueryTenantRequest
from lark_oapi.core.exception import ObtainAccessTokenException
from lark_oapi.core.token import TokenManager

REDIRECT = "https://bridge.example/cb"
SECRET = "fakesecret-of-the-sdk-app"


def request(method, path, body=None, headers={}):
    """One call to the simulation itself, or a browser's: status, headers, body."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(BASE).netloc, timeout=10)
    connection.request(method, path, json.dumps(body) if body is not None else None, headers)
    answer = connection.getresponse()
    read = answer.read()
    connection.close()
    return answer.status, answer.headers, read


def say(text):
    print(text, flush=True)


def control(method, path, body=None):
    status, _, read = request(method, "/_sim/" + path, dict(body, platform=BRAND) if body is not None else None)
    assert status == 200, (path, status, read)
    return json.loads(read)


def browse(path, **query):
    """Where the consent page sends the browser: the query of the redirect."""
    status, headers, read = request("GET", f"{path}?{urllib.parse.urlencode(query)}")
    assert status == 302, (path, status, read)
    assert headers["Location"].startswith(REDIRECT), headers["Location"]
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query))


def client(app_id="cli_fakesdk1", secret=SECRET):
    builder = lark.Client.builder().app_id(app_id).app_secret(secret).domain(BASE)
    return builder.enable_set_token(True).log_level(lark.LogLevel.ERROR).build()


def good(answer):
    assert answer.success(), (answer.code, answer.msg)
    return answer.data


def message(text, kind="text"):
    body = CreateMessageRequestBody.builder().receive_id("oc_fakechat").msg_type(kind)
    return (
        CreateMessageRequest.builder()
        .receive_id_type("chat_id")
        .request_body(body.content(json.dumps({"text": text})).build())
        .build()
    )


def machine(sdk):
    sent = good(sdk.im.v1.message.create(message("hello")))
    assert sent.message_id.startswith("om_fake") and sent.sender.id == "cli_fakesdk1", vars(sent)
    reply = ReplyMessageRequestBody.builder().msg_type("text").content(json.dumps({"text": "again"})).build()
    good(
        sdk.im.v1.message.reply(
            ReplyMessageRequest.builder().message_id(sent.message_id).request_body(reply).build()
        )
    )
    found = good(sdk.im.v1.message.get(GetMessageRequest.builder().message_id(sent.message_id).build()))
    assert json.loads(found.items[0].body.content) == {"text": "hello"}
    posted = [m for m in control("GET", "messages")["messages"] if m["platform"] == BRAND]
    assert len(posted) == 2, posted
    calls = control("GET", f"ledger?platform={BRAND}&call=auth.v3.tenant_access_token.internal")["entries"]
    assert len(calls) == 1, calls


def facts(sdk):
    assert good(sdk.tenant.v2.tenant.query(QueryTenantRequest.builder().build())).tenant.name == "Acme"
    app = good(
        sdk.application.v6.application.get(GetApplicationRequest.builder().app_id("cli_fakesdk1").lang("en_us").build())
    ).app
    assert app.app_id == "cli_fakesdk1" and app.status == 1, vars(app)
    scopes = good(sdk.application.v6.scope.list(ListScopeRequest.builder().build())).scopes
    assert {(s.scope_name, s.grant_status) for s in scopes} >= {("im:message", 1)}, scopes


def person(sdk):
    code = browse("/" + BRAND + "/open-apis/authen/v1/index", app_id="cli_fakesdk1", redirect_uri=REDIRECT, state="s")
    body = CreateOidcAccessTokenRequestBody.builder().grant_type("authorization_code").code(code["code"]).build()
    trade = CreateOidcAccessTokenRequest.builder().request_body(body).build()
    pair = good(sdk.authen.v1.oidc_access_token.create(trade))
    assert pair.access_token.startswith("u-fake") and pair.refresh_token.startswith("ur-fake")
    assert sdk.authen.v1.oidc_access_token.create(trade).code == 20065

    def who(token):
        option = lark.RequestOption.builder().user_access_token(token).build()
        return sdk.authen.v1.user_info.get(GetUserInfoRequest.builder().build(), option)

    assert good(who(pair.access_token)).open_id == "ou_fakeuser1"

    def renew(token):
        body = CreateOidcRefreshAccessTokenRequestBody.builder().grant_type("refresh_token").refresh_token(token)
        return sdk.authen.v1.oidc_refresh_access_token.create(
            CreateOidcRefreshAccessTokenRequest.builder().request_body(body.build()).build()
        )

    next = good(renew(pair.refresh_token))
    assert good(who(next.access_token)).open_id == "ou_fakeuser1"
    assert renew(pair.refresh_token).code == 20038
    control("POST", "revoke", {"app_id": "cli_fakesdk1"})
    assert who(next.access_token).code == 99991668


def newer(sdk):
    """The newest endpoint has no object of its own in the SDK: its plain request carries it."""
    back = browse(
        f"/{BRAND}/accounts/open-apis/authen/v1/authorize",
        client_id="cli_fakesdk1",
        response_type="code",
        redirect_uri=REDIRECT,
        scope="im:message offline_access",
        state="s",
    )
    call = lark.BaseRequest.builder().http_method(lark.HttpMethod.POST).uri("/open-apis/authen/v2/oauth/token")

    def trade(**fields):
        answer = sdk.request(call.body(dict(fields, client_id="cli_fakesdk1", client_secret=SECRET)).build())
        return answer.raw.status_code, json.loads(answer.raw.content)

    status, pair = trade(grant_type="authorization_code", code=back["code"], redirect_uri=REDIRECT)
    assert status == 200 and pair["code"] == ("0" if BRAND == "lark" else 0), pair
    assert pair["access_token"].startswith("eyJfake") and pair["refresh_token_expires_in"] == 604800
    status, next = trade(grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert status == 200 and next["refresh_token"] != pair["refresh_token"]
    status, refused = trade(grant_type="refresh_token", refresh_token=pair["refresh_token"])
    assert status == 400 and refused["code"] == 20073 and refused["error"] == "invalid_grant", refused


def store():
    """A store app: its ticket arrives as an event that the SDK's own dispatcher understands."""
    control(
        "POST",
        "apps",
        {
            "app_id": "cli_fakestore",
            "app_secret": SECRET,
            "app_type": "store",
            "verification_token": "fake-verification-token",
            "tenants": [{"tenant_key": "fa4e1", "name": "One"}],
        },
    )
    pushed = control("POST", "ticket", {"app_id": "cli_fakestore"})
    tickets = []
    handler = (
        lark.EventDispatcherHandler.builder("", "fake-verification-token")
        .register_p1_customized_event("app_ticket", lambda event: tickets.append(event.event["app_ticket"]))
        .build()
    )
    raw = lark.RawRequest()
    raw.uri, raw.headers, raw.body = "/events", {}, json.dumps(pushed["event"]).encode()
    answer = handler.do(raw)
    assert answer.status_code == 200 and tickets == [pushed["app_ticket"]], (answer.content, tickets)

    isv = lark.Client.builder().app_id("cli_fakestore").app_secret(SECRET).domain(BASE)
    sdk = isv.app_type(lark.AppType.ISV).log_level(lark.LogLevel.ERROR).build()

    def name(ticket):
        option = lark.RequestOption.builder().tenant_key("fa4e1").app_ticket(ticket).build()
        return good(sdk.tenant.v2.tenant.query(QueryTenantRequest.builder().build(), option)).tenant.name

    try:
        name("fake-old-ticket")
        raise AssertionError("an old ticket was taken")
    except ObtainAccessTokenException as error:
        assert error.code == 10012, error
    assert name(tickets[0]) == "One"


def trouble(sdk):
    for app_id, secret, code in [
        ("cli_fakesdk1", "fakewrong", 10014),
        ("cli_fakeunknown", SECRET, 10014),
        ("not-an-app", SECRET, 10003),
    ]:
        # The SDK remembers tokens by App ID alone, whatever the secret.
        TokenManager.cache.set(f"self_tenant_token:{app_id}", "", 0)
        try:
            client(app_id, secret).im.v1.message.create(message("x"))
            raise AssertionError(f"{code} did not come")
        except ObtainAccessTokenException as error:
            assert error.code == code, error
    limit = {"match": f"{BRAND}:im.*", "fault": "status:429", "retry_after": 7}
    control("POST", "faults", limit)
    answer = sdk.im.v1.message.create(message("x"))
    assert answer.code == 99991400 and answer.raw.status_code == 429, vars(answer)
    assert {k.lower(): v for k, v in answer.raw.headers.items()}["x-ogw-ratelimit-reset"] == "7"
    control("POST", "apps", {"app_id": "cli_fakesdk1", "tenant_scopes": ["tenant:tenant:readonly"]})
    answer = sdk.im.v1.message.create(message("x"))
    assert answer.code == 99991672 and b'"subject":"im:message:send_as_bot"' in answer.raw.content, vars(answer)


control(
    "POST",
    "apps",
    {
        "app_id": "cli_fakesdk1",
        "app_secret": SECRET,
        "workspace_name": "Acme",
        "redirect_urls": [REDIRECT],
        "tenant_scopes": [
            "im:message",
            "im:message:send_as_bot",
            "tenant:tenant:readonly",
            "application:application:self_manage",
        ],
        "user_scopes": ["im:message", "offline_access"],
    },
)
sdk = client()
machine(sdk)
say("used")
facts(sdk)
say("looked at")
person(sdk)
say("logged in")
newer(sdk)
say("refreshed")
store()
say("sold")
trouble(sdk)
say("trouble survived")
