"""Genesys Cloud's own SDK behind Postern's TCP gateway: a bridge with nothing but a lease.

usage: gateway_genesys.py PACKAGES BROKER_SOCKET APP_ID
Prints one line for each chapter, then waits for the end of its input, so that its memory can be looked at; ends with
exit code 1 and a traceback at the first surprise.
"""

import http.client
import json
import os
import socket
import sys
import tempfile
import warnings

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")
# The SDK looks for its settings in the home directory.
os.environ["HOME"] = tempfile.gettempdir()

import PureCloudPlatformClientV2 as genesys
from PureCloudPlatformClientV2.rest import ApiException


class Broker(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(sys.argv[2])

    def access(self, **ask):
        body = json.dumps(dict(ask, **{"as": "app", "deliver": "tcp"}))
        self.request("POST", f"/v1/apps/genesys/{sys.argv[3]}/access", body, {"Content-Type": "application/json"})
        answer = self.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 201, content
        return content


lease = Broker("postern", timeout=20).access(
    methods=["GET api/v2/conversations/messaging/integrations/open"], ttl=600)
client = genesys.api_client.ApiClient(host=lease["gateway"])
client.access_token = lease["access_token"]
messaging = genesys.ConversationsApi(client)
page = messaging.get_conversations_messaging_integrations_open(page_size=1, page_number=2)
assert (page.page_count, page.total, len(page.entities)) == (2, 2, 1), page
print("looked", flush=True)
try:
    messaging.get_conversations_messaging_integrations_open_integration_id(page.entities[0].id)
    raise AssertionError("it was not refused")
except ApiException as error:
    assert error.status == 403 and json.loads(error.body)["code"] == "denied", error
print("refused", flush=True)
print("bearer", lease["access_token"], flush=True)
sys.stdin.read()
