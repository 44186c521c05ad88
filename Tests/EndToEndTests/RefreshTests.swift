import Glibc
import HTTPClient
import Linux
import Synchronization
import Testing

@testable import postern_sim

/// Slack with rotation, strict single use unless said otherwise; the simulator's ledger is the judge.
@Suite struct `A token at its end` {
    private func ended() throws -> (Stand, Simulated) {
        let stand = try Stand(simulated: true).start()
        try stand.furnishRotating(life: 5)
        let sim = try #require(stand.sim)
        // Nobody refreshes it ahead while the daemon is away, which it must be soon: four seconds from here it would.
        try stand.stop()
        usleep(5_200_000)
        try stand.start()
        return (stand, sim)
    }

    /// A thousand callers, one call to the platform, a thousand good tokens.
    @Test func `is refreshed once for a thousand callers, and every one of them gets the new one`() throws {
        let (stand, sim) = try ended()
        let before = try sim.refreshes()
        let answers = Mutex<[Reply?]>([])
        let gate = Gate(false)
        var threads: [Linux.Thread] = []
        for _ in 0..<1000 {
            threads.append(
                try Thread.start(name: "caller", stackBytes: 128 * 1024) {
                    _ = gate.wait { $0 ? true : nil }
                    let reply = try? stand.token()
                    answers.withLock { $0.append(reply) }
                })
        }
        gate.withLock { $0 = true }
        gate.wakeAll()
        for thread in threads { thread.join() }
        let all = answers.withLock { $0 }
        let tokens = Set(all.map { $0?["access_token"]?.text ?? "none: \($0?.text ?? "no answer")" })
        #expect(all.count == 1000)
        #expect(tokens.count == 1, "\(tokens.prefix(3))")
        #expect(try sim.accepts(tokens.first ?? ""))
        #expect(try sim.refreshes() == before + 1)
    }

    @Test func `is refreshed once for callers of many processes`() throws {
        let (stand, sim) = try ended()
        let before = try sim.refreshes()
        let who = Stand.bridge.map { "setpriv --reuid=\($0) --regid=\($0) --clear-groups " } ?? ""
        let script = """
            for i in $(seq 1 60); do \(who)curl -s --unix-socket '\(stand.brokerSocket)' -d '{"as":"bot","deliver":"token"}' \
            http://p/v1/apps/\(Stand.app)/access & done; wait
            """
        let output = try Shell.run("/bin/bash", ["-c", script]).output
        let tokens = output.split(separator: "\"access_token\":\"").dropFirst().map { $0.prefix { $0 != "\"" } }
        #expect(tokens.count == 60, "\(output.prefix(500))")
        #expect(Set(tokens).count == 1)
        #expect(try sim.refreshes() == before + 1)
    }

    @Test func `is refreshed ahead of it, and nobody waits`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnishRotating(life: 6)
        let sim = try #require(stand.sim)
        #expect(try eventually { try sim.refreshes() == 1 })
        // The new one lives twelve hours, and is due when one to two hours are left.
        let leg = try #require(try stand.legs()["bot"])
        guard case .integer(let left)? = leg["expires_in"] else { throw NotThere() }
        #expect(left > 43_000)
        #expect(leg["state"] == "active")
        #expect(try sim.accepts(try #require(try stand.token()["access_token"]?.text)))
    }

    @Test func `is served to its own end when it cannot be refreshed, and never longer`() throws {
        let stand = try Stand(simulated: true).start()
        let sim = try #require(stand.sim)
        try stand.furnishRotating(life: 8)
        try sim.fault("oauth.v2.access", "status:503", times: 0)
        // Due when a twelfth to a sixth of eight seconds is left: it fails, and the old token is still good.
        #expect(try eventually { try stand.legs()["bot"]?["failure_class"] == "RETRY" })
        var last: Reply?
        let deadline = Deadline.after(seconds: 60)
        while !deadline.hasPassed {
            let reply = try stand.token()
            last = reply
            guard reply.status == 201 else { break }
            guard case .integer(let left)? = reply["expires_in"] else { throw NotThere() }
            #expect(left >= 0)
        }
        #expect(last?.code == "platform_unreachable", "\(last?.text ?? "")")
        let leg = try #require(try stand.legs()["bot"])
        #expect(leg["state"] == "active")
        #expect(leg["refreshable"] == true)
        // The platform is back, and so is the token.
        try sim.control("DELETE", "faults")
        #expect(try eventually { try stand.token().status == 201 })
        #expect(try stand.legs()["bot"]?["failures"] == 0)
    }
}

/// A field that is not there.
struct NotThere: Error {}
