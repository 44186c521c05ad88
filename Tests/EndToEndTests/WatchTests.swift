import Linux
import Synchronization
import Testing

@testable import postern_sim

@Suite struct `A watch` {
    private let stand: Stand

    init() throws {
        stand = try Stand().start()
        try stand.furnish()
    }

    @Test func `is told of a rotation, and of nothing that is secret`() throws {
        let watching = try Watching(stand)
        #expect(watching.head.header("content-type") == "text/event-stream")
        #expect(watching.head.header("cache-control") == "no-store")
        try stand.rotate()
        let event = try #require(try watching.next())
        #expect(event.name == "secret.rotated" && event["event"] == "secret.rotated")
        #expect(event["platform"] == "slack" && event["app_id"] == .string(Stand.appID))
        #expect(event["kind"] == "signing_secret" && event["version"] == 2 && event["state"] == "current")
        #expect(event["previous_version"] == 1 && event["previous_ends_at"]?.text != nil)
        #expect(event["value"] == nil && event["fingerprint"] == nil && event["actor"] == nil)
        #expect(try stand.read("signing_secret")["version"] == 2)
        try stand.rotate(grace: 0)
        let second = try #require(try watching.next())
        #expect(second["version"] == 3 && second["previous_version"] == nil)
    }

    @Test func `is told nothing of what its service may not see`() throws {
        let watching = try Watching(stand)
        try stand.must("POST", "tenants", ["slug": "globex", "name": "Globex"])
        try stand.must(
            "POST", "apps",
            [
                "tenant": "globex", "profile": "slack", "app_id": "A0GLOBEX01", "verify": false,
                "secrets": ["signing_secret": .string(Stand.Planted.secret())],
            ])
        try stand.rotate(of: "slack/A0GLOBEX01")
        try stand.must("POST", "tenants/globex/suspend")
        try stand.must("POST", "tenants/globex/resume")
        // Of the app it may see, a secret it may not read.
        try stand.rotate("client_secret")
        try stand.rotate()
        #expect(try watching.next()?["kind"] == "signing_secret")
        // A grant that comes while it watches counts, and one that is about others does not.
        try stand.grant("globex/slack/*", actions: ["secret:read:signing_secret"])
        #expect(try watching.name() == "access.restored")
        try stand.rotate(of: "slack/A0GLOBEX01")
        #expect(try watching.next()?["app_id"] == "A0GLOBEX01")
    }

    @Test func `goes on where an earlier one ended`() throws {
        let first = try Watching(stand)
        let beginning = first.place
        try stand.rotate()
        #expect(try first.next()?["version"] == 2)
        let place = first.place
        #expect(place != beginning)
        first.wire.hangUp()
        try stand.rotate()
        try stand.rotate()
        let second = try Watching(stand, after: place)
        #expect(try second.next()?["version"] == 3)
        #expect(try second.next()?["version"] == 4)
        #expect(try Watching(stand, after: beginning).next()?["version"] == 2)
        let last = try Watching(stand, after: second.place)
        try stand.rotate()
        #expect(try last.next()?["version"] == 5)
    }

    @Test(arguments: ["invented", String(repeating: "A", count: 64), String(repeating: "x", count: 4000)])
    func `after a place that is none is asked to read again`(_ place: String) throws {
        let watching = try Watching(stand, after: place)
        #expect(try watching.name() == "resync")
        try stand.rotate()
        #expect(try watching.name() == "secret.rotated")
    }

    @Test func `after a restart is asked to read again`() throws {
        let place = try Watching(stand).place
        stand.kill()
        try stand.start()
        let watching = try Watching(stand, after: place)
        #expect(try watching.name() == "resync")
        let next = try Watching(stand, after: watching.place)
        try stand.rotate()
        #expect(try next.name() == "secret.rotated")
    }

    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `cannot go on where another service's ended`() throws {
        try stand.grant(actions: ["secret:read:signing_secret"], service: "other")
        let other = try Watching(stand, uid: 1003)
        #expect(try Watching(stand, after: other.place).name() == "resync")
        try stand.rotate()
        #expect(try other.name() == "secret.rotated")
    }

    @Test func `is told only of the apps and events it asks for`() throws {
        let app = try Watching(stand, "?app=slack/A0OTHER001")
        let event = try Watching(stand, "?event=access.revoked&event=secret.removed")
        let both = try Watching(stand, "?app=\(Stand.app)&event=secret.rotated")
        try stand.rotate()
        let grant = try stand.grant(actions: ["secret:read:signing_secret"])
        try stand.must("DELETE", "grants/\(grant)")
        // What is about no app is about all of them.
        #expect(try app.name() == "access.restored")
        #expect(try event.name() == "access.revoked")
        #expect(try both.name() == "secret.rotated")
        for query in ["?app=slack", "?app=other/A0", "?event=other", "?since=1h"] {
            #expect(try stand.broker("GET", "watch\(query)").code == "bad_request", "\(query)")
        }
        #expect(try stand.broker("POST", "watch").code == "method_not_allowed")
    }

    @Test func `is on the record, and denied to strangers`() throws {
        _ = try Watching(stand)
        let opened = try stand.records().filter { $0["action"] == "watch.open" }
        #expect(opened.count == 1 && opened.first?["outcome"] == "allowed")
        guard let stranger = Stand.stranger else { return }
        #expect(try Watching(stand, uid: stranger).head.code == "denied")
        let denied = try stand.records().last { $0["action"] == "watch.open" }
        #expect(denied?["outcome"] == "denied" && denied?["reason"] == "no_service")
    }

    @Test func `ends soon when the daemon stops`() throws {
        let all = try (0..<50).map { _ in try Watching(stand) }
        guard case .exited(0) = try stand.stop() else {
            Issue.record("it did not stop well")
            return
        }
        for watching in all { #expect(try watching.next() == nil) }
        #expect(!stand.log.contains("stop_cut_requests_short"))
    }
}

@Suite struct `A watch, when something is taken away,` {
    @Test(arguments: [
        ("DELETE", "grants/GRANT", "grant_removed"), ("POST", "apps/\(Stand.app)/suspend", "app_suspended"),
        ("POST", "tenants/acme/suspend", "app_suspended"), ("DELETE", "apps/\(Stand.app)", "app_removed"),
    ])
    func `is told, and of that app nothing more`(_ method: String, _ call: String, _ reason: String) throws {
        let stand = try Stand().start()
        try stand.furnish(actions: ["access:bot"])
        let grant = try stand.grant(actions: ["secret:read:signing_secret"])
        let watching = try Watching(stand)
        try stand.must(method, call.replacingGrant(with: grant))
        let event = try #require(try watching.next())
        #expect(event.name == "access.revoked" && event["reason"] == .string(reason))
        if reason == "app_removed" { return }
        try stand.rotate()
        switch reason {
        case "grant_removed": try stand.grant(actions: ["webhook:verify"])
        default: try stand.must("POST", call.replacing("suspend", with: "resume"))
        }
        #expect(try watching.name() == "access.restored")
    }

    @Test(arguments: [("POST", "services/bridge/suspend", true), ("DELETE", "services/bridge", false)])
    func `ends with its service`(_ method: String, _ call: String, _ isTold: Bool) throws {
        let stand = try Stand().start()
        try stand.furnish()
        let watching = try Watching(stand)
        try stand.must(method, call)
        if isTold { #expect(try watching.name() == "service.suspended") }
        #expect(try watching.name() == "end")
        #expect(try stand.broker("GET", "watch").code == "denied")
    }

    @Test func `is told of a lease that an administrator ends, not of one given back`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish()
        let watching = try Watching(stand)
        let (back, taken) = (try stand.lease(), try stand.lease())
        #expect(try stand.broker("DELETE", "leases/\(back)").status == 204)
        try stand.must("DELETE", "leases/\(taken)")
        let event = try #require(try watching.next())
        #expect(event.name == "lease.revoked" && event["lease_id"] == .string(taken))
        #expect(event["app_id"] == .string(Stand.appID))
        for (name, value) in [("service", "bridge"), ("app", Stand.app), ("tenant", "acme")] {
            try stand.must("POST", "leases/revoke", [name: .string(value)])
            let all = try #require(try watching.next())
            #expect(all.name == "lease.revoked" && all["reason"] == "all_leases" && all["lease_id"] == nil)
        }
    }

    /// Design, section 4: what has not left when the revocation is acknowledged never does.
    @Test func `carries nothing forbidden once that is acknowledged`() throws {
        let stand = try Stand().start()
        try stand.furnish(actions: ["access:bot"])
        let grant = try stand.grant(actions: ["secret:read:signing_secret"])
        let all = try (0..<32).map { _ in try Watching(stand) }
        let stop = Atomic(false)
        let rotating = try Thread.start(name: "rotate") {
            while !stop.load(ordering: .acquiring) { try? stand.rotate() }
        }
        for watching in all { #expect(try watching.name() == "secret.rotated") }
        try stand.must("DELETE", "grants/\(grant)")
        let left = all.map { $0.wire.arrived() }
        let before = try stand.head()
        #expect(try eventually { try stand.head() > before + 10 })
        stop.store(true, ordering: .releasing)
        rotating.join()
        try stand.grant(actions: ["webhook:verify"])
        for (watching, left) in zip(all, left) {
            var heard = ""
            while !heard.contains("access.restored") {
                guard let chunk = try watching.wire.chunk() else { break }
                heard = String(decoding: chunk, as: UTF8.self)
                if watching.wire.taken > left { #expect(!heard.contains("secret.rotated"), "\(heard)") }
            }
            #expect(heard.contains("access.restored"))
        }
    }
}

@Suite struct `Watches` {
    @Test func `are limited, and one that has left makes room`() throws {
        let stand = try Stand(flags: ["--watch-limit", "2"]).start()
        try stand.furnish()
        let first = try Watching(stand)
        let second = try Watching(stand)
        let third = try Watching(stand)
        #expect(third.head.status == 429 && third.head.code == "rate_limited")
        first.wire.hangUp()
        #expect(try eventually { try Watching(stand).head.status == 200 })
        _ = second
    }

    /// It is cut by the next revocation, comes back, and learns that it has missed something.
    @Test func `that nobody reads hold nobody up and cost no more than their place`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        try stand.must("POST", "tenants", ["slug": "many", "name": "Many"])
        let apps = 250
        for number in 0..<apps {
            try stand.must(
                "POST", "apps",
                ["tenant": "many", "profile": "slack", "app_id": .string("A0MANY\(1000 + number)"), "verify": false])
        }
        try stand.grant("many/slack/*", actions: ["webhook:verify"])
        let slow = try Watching(stand)
        let place = slow.place
        // More than is kept, and more than a socket holds.
        for _ in 0..<9 {
            try stand.must("POST", "tenants/many/suspend")
            try stand.must("POST", "tenants/many/resume")
        }
        let quick = try Watching(stand)
        try stand.rotate()
        #expect(try quick.name() == "secret.rotated")
        // It was cut in the middle of an answer.
        #expect(throws: SystemError.self) { while try slow.next() != nil {} }
        #expect(try Watching(stand, after: place).name() == "resync")
        #expect(try Watching(stand, after: slow.place).next() != nil)
    }
}

@Suite struct `postern watch` {
    @Test func `shows what happens to what its service may see`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let table = try Service(stand, ["watch", "--app", Stand.app, "--count", "2"])
        let json = try Service(stand, ["watch", "-o", "json", "--event", "secret.rotated", "--once"])
        #expect(table.shows("watching") && json.shows("watching"))
        try stand.rotate()
        try stand.rotate(grace: 0)
        #expect(try table.end() == .exited(0))
        #expect(table.out.contains("secret.rotated  \(Stand.app)  kind=signing_secret  version=2  previous until "))
        #expect(table.out.contains("version=3") && table.out.split(separator: "\n").count == 2, "\(table.out)")
        #expect(json.shows(#""version":3"#))
        for line in json.out.split(separator: "\n") {
            #expect(JSON(bytes: Array(line.utf8))?["event"] == "secret.rotated", "\(line)")
        }
        try stand.stop()
        #expect(try json.end() == .exited(9))
        #expect(json.error.contains("no_daemon") || json.error.contains("watch_ended"), "\(json.error)")
    }

    @Test func `comes back to a daemon that comes back, and says what it cannot know`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let service = try Service(stand, ["watch", "--event", "secret.rotated"])
        #expect(service.shows("watching"))
        try stand.rotate()
        #expect(service.shows("version=2"))
        stand.kill()
        #expect(service.shows("this is tried until it is back"), "\(service.error)")
        try stand.start()
        #expect(service.shows("watching again") && service.shows("resync"), "\(service.out)\(service.error)")
        #expect(service.error.contains("read again what you have"), "\(service.error)")
        try stand.rotate()
        #expect(service.shows("version=3"), "\(service.out)")
        // A no is believed.
        try stand.must("DELETE", "services/bridge")
        #expect(try service.end() == .exited(4), "\(service.error)")
        #expect(service.out.split(separator: "\n").count == 3, "\(service.out)")
    }

    @Test func `says why it may not`() throws {
        let stand = try Stand().start()
        #expect(try Service(stand, ["watch"]).end() == .exited(4))
        try stand.furnish()
        let wrong = try Service(stand, ["watch", "--event", "secret.changed"])
        #expect(try wrong.end() != .exited(0) && wrong.error.contains("secret.rotated"), "\(wrong.error)")
    }
}

@Suite struct `A watch of an installation` {
    @Test func `is told when its token changes, when a person is needed and when one has helped`() throws {
        let stand = try Stand(simulated: true).start()
        let sim = try #require(stand.sim)
        try stand.furnishRotating()
        let watching = try Watching(stand)
        try stand.install(life: 2)
        // The refresh that is due at once ends it.
        try sim.fault("oauth.v2.access", "error:invalid_refresh_token")
        let replaced = try #require(try watching.next())
        #expect(replaced.name == "token.refreshed" && replaced["as"] == "bot" && replaced["version"] == 2)
        let dead = try #require(try watching.next())
        #expect(dead.name == "installation.needs_reauthorization" && dead["as"] == "bot")
        #expect(dead["installation"] != nil && dead["installation"] == replaced["installation"])
        try stand.install()
        #expect(Set([try watching.name(), try watching.name()]) == ["installation.connected", "token.refreshed"])
        let id = try #require(replaced["installation"])
        guard case .integer(let id) = id else { return }
        try stand.must("DELETE", "installations/\(id)")
        #expect(Set([try watching.name(), try watching.name()]) == ["installation.disconnected", "token.revoked"])
    }
}

extension String {
    fileprivate func replacingGrant(with id: Int64) -> String { replacing("GRANT", with: String(id)) }
}
