import Linux
import Testing

@testable import postern_sim

@Suite struct `A denied caller` {
    /// All of an answer that could tell one refusal from another: everything but ids and the time.
    private func shape(_ reply: Reply) -> [String] {
        let id = reply.requestID ?? ""
        let headers = reply.headers.filter { $0.name != "date" && $0.name != "x-request-id" }
        return ["\(reply.status)"] + headers.map { "\($0.name): \($0.value)" }
            + [reply.text.split(separator: id, omittingEmptySubsequences: false).joined(separator: "ID")]
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `cannot tell an unknown app from a forbidden one`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        for call in ["secrets/signing_secret", "secrets/bot_token", "", "installations"] {
            var shapes: Set<[String]> = []
            for uid: UInt32 in [1002, 1003] {
                for app in ["A0123456789", "A0999999999", "A1"] {
                    let path = "apps/slack/\(app)" + (call.isEmpty ? "" : "/\(call)")
                    shapes.insert(shape(try stand.broker("GET", path, uid: uid)))
                }
            }
            #expect(shapes.count == 1, "\(call): \(shapes)")
            #expect(shapes.first?.first == "403")
        }
        for (call, body) in [
            ("access", ["as": "bot"]), ("oauth/authorize", ["purpose": "install"]),
            ("oauth/callback", ["code": "x", "state": "forged"]),
        ] as [(String, JSON)] {
            var shapes: Set<[String]> = []
            for uid: UInt32 in [1002, 1003] {
                for app in ["A0123456789", "A0999999999"] {
                    shapes.insert(shape(try stand.broker("POST", "apps/slack/\(app)/\(call)", body, uid: uid)))
                }
            }
            #expect(shapes.count == 1 && shapes.first?.first == "403", "\(call): \(shapes)")
        }
        // The same for the service that has a grant, beyond its grant and while its tenant or app stands still.
        let beyond = shape(try stand.read("client_secret"))
        #expect(beyond == shape(try stand.broker("GET", "apps/slack/A0999999999/secrets/client_secret")))
        try stand.must("POST", "tenants/acme/suspend")
        #expect(shape(try stand.read("signing_secret")) == beyond)
        try stand.must("POST", "tenants/acme/resume")
        try stand.must("POST", "apps/\(Stand.app)/suspend")
        #expect(shape(try stand.read("signing_secret")) == beyond)
        try stand.must("POST", "apps/\(Stand.app)/resume")
        #expect(try stand.read("signing_secret").status == 200)
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `cannot tell another service's lease from none`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish()
        let lease = try stand.lease()
        for uid: UInt32 in [1002, 1003] {
            for (method, call) in [
                ("POST", "leases/ID/renew"), ("DELETE", "leases/ID"), ("GET", "gateway/ID/auth.test"),
            ] {
                let ids = [lease, "ls_00000000000000000000000000000000"]
                let shapes = try ids.map { id in
                    let path = call.split(separator: "ID", omittingEmptySubsequences: false).joined(separator: id)
                    return shape(try stand.broker(method, path, uid: uid))
                }
                #expect(shapes[0] == shapes[1] && shapes[0].first == "403", "\(method) \(call)")
            }
        }
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `is in the log, and an admin can ask why`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let refused = try stand.read("signing_secret", uid: 1003)
        let id = try #require(refused.requestID)
        let why = try stand.must("GET", "why/\(id)")
        #expect(why["rule"]?.text == "no_grant" && why["record"]?["actor"]?["uid"] == 1003)
        let suggestion = try #require(why["suggestion"]?.text)
        #expect(suggestion == "postern grant add other acme/\(Stand.app) --action secret:read:signing_secret")
        let stranger = try #require(try stand.read("signing_secret", uid: 1002).requestID)
        #expect(try stand.must("GET", "why/\(stranger)")["rule"]?.text == "no_service")
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `on admin.sock is told no and closed`() throws {
        let stand = try Stand().start()
        for call in ["status", "tenants", "nothing", "audit/verify"] {
            let wire = try Wire(stand.adminSocket, uid: 1002)
            let reply = try wire.call("GET", "/v1/admin/\(call)")
            #expect(reply.code == "denied" && reply.header("connection") == "close", "\(call): \(reply.text)")
        }
        let records = try stand.records().filter { $0["actor"]?["uid"] == 1002 }
        #expect(records.contains { $0["outcome"] == "denied" && $0["action"] == "admin.call" })
    }

    /// Design, section 8: refusals cannot fill the log. In batches on a few connections, so that it is over soon.
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `asking 100 000 times grows the log by a bounded amount, and all are counted`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let before = try stand.head()
        let batch = 250
        let lines = 8
        let threads = try (0..<lines).map { line in
            try Thread.start(name: "flood") {
                guard let wire = try? Wire(stand.brokerSocket, uid: 1002) else { return }
                for round in 0..<(100_000 / batch / lines) {
                    var requests: [UInt8] = []
                    for one in 0..<batch {
                        // Other names every time: inventing them must not help.
                        let path = "/v1/apps/slack/A\(line)\(round)\(one)/secrets/signing_secret"
                        requests += Wire.request("GET", path)
                    }
                    guard (try? wire.send(requests)) != nil else { return }
                    for _ in 0..<batch { guard (try? wire.receive())?.status == 403 else { return } }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(try stand.read("signing_secret").status == 200)
        let grown = try stand.head() - before
        #expect(grown < 100, "\(grown) records")
        try stand.stop()
        try stand.start()
        var counted: Int64 = 0
        for record in try stand.records(after: before) where record["actor"]?["uid"] == 1002 {
            if case .integer(let count)? = record["count"] { counted += count } else { counted += 1 }
        }
        #expect(counted == 100_000)
    }
}
