"""Lark's and Feishu's own SDK behind Postern's TCP gateway: a bridge with nothing but a lease.

usage: gateway_lark.py PACKAGES BROKER_SOCKET lark|feishu APP_ID
Prints one line for each chapter, then waits for the end of its input, so that its memory can be looked at; ends with
exit code 1 and a traceback at the first surprise.
"""

import json
import sys
import warnings

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")

from gateway_broker import Broker
import lark_oapi as lark
from lark_oapi.api.im.v1 import (
    CreateMessageRequest,
    CreateMessageRequestBody,
    GetMessageRequest,
    ReplyMessageRequest,
    ReplyMessageRequestBody,
)

lease = Broker(sys.argv[2], f"{sys.argv[3]}/{sys.argv[4]}", "tenant").access(
    methods=["POST im/v1/messages", "POST im/v1/messages/*/reply"], ttl=600)
# No App Secret here: the lease is given with each call.
sdk = lark.Client.builder().domain(lease["gateway"]).enable_set_token(True).log_level(lark.LogLevel.CRITICAL).build()
option = lambda: lark.RequestOption.builder().tenant_access_token(lease["access_token"]).build()

body = CreateMessageRequestBody.builder().receive_id("oc_fakechat").msg_type("text")
body = body.content(json.dumps({"text": "Grüße 漢字"})).build()
sent = sdk.im.v1.message.create(
    CreateMessageRequest.builder().receive_id_type("chat_id").request_body(body).build(), option())
assert sent.success() and sent.data.message_id.startswith("om_fake"), (sent.code, sent.msg)
reply = ReplyMessageRequestBody.builder().msg_type("text").content(json.dumps({"text": "again"})).build()
again = sdk.im.v1.message.reply(
    ReplyMessageRequest.builder().message_id(sent.data.message_id).request_body(reply).build(), option())
assert again.success() and again.data.parent_id == sent.data.message_id, (again.code, again.msg)
print("posted", flush=True)
found = sdk.im.v1.message.get(GetMessageRequest.builder().message_id(sent.data.message_id).build(), option())
assert not found.success() and found.code == "denied" and found.raw.status_code == 403 and found.msg, vars(found)
print("refused", flush=True)
print("bearer", lease["access_token"], flush=True)
sys.stdin.read()
