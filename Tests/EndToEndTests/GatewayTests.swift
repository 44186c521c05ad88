import Linux
import Testing

@testable import postern_sim

@Suite struct `The gateway` {
    private let stand: Stand
    private let planted: Stand.Planted

    init() throws {
        stand = try Stand(simulated: true, flags: ["--gateway-body-limit", "16"]).start()
        planted = try stand.furnish(methods: ["auth.test", "api.test", "users.list", "chat.postMessage"])
    }

    /// Paths as they stand behind the lease, each with its answer; the platform sees none of them.
    @Test func `sends on no path that could mean another one`() throws {
        let lease = try stand.lease()
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        let paths: [(String, String)] = [
            ("../auth.test", "bad_request"), ("%2e%2e/auth.test", "bad_request"), ("api//auth.test", "bad_request"),
            ("./auth.test", "bad_request"), ("auth.test/", "bad_request"), ("auth.test%00", "bad_request"),
            ("auth.test%0d%0aX:1", "bad_request"), ("auth%2Ftest.x", "bad_request"), ("a%255cb.c", "bad_request"),
            ("https://evil.example/auth.test", "bad_request"), ("@evil.example/auth.test", "bad_request"),
            ("auth.test;x", "bad_request"), ("auth.test%", "bad_request"), ("auth.test%zz", "bad_request"),
            ("%c0%ae%c0%ae/auth.test", "bad_request"), ("\\auth.test", "bad_request"),
            (String(repeating: "a", count: 2000) + ".b", "bad_request"), ("auth", "not_found"),
            ("im/v1/messages", "not_found"), ("files.upload", "denied"), ("oauth.v2.access", "not_found"),
            ("AUTH.revoke", "denied"),
        ]
        for (path, code) in paths {
            let before = try stand.head()
            let reply = try wire.call("POST", "/v1/gateway/\(lease)/\(path)")
            #expect(reply.code == code, "\(path): \(reply.text)")
            #expect(try stand.records(after: before).contains { $0["action"]?.text?.hasPrefix("gateway.call") == true })
        }
        #expect(try stand.sim?.count("auth.test") == 1, "only the check of the app itself")
    }

    @Test func `takes the methods of HTTP that APIs have, and no others`() throws {
        let lease = try stand.lease()
        for (verb, status) in [
            ("GET", 200), ("POST", 200), ("HEAD", 405), ("OPTIONS", 405), ("PUT", 405), ("TRACE", 405), ("BREW", 405),
        ] {
            let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
            try wire.send(Wire.request(verb, "/v1/gateway/\(lease)/api.test"))
            // The length of what a HEAD does not send is not waited for.
            let reply = verb == "HEAD" ? wire.receiveHead() : try wire.receive()
            #expect(reply.status == status, "\(verb): \(reply.text)")
        }
    }

    @Test func `passes large bodies both ways as they come`() throws {
        let lease = try stand.lease()
        let text = String(repeating: "a large body, ", count: 500_000)
        let body = JSON.object(["text": .string(text)])
        let reply = try stand.broker(
            "POST", "gateway/\(lease)/api.test", body, headers: ["Content-Type: application/json"])
        #expect(reply.status == 200 && reply.body.count > 7_000_000)
        #expect(reply["args"]?["text"]?.text == text)
        let small = try stand.broker("POST", "gateway/\(lease)/api.test")
        #expect(small["ok"] == true)
    }

    @Test func `refuses a body over its limit, and a form that is too large to look through`() throws {
        let lease = try stand.lease()
        let head = ["Content-Type: application/x-www-form-urlencoded", "Content-Length: 2000000"]
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try wire.send(Wire.request("GET", "/v1/gateway/\(lease)/api.test", head))
        #expect(try wire.receive().code == "too_large")
        let other = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try other.send(Wire.request("GET", "/v1/gateway/\(lease)/api.test", ["Content-Length: 20000000"]))
        #expect(try other.receive().code == "too_large")
    }

    @Test func `lets no byte of the token out, wherever in a long answer it stands`() throws {
        let lease = try stand.lease()
        let token = try #require(planted.botToken)
        for padding in [0, 40_000, 3_000_000] {
            let text = String(repeating: "x", count: padding)
            let body = JSON.object(["text": .string(text + token + String(repeating: "y", count: padding))])
            let before = try stand.head()
            let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
            try wire.send(
                Wire.request(
                    "POST", "/v1/gateway/\(lease)/api.test", ["Content-Type: application/json", "Connection: close"],
                    body: body.bytes))
            let told = wire.rest()
            #expect(!told.contains(token) && !told.contains("y\""), "\(padding): \(told.count)")
            let isNoted = try eventually {
                try stand.records(after: before).contains { $0["reason"] == "token_in_answer" }
            }
            #expect(isNoted)
        }
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
    }

    @Test func `ends a body without end at its limit, and follows no redirect`() throws {
        let sim = try #require(stand.sim)
        let lease = try stand.lease()
        try sim.fault("auth.test", "endless")
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try wire.send(Wire.request("POST", "/v1/gateway/\(lease)/auth.test"))
        let told = wire.rest()
        #expect(told.utf8.count > 1 << 20 && told.utf8.count < 18 << 20 && !told.hasSuffix("0\r\n\r\n"))
        try sim.fault("auth.test", "status:302")
        let reply = try stand.broker("POST", "gateway/\(lease)/auth.test")
        #expect(reply.code == "platform_refused" && reply.header("location") == nil)
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
    }

    @Test func `remembers with which method the platform asked to wait`() throws {
        let sim = try #require(stand.sim)
        let lease = try stand.lease()
        try sim.control(
            "POST", "faults", ["match": "auth.test", "fault": "status:429", "times": 1, "retry_after": 60])
        let first = try stand.broker("POST", "gateway/\(lease)/auth.test")
        #expect(first.status == 429 && first.header("retry-after") == "60" && first["ok"] == false)
        let before = try sim.count("auth.test")
        // For whoever asks with whatever lease of that app.
        for lease in [lease, try stand.lease()] {
            let second = try stand.broker("POST", "gateway/\(lease)/auth.test")
            #expect(second.code == "rate_limited" && Int(second.header("retry-after") ?? "").map { $0 > 50 } == true)
        }
        #expect(try sim.count("auth.test") == before)
        #expect(try stand.broker("POST", "gateway/\(lease)/api.test")["ok"] == true)
        // Another app's calls of the very same method are its own affair.
        try stand.add("A0OTHER0001", of: "globex")
        try stand.grant("globex/slack/*", actions: ["access:bot"], methods: ["auth.test"])
        let other = try stand.lease("slack/A0OTHER0001")
        #expect(try stand.broker("POST", "gateway/\(other)/auth.test")["ok"] == true)
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").code == "rate_limited")
    }

    @Test func `asks again when the time to wait is over`() throws {
        let sim = try #require(stand.sim)
        let lease = try stand.lease()
        try sim.control(
            "POST", "faults", ["match": "auth.test", "fault": "status:429", "times": 1, "retry_after": 1])
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").header("retry-after") == "1")
        #expect(try eventually { try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true })
    }
}

extension Wire {
    /// The next answer's head, for one that has no body whatever its length says.
    func receiveHead() -> Reply {
        let text = rest(atLeast: 16)
        return Reply(status: Int(text.split(separator: " ").dropFirst().first ?? "") ?? 0, headers: [], body: [])
    }
}
