import Linux
import Testing

@testable import postern_sim

/// Programs that get a lease from `postern run`, for an SDK that knows nothing of Postern.
@Suite struct `A program with a lease` {
    static let run = ["run", "--app", Stand.app, "--env", "TOKEN=access:bot", "--env", "URL=gateway:bot"]
    static let call = #"""
        call() { curl -sS "$URL$1" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"channel":"C0FAKE1","text":"hello"}'; }
        """#

    private static func left(_ stand: Stand, _ action: String) throws -> Int {
        try stand.records().count { $0["action"]?.text == action && $0["outcome"]?.text == "allowed" }
    }

    @Test func `calls the platform with it, for as long as it runs, and nobody does afterwards`() throws {
        let gateway = try TCPGateway()
        let script = Self.call + #"; echo "token $TOKEN"; call chat.postMessage; call auth.test; env; exec sleep 60"#
        let service = try Service(
            gateway.stand, Self.run + ["--method", "chat.postMessage", "--ttl", "2s", "--", "sh", "-c", script])
        #expect(service.shows("PATH="), "\(service.error)")
        #expect(try gateway.stand.sim?.control("GET", "messages")["messages"]?.count == 1, "\(service.out)")
        #expect(
            service.out.contains(#""error":"denied""#) && service.out.contains("URL=http://\(gateway.address)/slack/"))
        #expect(!service.out.contains(try #require(gateway.planted.botToken)))
        let bearer = try #require(service.out.split(separator: "\n").first?.split(separator: " ").last.map(String.init))
        // Longer than it would live by itself.
        #expect(try eventually { try Self.left(gateway.stand, "lease.renew") >= 3 }, "\(service.error)")
        #expect(try gateway.call("/slack/chat.postMessage", bearer).status == 200)
        #expect(try Self.left(gateway.stand, "access.issue") == 1)
        // Who stands before the program has the lease's id and no bearer.
        #expect(MemoryScan.regions(of: service.pid, with: MemoryScan.forms(of: bearer)) == [])
        service.send(signal: 15)
        #expect(try service.end() == .signalled(15), "\(service.error)")
        #expect(try gateway.call("/slack/chat.postMessage", bearer).status != 200)
        #expect(try Self.left(gateway.stand, "lease.end") == 1)
    }

    @Test func `is started again with a new one when it cannot be renewed, or a person is told to`() throws {
        let gateway = try TCPGateway()
        let stand = gateway.stand
        let grants = try stand.must("GET", "grants")["grants"]
        guard case .array(let rows)? = grants, case .integer(let id)? = rows.first?["id"] else { return }
        try stand.must("DELETE", "grants/\(id)")
        try stand.must(
            "POST", "grants",
            [
                "service": "bridge", "pattern": .string("acme/\(Stand.app)"), "actions": ["access:bot"],
                "methods": ["chat.postMessage"], "max_ttl_seconds": 3, "max_age_seconds": 3,
            ])
        let script = [#"echo "token $TOKEN"; while :; do sleep 0.02; done"#]
        let told = try Service(stand, Self.run + ["--", "sh", "-c"] + script)
        let watched = try Service(stand, Self.run + ["--watch", "restart", "--", "sh", "-c"] + script)
        #expect(eventually { watched.out.split(separator: "\n").count >= 2 }, "\(watched.error)")
        #expect(Set(watched.out.split(separator: "\n")).count == watched.out.split(separator: "\n").count)
        #expect(told.shows("cannot be kept") && told.shows("start it again"), "\(told.error)")
        #expect(told.out.split(separator: "\n").count == 1)
    }

    @Test func `has one that lives however long the program before took to end`() throws {
        let gateway = try TCPGateway()
        let stand = gateway.stand
        try stand.grant(actions: ["secret:read:signing_secret"])
        let file = "/tmp/postern-go-\(UInt64.random(in: 0 ..< .max))"
        defer { try? Directory.removeFile(file) }
        let script = #"""
            trap 'echo ending; until [ -e \#(file) ]; do sleep 0.02; done; exit 6' TERM
            echo "token $TOKEN"; while :; do sleep 0.02; done
            """#
        let words = ["--env", "SECRET=signing_secret", "--ttl", "2s", "--grace", "1h", "--watch", "restart"]
        let service = try Service(stand, Self.run + words + ["--", "sh", "-c", script])
        #expect(service.shows("token "), "\(service.error)")
        try stand.must(
            "POST", "apps/\(Stand.app)/secrets/signing_secret/rotate", ["value": .string(Stand.Planted.secret())])
        #expect(service.shows("ending"), "\(service.error)")
        func renewed() throws -> Set<String> {
            Set(try stand.records().filter { $0["action"]?.text == "lease.renew" }.compactMap { $0["lease_id"]?.text })
        }
        #expect(try eventually { try renewed().count == 2 }, "\(service.error)")
        _ = try FileDescriptor.open(file, .write, creating: 0o644)
        #expect(eventually { service.out.split(separator: "\n").count == 3 }, "\(service.error)")
        let bearer = try #require(service.out.split(separator: "\n").last?.split(separator: " ").last.map(String.init))
        #expect(try gateway.call("/slack/chat.postMessage", bearer).status == 200)
        #expect(try eventually { try Self.left(stand, "lease.end") == 1 } && !service.error.contains("cannot be kept"))
    }

    static let refused: [([String], Int32, String)] = [
        (["--env", "T=access:user"], 4, "access:user of \(Stand.app): this process may not"),
        (["--env", "T=access:bot", "--method", "users.list"], 4, "access:bot of \(Stand.app)"),
        (["--env", "T=access:boot"], 2, "followed by bot, user, tenant or app"),
        (["--file", "T=access:bot"], 2, "is for --env"),
        (["--env", "T=slack/A0FAKE9:access:bot"], 4, "slack/A0FAKE9"),
        (["--env", "S=client_secret", "--ttl", "5m"], 2, "none is handed over"),
        (["--env", "T=access:bot", "--env", "S=client_secret"], 4, "client_secret of \(Stand.app)"),
    ]

    @Test func `is not started where it may not have it`() throws {
        let gateway = try TCPGateway()
        for (words, code, hint) in Self.refused {
            let service = try Service(gateway.stand, ["run", "--app", Stand.app] + words + ["--", "echo", "ran"])
            #expect(try service.end() == .exited(code) && service.out.isEmpty, "\(words): \(service.error)")
            #expect(service.error.contains(hint), "\(words): \(service.error)")
        }
        // The lease it had when the next was refused.
        let both = try Service(
            gateway.stand, Self.run + ["--env", "OTHER=access:user", "--", "echo", "ran"])
        #expect(try both.end() == .exited(4) && both.out.isEmpty)
        #expect(try Self.left(gateway.stand, "lease.end") == Self.left(gateway.stand, "access.issue"))
        let off = try Stand(simulated: true).start()
        try off.furnish(actions: ["access:bot"])
        let service = try Service(off, Self.run + ["--", "echo", "ran"])
        #expect(try service.end() != .exited(0) && service.error.contains("--gateway-listen"), "\(service.error)")
    }
}
