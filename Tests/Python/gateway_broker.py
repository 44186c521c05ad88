"""What the stories of SDKs behind the TCP gateway share: asking the broker for a lease."""

import http.client
import json
import socket


class Broker(http.client.HTTPConnection):
    def __init__(self, path, app, leg):
        super().__init__("postern", timeout=20)
        self.path, self.app, self.leg = path, app, leg

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def access(self, **ask):
        body = json.dumps(dict(ask, **{"as": self.leg, "deliver": "tcp"}))
        self.request("POST", f"/v1/apps/{self.app}/access", body, {"Content-Type": "application/json"})
        answer = self.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 201, content
        return content
