"""Slack's own SDK and Bolt behind Postern's TCP gateway: a bridge with nothing but a lease.

usage: gateway_slack.py PACKAGES BOLT BROKER_SOCKET APP_ID
Prints one line for each chapter, then waits for the end of its input, so that its memory can be looked at; ends with
exit code 1 and a traceback at the first surprise.
"""

import json
import logging
import sys

sys.path[:0] = [sys.argv[1], sys.argv[2]]
sys.dont_write_bytecode = True

from gateway_broker import Broker
from slack_bolt import App, BoltRequest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError


def refused(call, **arguments):
    try:
        call(**arguments)
    except SlackApiError as error:
        return error.response.status_code, error.response["error"]
    raise AssertionError("it was not refused")


def narrow(broker):
    """Ten minutes of one method."""
    lease = broker.access(methods=["chat.postMessage"], ttl=600)
    assert lease["methods"] == ["chat.postMessage"] and 590 <= lease["expires_in"] <= 600, lease
    client = WebClient(token=lease["access_token"], base_url=lease["gateway"])
    posted = client.chat_postMessage(channel="#general", text="Grüße & <b>漢字</b>")
    assert posted["message"]["text"] == "Grüße & <b>漢字</b>", posted.data
    blocks = client.chat_postMessage(channel="#general", text="two", blocks=[{"type": "divider"}])
    assert float(blocks["ts"]) > float(posted["ts"])
    assert refused(client.users_list) == (403, "denied")
    assert refused(client.auth_test) == (403, "denied")
    # Slack's own refusals come through as Slack's.
    assert refused(client.chat_postMessage, channel="nowhere", text="x") == (200, "channel_not_found")
    assert refused(WebClient(token="xoxb-1-2-fakefake", base_url=lease["gateway"]).auth_test) == (401, "invalid_token")
    return lease


def bolt(broker):
    """An app that answers a message; Bolt asks who it is when it starts."""
    lease = broker.access(methods=["chat.postMessage", "auth.test"])
    client = WebClient(token=lease["access_token"], base_url=lease["gateway"])
    app = App(
        client=client, signing_secret="fake-signing-secret", request_verification_enabled=False,
        process_before_response=True, logger=logging.getLogger("bolt"))
    said = []

    @app.event("message")
    def answer(event, say):
        said.append(say(f"you said {event['text']}")["ok"])

    event = {"type": "message", "channel": "#general", "user": "U0FAKEUSER2", "text": "hi", "ts": "1.1"}
    body = {"type": "event_callback", "team_id": "T0FAKE", "api_app_id": sys.argv[4], "event": event}
    done = app.dispatch(BoltRequest(body=json.dumps(body), headers={"content-type": ["application/json"]}))
    assert done.status == 200 and said == [True], (done.status, done.body, said)


def long(broker):
    """Twenty megabytes each way."""
    lease = broker.access(methods=["api.test"])
    client = WebClient(token=lease["access_token"], base_url=lease["gateway"], timeout=90)
    text = "a long one, " * 1_700_000
    assert client.api_call("api.test", json={"text": text})["args"]["text"] == text


broker = Broker(sys.argv[3], f"slack/{sys.argv[4]}", "bot")
lease = narrow(broker)
print("posted", flush=True)
bolt(broker)
print("bolted", flush=True)
long(broker)
print("streamed", flush=True)
print("bearer", lease["access_token"], flush=True)
sys.stdin.read()
