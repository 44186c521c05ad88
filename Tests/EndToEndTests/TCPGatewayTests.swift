import Glibc
import Linux
import Testing

@testable import postern_sim

@Suite struct `The TCP gateway` {
    @Test func `serves what the lease has, with its bearer in place of the token`() throws {
        let gateway = try TCPGateway()
        let lease = try gateway.access(["methods": ["chat.postMessage"]])
        let bearer = try #require(lease["access_token"]?.text)
        #expect(lease["gateway"]?.text == "http://\(gateway.address)/slack/")
        let posted = try gateway.call("/slack/chat.postMessage", bearer)
        #expect(posted["ok"] == true && posted.header("x-request-id") != nil, "\(posted.text)")
        for path in ["/slack/users.list", "/slack/auth.test", "/slack/auth.revoke"] {
            let refused = try gateway.call(path, bearer)
            // What Slack's SDKs look at is there as well.
            #expect(
                refused.status == 403 && refused.code == "denied" && refused["error"] == "denied", "\(refused.text)")
        }
        #expect(try gateway.stand.sim?.control("GET", "messages")["messages"]?.count == 1)
        #expect(try gateway.stand.sim?.count("users.list") == 0)
        let record = try #require(
            try gateway.stand.records().last { $0["action"] == "gateway.call" && $0["outcome"] == "allowed" })
        #expect(record["actor"]?["name"] == "bridge" && record["lease_id"] == lease["lease_id"], "\(record)")
    }

    /// Platforms, 0.3: only the platform's API base; design, section 6: the path is normalised once.
    @Test func `takes no path but those of the platform's API`() throws {
        let gateway = try TCPGateway(methods: ["*"])
        let bearer = try gateway.bearer()
        let wire = try gateway.connect()
        #expect(try gateway.call("/elsewhere", bearer).status == 404)
        #expect(
            try gateway.stand.records().contains {
                $0["action"] == "gateway.call" && $0["outcome"] == "error" && $0["reason"] == "not_found"
            })
        for (path, statuses) in [
            ("/slack/../auth.test", [400]), ("/slack/%2e%2e/auth.test", [400]), ("//slack/auth.test", [404]),
            ("/slack//auth.test", [400]), ("/auth.test", [404]), ("/slack", [404]), ("/slack/", [400]),
            ("/slack/auth%252etest", [400]), ("/slack/@evil.example/auth.test", [400]), ("/", [404]),
            ("/v1/gateway/ls_0/auth.test", [404]), ("http://evil.example/slack/auth.test", [400, 403, 404]),
            ("/open-apis/im/v1/messages", [403, 404]), ("/api/v2/users/me", [403, 404]), ("*", [404]),
            ("/slack/auth.test?token=xoxb-1-fakefakefake", [400]),
            ("/slack/" + String(repeating: "a", count: 600), [403, 404]),
        ] {
            try wire.send(Wire.request("POST", path, gateway.headers(bearer), body: Array("{}".utf8), host: nil))
            let reply = try wire.receive()
            #expect(statuses.contains(reply.status), "\(path): \(reply.status) \(reply.text)")
            // What there is only who has a lease learns.
            let other = "ptcp_" + String(repeating: "A", count: 43)
            try wire.send(Wire.request("POST", path, gateway.headers(other), body: Array("{}".utf8), host: nil))
            let told = try wire.receive().status
            #expect(told == 401 || path.hasPrefix("http:") && told == reply.status, "\(path): \(told)")
        }
        for raw in [
            "POST /slack/auth.test HTTP/1.1\r\nHost: \(gateway.address)\r\nAuthorization: Bearer \(bearer)\r\nAuthorization: Bearer \(bearer)\r\nContent-Length: 0\r\n\r\n",
            "POST /slack/auth.test HTTP/1.1\r\nHost: \(gateway.address)\r\nAuthorization: Bearer \(bearer)\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
            "POST /slack/\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\nHost: \(gateway.address)\r\nAuthorization: Bearer \(bearer)\r\nContent-Length: 0\r\n\r\n",
        ] {
            let wire = try gateway.connect()
            try wire.send(Array(raw.utf8))
            let reply = try wire.receive()
            #expect([400, 401, 414, 431].contains(reply.status), "\(raw.prefix(80)): \(reply.status)")
        }
        #expect(try gateway.stand.sim?.count("auth.test") == 1, "but for the check when the app was added")
    }

    /// A page that a browser shows, and a name that somebody made point here, must not be able to use a bearer.
    @Test func `refuses browsers, other names for it, and whoever has no bearer`() throws {
        let gateway = try TCPGateway()
        let bearer = try gateway.bearer()
        let good = "Authorization: Bearer \(bearer)"
        let host = "Host: \(gateway.address)"
        let table: [([String], Int, String)] = [
            (["Host: localhost:\(gateway.port)", good], 403, "wrong_host"),
            (["Host: 127.0.0.1", good], 403, "wrong_host"),
            (["Host: postern.evil.example:\(gateway.port)", good], 403, "wrong_host"),
            (["Host: 127.0.0.1:1", good], 403, "wrong_host"), ([good, host, host], 403, "wrong_host"),
            ([host, good, "Origin: https://evil.example"], 403, "from_browser"),
            ([host, good, "origin: null"], 403, "from_browser"),
            ([host, good, "Sec-Fetch-Site: same-origin"], 403, "from_browser"),
            ([host], 401, "unknown_bearer"), ([host, "Authorization: Basic cG9zdGVybjp4"], 401, "unknown_bearer"),
            ([host, "Authorization: Bearer"], 401, "unknown_bearer"), ([host, good, good], 401, "unknown_bearer"),
            ([host, good + "x"], 401, "unknown_bearer"), ([host, good + " x"], 401, "unknown_bearer"),
            ([host, "Authorization: Bearer xoxb-1-2-fakefakefake"], 401, "unknown_bearer"),
            ([host, "Authorization: Bearer ptcp_" + String(repeating: "A", count: 43)], 401, "unknown_bearer"),
            ([host, "Authorization: Bearer " + String(repeating: "a", count: 9000)], 401, "unknown_bearer"),
            ([host, "Cookie: d=\(bearer)"], 401, "unknown_bearer"),
        ]
        for (headers, status, _) in table {
            let wire = try gateway.connect()
            try wire.send(Wire.request("POST", "/slack/auth.test", headers, host: nil))
            let reply = try wire.receive()
            #expect(reply.status == status, "\(headers): \(reply.text)")
            #expect(status != 401 || reply.header("www-authenticate")?.hasPrefix("Bearer ") == true)
            #expect(!reply.text.contains(bearer))
        }
        #expect(try gateway.stand.sim?.count("auth.test") == 1)
        // The first of a kind is on record at once, all others are counted.
        #expect(try gateway.refusals().contains(table[0].2))
        #expect(try gateway.call("/slack/auth.test", bearer)["ok"] == true)
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `knows the user of each connection, and serves no other`() throws {
        let gateway = try TCPGateway()
        let bearer = try gateway.bearer()
        let theirs = try gateway.call("/slack/auth.test", bearer, uid: Stand.stranger)
        let none = try gateway.call(
            "/slack/auth.test", "ptcp_" + String(repeating: "B", count: 43), uid: Stand.stranger)
        #expect(theirs.status == 401 && theirs.code == "invalid_token" && none.status == 401)
        #expect(theirs["detail"] == none["detail"], "the two must not be told apart")
        #expect(try gateway.call("/slack/auth.test", bearer, uid: 0).status == 401, "root has users of its own")
        #expect(try gateway.refusals().contains("other_user"))
        #expect(try gateway.call("/slack/auth.test", bearer)["ok"] == true)
    }

    @Test func `keeps a connection from one call to the next, also after a refusal`() throws {
        let gateway = try TCPGateway()
        let bearer = try gateway.bearer()
        let wire = try gateway.connect()
        for (bearer, status) in [(bearer, 200), ("ptcp_no", 401), (bearer, 200)] {
            try wire.send(Wire.request("POST", "/slack/auth.test", gateway.headers(bearer), host: nil))
            #expect(try wire.receive().status == status)
        }
        // Two at once, one behind the other.
        let both = Wire.request("POST", "/slack/auth.test", gateway.headers(bearer), host: nil)
        try wire.send(both + both)
        #expect(try wire.receive()["ok"] == true && wire.receive()["ok"] == true)
    }

    @Test func `is opened by the bearer alone, and matches the path that it sends on`() throws {
        let gateway = try TCPGateway(methods: ["auth.test"])
        let lease = try gateway.access()
        let bearer = try #require(lease["access_token"]?.text)
        let id = try #require(lease["lease_id"]?.text)
        // The id is in every record of it.
        #expect(try gateway.stand.broker("POST", "gateway/\(id)/auth.test").code == "denied")
        #expect(try gateway.call("/slack/auth.test", id).code == "invalid_token")
        #expect(try gateway.call("/slack/%61uth.test", bearer)["ok"] == true)
        #expect(try gateway.call("/slack/%63hat.postMessage", bearer).code == "denied")
        #expect(try gateway.stand.sim?.count("chat.postMessage") == 0)
    }

    @Test func `ends with its lease`() throws {
        let gateway = try TCPGateway()
        let kept = try gateway.bearer()
        let lease = try gateway.access()
        let ended = try #require(lease["access_token"]?.text)
        let brief = try gateway.bearer(["ttl": 1])
        #expect(try gateway.call("/slack/auth.test", ended)["ok"] == true)
        #expect(try gateway.stand.broker("DELETE", "leases/\(lease["lease_id"]?.text ?? "")").status == 204)
        #expect(try gateway.call("/slack/auth.test", ended).code == "expired")
        #expect(try eventually { try gateway.call("/slack/auth.test", brief).code == "expired" })
        try gateway.stand.must("POST", "services/bridge/suspend")
        #expect(try gateway.call("/slack/auth.test", kept).status != 200)
        try gateway.stand.must("POST", "services/bridge/resume")
        #expect(try gateway.call("/slack/auth.test", kept).code == "expired")
    }

    @Test func `takes bodies up to its limit and says so beyond`() throws {
        let gateway = try TCPGateway()
        let bearer = try gateway.bearer()
        let text = String(repeating: "x", count: 1_000_000)
        let large = try gateway.call(
            "/slack/chat.postMessage", bearer, body: ["channel": "#general", "text": .string(text)])
        // Slack's own words, or its simulation's: it has come there.
        #expect(large["ok"] != nil, "\(large.status) \(large.text.prefix(300))")
        let wire = try gateway.connect()
        try wire.send(
            Wire.request(
                "GET", "/slack/chat.postMessage", gateway.headers(bearer) + ["Content-Length: 99000000"], host: nil))
        #expect(try wire.receive().status == 413)
    }
}
