import Linux
import Testing

@testable import postern_sim

/// What passes in flows and refreshes of all four platforms, looked for everywhere it could have been left.
@Suite struct `After flows and refreshes on every platform` {
    /// Access and refresh tokens of our choice, so that they are known here: the simulation's answers are changed on
    /// their way.
    private static func planted(_ kind: String) -> String { "fake-\(kind)-" + Stand.Planted.secret() }

    /// One flow, one refresh, one login and one machine token; everything secret of it.
    private static func live(_ platform: String, _ stand: Stand) throws -> [(name: String, value: String)] {
        let customer = try Customer(platform, stand)
        var secrets: [(name: String, value: String)] = []
        func plant(_ call: String, _ field: String, _ kind: String) throws {
            let value = planted(kind)
            secrets.append(("\(platform) \(kind)", value))
            try customer.fault(call, "edit:set:\(field)=\(value)", times: 1)
        }
        for name in ["client_secret", "app_secret", "signing_secret"] {
            if let value = customer.app[name]?.text { secrets.append(("\(platform) \(name)", value)) }
        }
        // The refresh token of the consent is spent a second later; the sim refuses it, since it is ours, and the leg
        // needs a person. The one of the next consent is traded for a pair.
        for round in 1...2 {
            let (code, state) = try customer.consent(try customer.begin())
            secrets += [("\(platform) code \(round)", code), ("\(platform) state \(round)", state)]
            if round == 1 {
                try plant(customer.calls.exchange, "refresh_token", "refresh token")
            } else {
                try customer.fault(customer.calls.exchange, "edit:set:expires_in=1", times: 1)
            }
            #expect(try customer.finish(code, state).status == 200)
        }
        let first = try customer.access(customer.consented)["access_token"]?.text
        secrets.append(("\(platform) access token", try #require(first)))
        let isNew = try eventually {
            guard let token = try customer.access(customer.consented)["access_token"]?.text else { return false }
            if token != first { secrets.append(("\(platform) refreshed token", token)) }
            return token != first
        }
        #expect(isNew, "\(platform): not refreshed")
        if let minted = customer.minted {
            secrets.append(
                ("\(platform) machine token", try #require(try customer.access(minted)["access_token"]?.text)))
        }
        let (code, state) = try customer.consent(try customer.begin("login"))
        secrets += [("\(platform) login code", code), ("\(platform) login state", state)]
        #expect(try customer.finish(code, state).status == 200)
        return secrets
    }

    @Test func `no token, refresh token, code or state is in memory, files, logs or audit export`() throws {
        let stand = try Stand(simulated: true).start()
        #expect(try eventually { try stand.must("GET", "status")["courier"]?["running"] == true })
        guard case .integer(let number)? = try stand.must("GET", "status")["courier"]?["pid"] else {
            Issue.record("no courier")
            return
        }
        let courier = Int32(number)
        let idle = (MemoryScan.threads(of: stand.pid), MemoryScan.threads(of: courier))
        let secrets = try Stand.platforms.flatMap { try Self.live($0, stand) }
        #expect(secrets.count >= 40, "\(secrets.count)")
        let isQuiet = eventually {
            MemoryScan.threads(of: stand.pid) <= idle.0 + 1 && MemoryScan.threads(of: courier) <= idle.1
        }
        #expect(isQuiet, "threads do not end")
        if Shell.isRoot {
            for (name, secret) in secrets {
                let forms = MemoryScan.forms(of: secret)
                #expect(MemoryScan.regions(of: stand.pid, with: forms) == [], "\(name) in posternd")
                #expect(MemoryScan.regions(of: courier, with: forms) == [], "\(name) in postern-courier")
            }
        }
        let export = try stand.records().map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        var places = [("audit export", Array(export.utf8)), ("log", Array(stand.log.utf8))]
        let files = try Shell.run("/usr/bin/find", [stand.path, "-type", "f", "-not", "-name", "ballast"]).output
        for path in files.split(separator: "\n").map(String.init) { places.append((path, Shell.bytes(of: path))) }
        #expect(places.count > 6)
        for (place, bytes) in places {
            for (name, secret) in secrets {
                let isThere = MemoryScan.contains(any: MemoryScan.forms(of: secret), bytes, count: bytes.count)
                #expect(!isThere, "\(name) in \(place)")
            }
        }
    }
}
