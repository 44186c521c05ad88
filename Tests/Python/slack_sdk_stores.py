"""Installation stores as a bridge with slack_sdk leaves them behind.

usage: slack_sdk_stores.py PACKAGES sqlite FILE | sqlite-wal FILE | files FOLDER
"""

import os
import sqlite3
import sys
import time

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
KIND, PATH = sys.argv[2], sys.argv[3]

from slack_sdk.oauth.installation_store import FileInstallationStore, Installation
from slack_sdk.oauth.installation_store.sqlite3 import SQLite3InstallationStore

CLIENT = "1234567890.0987654321"
APP = "A0123456789"
SOON = int(time.time()) + 43200


def install(**more):
    return Installation(app_id=APP, bot_id="B0FAKE", bot_user_id="U0FAKEBOT", token_type="bot", **more)


if KIND == "files":
    store = FileInstallationStore(base_dir=PATH, client_id=CLIENT)
else:
    if KIND == "sqlite-wal":
        sqlite3.connect(PATH).execute("PRAGMA journal_mode = WAL")
    store = SQLite3InstallationStore(database=PATH, client_id=CLIENT)
    # While this one is open, nobody moves the log into the file.
    held = sqlite3.connect(PATH)

beta = dict(team_id="T0FAKEBETA", team_name="Beta", bot_scopes=["chat:write"], user_id="U0FAKEBEA")
for number in ("old", "new"):
    store.save(
        install(
            **beta, bot_token=f"xoxe.xoxb-fake-beta-{number}", bot_refresh_token=f"xoxe-1-fake-beta-{number}",
            bot_token_expires_at=SOON, incoming_webhook_url="https://hooks.example/fake-beta-new",
            installed_at=time.time() + (0 if number == "new" else -100)))
    if KIND != "files":
        held.execute("SELECT count(*) FROM slack_bots").fetchall()
        # The store's clock has whole seconds.
        time.sleep(0.01)
store.save(
    install(
        team_id="T0FAKEGAMMA", team_name="Gamma", bot_token="xoxb-fake-gamma", bot_scopes="chat:write,users:read",
        user_id="U0FAKEGUS", user_token="xoxp-fake-gus", user_scopes=["identity.basic"]))
store.save(
    install(
        enterprise_id="E0FAKEORG", enterprise_name="Org", is_enterprise_install=True, bot_token="xoxb-fake-org",
        bot_scopes=["chat:write"], user_id="U0FAKEOLGA"))
store.save(
    install(
        team_id="T0FAKEGONE", team_name="Gone", bot_token="xoxb-fake-gone", bot_scopes=["chat:write"],
        bot_token_expires_at=1000, user_id="U0FAKEGIL"))
# As a bridge that was killed: nothing is tidied up.
os._exit(0)
