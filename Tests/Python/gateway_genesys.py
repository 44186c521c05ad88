"""Genesys Cloud's own SDK behind Postern's TCP gateway: a bridge with nothing but a lease.

usage: gateway_genesys.py PACKAGES BROKER_SOCKET APP_ID
Prints one line for each chapter, then waits for the end of its input, so that its memory can be looked at; ends with
exit code 1 and a traceback at the first surprise.
"""

import json
import os
import sys
import tempfile
import warnings

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
warnings.simplefilter("ignore")
# The SDK looks for its settings in the home directory.
os.environ["HOME"] = tempfile.gettempdir()

from gateway_broker import Broker
import PureCloudPlatformClientV2 as genesys
from PureCloudPlatformClientV2.rest import ApiException

lease = Broker(sys.argv[2], f"genesys/{sys.argv[3]}", "app").access(
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
