import Linux
import Testing

@testable import postern_sim

@Suite struct `Bad input on broker.sock` {
    /// Method, path below /v1/, body, status and code.
    private static let cases: [(String, String, String, Int, String)] = [
        ("GET", "apps/slack/A01%2F..%2F/secrets/signing_secret", "", 400, "bad_request"),
        ("GET", "apps/slack/\(String(repeating: "A", count: 300))/secrets/signing_secret", "", 400, "bad_request"),
        ("GET", "apps/telegram/A0123456789/secrets/signing_secret", "", 400, "bad_request"),
        ("GET", "apps/slack/A0123456789/secrets/password", "", 400, "unknown_kind"),
        ("GET", "apps/slack/A0123456789/secrets/signing_secret?version=abc", "", 400, "bad_request"),
        ("GET", "apps/slack/A0123456789/secrets/signing_secret?version=99", "", 404, "not_found"),
        ("DELETE", "self", "", 405, "method_not_allowed"),
        ("BREW", "health", "", 405, "method_not_allowed"),
        ("GET", "nothing", "", 404, "not_found"),
        ("GET", "admin/status", "", 404, "not_found"),
        ("POST", "apps/slack/A0123456789/access", "{", 400, "malformed_json"),
        ("POST", "apps/slack/A0123456789/access", "[]", 400, "malformed_json"),
        ("POST", "apps/slack/A0123456789/access", "\u{0}", 400, "malformed_json"),
        ("POST", "apps/slack/A0123456789/access", #"{"as":1}"#, 400, "malformed_json"),
        ("POST", "apps/slack/A0123456789/access", #"{"as":"bot","extra":1}"#, 400, "malformed_json"),
        ("POST", "apps/slack/A0123456789/access", #"{"as":"king"}"#, 400, "bad_request"),
        ("POST", "apps/slack/A0123456789/access", #"{"as":"bot","ttl":-5}"#, 400, "bad_request"),
        ("POST", "apps/slack/A0123456789/access", #"{"as":"bot","ttl":9223372036854775808}"#, 400, "malformed_json"),
        ("POST", "apps/slack/A0123456789/access", String(repeating: "[", count: 100_000), 400, "malformed_json"),
        (
            "POST", "apps/slack/A0123456789/access", #"{"as":"# + String(repeating: #"{"a":"#, count: 50_000),
            400, "malformed_json"
        ),
        ("POST", "apps/slack/A0123456789/oauth/authorize", #"{"purpose":"steal"}"#, 400, "bad_request"),
        (
            "POST", "apps/slack/A0123456789/oauth/authorize",
            #"{"purpose":"install","redirect_uri":"https://evil.example/"}"#, 400, "bad_request"
        ),
        ("POST", "apps/slack/A0123456789/oauth/callback", #"{"code":"x"}"#, 400, "malformed_json"),
        ("POST", "apps/slack/A0123456789/oauth/callback", #"{"code":"x","state":"forged"}"#, 400, "state_invalid"),
        ("POST", "apps/slack/A0123456789/access", String(repeating: " ", count: 1_100_000), 413, "too_large"),
    ]

    @Test func `is named, changes nothing and hurts nobody`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish()
        let before = stand.digests
        var refused: Set<String> = []
        for (method, call, body, status, code) in Self.cases {
            let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
            try? wire.send(Wire.request(method, "/v1/\(call)", body: Array(body.utf8)))
            let reply = try wire.receive()
            let what = "\(method) \(call.prefix(80)) \(body.prefix(40))"
            #expect(reply.status == status && reply.code == code, "\(what): \(reply.text.prefix(200))")
            #expect(reply.requestID?.count == 24 && reply.json?["request_id"]?.text == reply.requestID, "\(what)")
            #expect(reply.header("content-type") == "application/problem+json", "\(what)")
            refused.insert(reply.requestID ?? "")
        }
        #expect(stand.digests == before)
        // Some records are not waited for.
        var unheard = refused
        _ = try eventually {
            unheard.subtract(try stand.records().compactMap { $0["request_id"]?.text })
            return unheard.isEmpty
        }
        #expect(unheard.isEmpty, "\(unheard)")
        #expect(try stand.read("signing_secret")["value"]?.text == planted.signingSecret)
    }

    /// Only the origin form names a call (RFC 9112, section 3.2): of the others some reader could take less or more.
    @Test func `has targets that begin with a slash, or none`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let lease = "ls_" + String(repeating: "0", count: 32)
        for target in [
            "v1/self", "x/v1/self", "@evil.example/v1/self", "http://postern/v1/self", "//v1/self", "*",
            "@evil.example/v1/gateway/\(lease)/api.test", "x/v1/admin/status",
        ] {
            for socket in [stand.brokerSocket, stand.adminSocket] {
                let wire = try Wire(socket, uid: socket == stand.brokerSocket ? Stand.bridge : nil)
                try wire.send(Wire.request("GET", target))
                let reply = try wire.receive()
                #expect(reply.status == 404 && reply.code == "not_found", "\(target): \(reply.text)")
            }
        }
    }

    /// Method, path below /v1/admin/, body, status and code.
    private static let adminCases: [(String, String, String, Int, String)] = [
        ("POST", "tenants", #"{"slug":"No Slug!","name":"x"}"#, 400, "bad_request"),
        ("POST", "tenants", #"{"slug":"acme","name":"x"}"#, 409, "conflict"),
        ("POST", "tenants", #"{"slug":"beta"}"#, 400, "malformed_json"),
        ("GET", "tenants/nobody", "", 404, "not_found"),
        ("GET", "apps/slack/A0999999999", "", 404, "not_found"),
        ("POST", "tenants/nobody/suspend", "", 404, "not_found"),
        ("PUT", "apps/slack/A0123456789/secrets/password", #"{"value":"x"}"#, 400, "unknown_kind"),
        ("PUT", "apps/slack/A0123456789/secrets/signing_secret", #"{"value":""}"#, 400, "bad_request"),
        ("PUT", "apps/slack/A0123456789/secrets/signing_secret", #"{"value":"a\u0000b"}"#, 400, "bad_request"),
        ("PUT", "apps/slack/A0999999999/secrets/signing_secret", #"{"value":"x"}"#, 404, "not_found"),
        (
            "PUT", "apps/slack/A0123456789/secrets/signing_secret",
            #"{"value":""# + String(repeating: "x", count: 65_537) + #""}"#, 413, "too_large"
        ),
        ("POST", "services", #"{"name":"x","selectors":[]}"#, 400, "bad_request"),
        ("POST", "services", #"{"name":"x","selectors":["exe:/bin/true"]}"#, 400, "bad_request"),
        ("POST", "services", #"{"name":"x","selectors":["shoe:42"]}"#, 400, "bad_request"),
        (
            "POST", "grants", #"{"service":"bridge","pattern":"acme/slack","actions":["access:bot"]}"#, 400,
            "bad_request"
        ),
        (
            "POST", "grants", #"{"service":"bridge","pattern":"*/*/*","actions":["rule:world"]}"#, 400, "bad_request"
        ),
        (
            "POST", "grants", #"{"service":"nobody","pattern":"*/*/*","actions":["access:bot"]}"#, 404, "not_found"
        ),
        ("DELETE", "grants/9999", "", 404, "not_found"),
        ("DELETE", "grants/-1", "", 400, "bad_request"),
        ("DELETE", "leases/ls_00000000000000000000000000000000", "", 404, "not_found"),
        ("GET", "why/000000000000000000000000", "", 404, "not_found"),
        ("GET", "why/xyz", "", 400, "bad_request"),
        ("GET", "can?service=bridge&action=rule:world&app=slack/A0123456789", "", 400, "bad_request"),
        ("GET", "audit?limit=0", "", 400, "bad_request"),
        ("GET", "audit?since=yesterday", "", 400, "bad_request"),
        ("POST", "apps", #"{"tenant":"acme","profile":"alibaba-slack","app_id":"A 1"}"#, 400, "bad_request"),
        ("POST", "apps", #"{"tenant":"acme","profile":"myspace","app_id":"A1"}"#, 400, "bad_request"),
        ("POST", "apps", #"{"tenant":"acme","profile":"alibaba-slack","app_id":"A0123456789"}"#, 409, "conflict"),
    ]

    @Test func `is named on admin.sock too`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let before = stand.digests
        for (method, call, body, status, code) in Self.adminCases {
            let wire = try Wire(stand.adminSocket)
            try wire.send(Wire.request(method, "/v1/admin/\(call)", body: Array(body.utf8)))
            let reply = try wire.receive()
            let what = "\(method) \(call) \(body.prefix(80))"
            #expect(reply.status == status && reply.code == code, "\(what): \(reply.text)")
        }
        #expect(stand.digests == before)
    }

    @Test func `half a request then silence ends by name and holds up nobody`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let slow = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try slow.send(Array("GET /v1/apps/slack/A0123456789/secrets/signing_secret HTTP/1.1\r\nHo".utf8))
        let half = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try half.send(
            Array("POST /v1/apps/slack/A0123456789/access HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{".utf8))
        for _ in 0..<20 { #expect(try stand.read("signing_secret").status == 200) }
        #expect(try slow.receive().code == "request_timeout")
        #expect(try half.receive().code == "request_timeout")
    }

    @Test func `too large a header is named, and on record without a byte of it`() throws {
        let stand = try Stand().start()
        let wire = try Wire(stand.brokerSocket)
        let before = try stand.records().count
        for _ in 0..<5 {
            let wire = try Wire(stand.brokerSocket)
            try? wire.send(Wire.request("GET", "/v1/self", ["X-Long: " + String(repeating: "x", count: 66_000)]))
            #expect(try wire.receive().code == "header_too_large")
        }
        #expect(try stand.broker("GET", "health").status == 200)
        try wire.send(Wire.request("GET", "/v1/health"))
        #expect(try wire.receive().status == 200)
        let noted = { try stand.records().dropFirst(before).filter { $0["action"] == "broker.call" } }
        #expect(try eventually { try !noted().isEmpty })
        let records = try noted()
        #expect(
            records.count == 1 && records[0]["reason"] == "header_too_large", "a stranger's are counted: \(records)")
        #expect(!"\(records)".contains("xxxx"))
    }

    /// A stranger could hold as many of them in memory as there are connections.
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `a large body of somebody who is no service is refused unread`() throws {
        let stand = try Stand().start()
        try stand.furnish(actions: ["webhook:verify"])
        let path = "/v1/apps/\(Stand.app)/webhooks/verify"
        for socket in [stand.brokerSocket, stand.adminSocket] {
            let wire = try Wire(socket, uid: Stand.stranger)
            try wire.send(Array("POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 4000000\r\n\r\n{".utf8))
            let reply = try wire.receive()
            #expect(
                reply.code == (socket == stand.brokerSocket ? "denied" : "too_large"), "\(socket): \(reply.text)")
        }
        let admin = try Wire(stand.adminSocket, uid: Stand.stranger)
        try admin.send(
            Array("POST /v1/admin/tenants HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n".utf8))
        #expect(try admin.receive().code == "denied")
        let bridge = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try bridge.send(Wire.request("POST", path, body: [UInt8](repeating: 32, count: 2_000_000)))
        #expect(try bridge.receive().status == 200)
        let noted = try stand.records().filter {
            $0["outcome"] == "denied" && $0["actor"]?["uid"] == .integer(Int64(Stand.stranger ?? 0))
        }
        #expect(Set(noted.compactMap { $0["reason"]?.text }) == ["no_service", "no_role"], "\(noted)")
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `what is no HTTP at all is on record, with the user who sent it`() throws {
        let stand = try Stand().start()
        let long = String(repeating: "a", count: 100_000)
        for (uid, sent, reason) in [
            (3001, "GET /v1/self HTTP/1.1\r\n\r\n", "bad_request"),
            (3002, "GET /v1/\(long) HTTP/1.1\r\n\r\n", "bad_request"),
            (3003, "GET /v1/self HTTP/1.1\r\nHost: h\r\nX: \(long)\r\n\r\n", "header_too_large"),
            (3004, "EHLO postern\r\n", "bad_request"),
            (3005, "POST /v1/self HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "bad_request"),
            (3006, "GET /v1/self\u{0} HTTP/1.1\r\nHost: h\r\n\r\n", "bad_request"),
        ] {
            let wire = try Wire(stand.brokerSocket, uid: UInt32(uid))
            try? wire.send(Array(sent.utf8))
            // Who hangs up at once might have sent nothing.
            defer { wire.hangUp() }
            #expect(!wire.rest().hasPrefix("HTTP/1.1 2"))
            var noted: [JSON] = []
            let isNoted = try eventually {
                noted = try stand.records().filter { $0["actor"]?["uid"] == .integer(Int64(uid)) }
                return noted.contains {
                    $0["action"] == "broker.call" && $0["outcome"] == "error" && $0["reason"]?.text == reason
                }
            }
            #expect(isNoted, "\(sent.prefix(60)): \(noted)")
        }
    }
}
