import Glibc
import Linux
import Testing

@testable import postern_sim

/// kill -9 at every step of refreshes, against a platform whose refresh tokens are good once and have no time of grace.
@Suite struct `A refresh that is killed` {
    /// How many; five hundred with POSTERN_CRASH_REFRESHES=500.
    private static let rounds: Int = {
        let text = Environment.value(of: "POSTERN_CRASH_REFRESHES")
        return text.flatMap { Int($0) } ?? 30
    }()

    private enum Victim: CaseIterable, Sendable {
        case keeper
        case courier
        case both
    }

    private func settled(_ stand: Stand) throws -> JSON {
        var last: JSON?
        let isSettled = try eventually {
            last = try stand.legs()["bot"]
            guard last?["in_flight"] == false else { return false }
            return last?["state"] == "needs_reauthorization" || last?["failures"] == 0
        }
        #expect(isSettled, "\(last.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "no leg")")
        return last ?? .null
    }

    @Test(arguments: Victim.allCases)
    private func `loses no token that can be kept, and says so where one is dead`(_ victim: Victim) throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnishRotating()
        let sim = try #require(stand.sim)
        var dead = 0
        for round in 0..<Self.rounds / Victim.allCases.count {
            let lease = try stand.lease()
            let before = try sim.refreshes()
            // Some answers are late, so that whoever waits for them can be killed.
            let isLate = round % 2 == 1
            if isLate {
                try sim.control(
                    "POST", "faults",
                    ["match": "oauth.v2.access", "fault": "delay", "delay_ms": 120, "times": 1])
            }
            let courier = try #require(try courierPID(stand))
            let caller = try Thread.start(name: "report") {
                _ = try? stand.broker("POST", "leases/\(lease)/report", ["code": "token_expired"])
            }
            usleep(UInt32.random(in: 0...(isLate ? 250_000 : 40_000)))
            if victim != .keeper { _ = kill(courier, SIGKILL) }
            if victim != .courier { stand.kill() }
            caller.join()
            if victim == .courier { try stand.stop() }
            try stand.start()
            let leg = try settled(stand)
            if leg["state"] == "needs_reauthorization" {
                // The platform had spent the refresh token, and the only one who heard the answer is dead.
                dead += 1
                #expect(victim != .keeper, "round \(round): the courier had the answer \(stand.log.suffix(1000))")
                #expect(try sim.refreshes() == before + 1)
                #expect(try stand.token().status == 201, "the access token lives on")
                try stand.install()
                #expect(try stand.legs()["bot"]?["state"] == "active", "a new consent heals it")
            } else {
                let token = try #require(try stand.token()["access_token"]?.text)
                #expect(try sim.accepts(token), "round \(round)")
                #expect(try sim.refreshes() <= before + 1, "round \(round)")
            }
            try sim.control("DELETE", "faults")
        }
        // The chain that is left is alive: one more refresh goes through, of a daemon that has not just made one.
        try stand.stop()
        try stand.start()
        let reply = try stand.broker("POST", "leases/\(try stand.lease())/report", ["code": "token_expired"])
        #expect(reply["refreshed"] == true && reply["same_token"] == false, "\(reply.text)")
        if victim == .keeper { #expect(dead == 0) }
    }

    private func courierPID(_ stand: Stand) throws -> Int32? {
        var found: Int32?
        _ = try eventually {
            guard case .integer(let pid)? = try stand.must("GET", "status")["courier"]?["pid"] else { return false }
            found = Int32(pid)
            return true
        }
        return found
    }
}
