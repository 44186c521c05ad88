"""A vendor's own SDK at the moment a token has expired: many callers at once, as an app with that SDK would have them.

usage: storm.py PACKAGES http://127.0.0.1:PORT slack|lark CALLERS threads|processes DIRECTORY < app.json
Prints one JSON object: what the callers got, and whether what was stored still works afterwards.
"""

import gc
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

PACKAGES, BASE, SDK, CALLERS, MODE, DIRECTORY = sys.argv[1:7]
CALLERS = int(CALLERS)
sys.path.insert(0, PACKAGES)
sys.dont_write_bytecode = True
APP = json.load(sys.stdin)


def crowd(call):
    """Lets CALLERS call at once; what each got (a token or the name of what went wrong), and the seconds it took."""
    return threads(call) if MODE == "threads" else processes(call)


def outcome(call):
    try:
        token = call()
        return {"token": token} if token else {"error": "no token"}
    except Exception as error:
        return {"error": type(error).__name__}


def threads(call):
    threading.stack_size(256 * 1024)
    barrier = threading.Barrier(CALLERS + 1)
    results = []

    def caller():
        barrier.wait()
        results.append(outcome(call))

    crew = [threading.Thread(target=caller) for _ in range(CALLERS)]
    for one in crew:
        one.start()
    barrier.wait()
    begun = time.monotonic()
    for one in crew:
        one.join()
    return results, time.monotonic() - begun


def processes(call):
    # Copies of this process, so that a thousand fit into memory; each is one worker of the app.
    gc.collect()
    gc.freeze()
    gate_read, gate_write = os.pipe()
    said_read, said_write = os.pipe()
    children = []
    for _ in range(CALLERS):
        pid = os.fork()
        if pid == 0:
            try:
                os.close(gate_write)
                os.read(gate_read, 1)
                # Shorter than PIPE_BUF, so lines stay whole.
                os.write(said_write, json.dumps(outcome(call)).encode() + b"\n")
            finally:
                os._exit(0)
        children.append(pid)
    os.close(said_write)
    begun = time.monotonic()
    os.close(gate_write)
    said = b""
    while True:
        chunk = os.read(said_read, 1 << 16)
        if not chunk:
            break
        said += chunk
    took = time.monotonic() - begun
    for pid in children:
        os.waitpid(pid, 0)
    return [json.loads(line) for line in said.splitlines()], took


def report(results, took, works, **more):
    """`works(token)` asks the platform."""
    handed = [one["token"] for one in results if "token" in one]
    live = {token: works(token) for token in set(handed)}
    print(
        json.dumps(
            {
                "callers": CALLERS,
                "good": sum(live[token] for token in handed),
                "dead": sum(not live[token] for token in handed),
                "none": CALLERS - len(handed),
                "distinct": len(live),
                "seconds": took,
                **more,
            }
        )
    )


def slack():
    import logging

    from slack_bolt import BoltContext
    from slack_bolt.authorization.authorize import InstallationStoreAuthorize
    from slack_sdk import WebClient
    from slack_sdk.errors import SlackApiError
    from slack_sdk.oauth.installation_store import Installation
    from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

    logging.disable(logging.CRITICAL)
    client = WebClient(base_url=f"{BASE}/api/", timeout=60)
    store = SQLite3InstallationStore(database=f"{DIRECTORY}/installations.db", client_id=APP["client_id"])
    store.init()

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    # A customer presses Allow.
    ask = {"client_id": APP["client_id"], "scope": "chat:write", "redirect_uri": APP["redirect_urls"][0]}
    try:
        urllib.request.build_opener(Stay, urllib.request.ProxyHandler({})).open(
            f"{BASE}/oauth/v2/authorize?{urllib.parse.urlencode(ask)}"
        )
        raise SystemExit("the consent page sent nobody back")
    except urllib.error.HTTPError as redirect:
        back = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect.headers["location"]).query)
    given = client.oauth_v2_access(
        client_id=APP["client_id"],
        client_secret=APP["client_secret"],
        code=back["code"][0],
        redirect_uri=APP["redirect_urls"][0],
    )
    # Twelve hours later: the token has ended, here and at the platform.
    store.save(
        Installation(
            app_id=given["app_id"],
            team_id=given["team"]["id"],
            user_id=given["authed_user"]["id"],
            bot_token=given["access_token"],
            bot_id="B0FAKE",
            bot_user_id=given["bot_user_id"],
            bot_scopes=given["scope"],
            bot_refresh_token=given["refresh_token"],
            bot_token_expires_at=int(time.time()) - 1,
            token_type="bot",
        )
    )
    control("POST", "clock", {"advance_seconds": int(given["expires_in"]) + 1})
    control("DELETE", "ledger")
    authorize = InstallationStoreAuthorize(
        logger=logging.getLogger("app"),
        client_id=APP["client_id"],
        client_secret=APP["client_secret"],
        installation_store=store,
        client=client,
    )
    team, user = given["team"]["id"], given["authed_user"]["id"]

    def call():
        context = BoltContext({"client": client, "is_enterprise_install": False})
        result = authorize(context=context, enterprise_id=None, team_id=team, user_id=user)
        return result and result.bot_token

    def works(token):
        try:
            return bool(client.auth_test(token=token)["ok"])
        except SlackApiError:
            return False

    results, took = crowd(call)
    upstream = control("GET", "ledger?call=oauth.v2.access")["entries"]
    stored = store.find_bot(enterprise_id=None, team_id=team, is_enterprise_install=False)
    try:
        client.oauth_v2_access(
            client_id=APP["client_id"],
            client_secret=APP["client_secret"],
            grant_type="refresh_token",
            refresh_token=stored.bot_refresh_token,
        )
        lives = True
    except SlackApiError:
        lives = False
    report(results, took, works, upstream=len(upstream), stored_refresh_token_lives=lives)


def lark():
    from lark_oapi.core.model import Config
    from lark_oapi.core.token import TokenManager

    config = Config()
    config.app_id = APP["app_id"]
    config.app_secret = APP["app_secret"]
    config.domain = f"{BASE}/lark"
    config.timeout = 60
    control("DELETE", "ledger")
    results, took = crowd(lambda: TokenManager.get_self_tenant_token(config))
    upstream = control("GET", "ledger?call=auth.v3.tenant_access_token.internal")["entries"]

    def works(token):
        request = urllib.request.Request(
            f"{BASE}/lark/open-apis/bot/v3/info", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            return json.load(opener.open(request)).get("code") == 0
        except OSError:
            return False

    report(results, took, works, upstream=len(upstream))


# Without proxies of the environment.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def control(method, path, body=None):
    request = urllib.request.Request(
        f"{BASE}/_sim/{path}", method=method, data=json.dumps(body).encode() if body is not None else None
    )
    return json.load(opener.open(request))


{"slack": slack, "lark": lark}[SDK]()
