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
        var traces = try Traces(of: stand)
        for platform in Stand.platforms {
            for (name, secret) in try Self.live(platform, stand) { try traces.add(name, secret) }
        }
        #expect(traces.secrets.count >= 40, "\(traces.secrets.count)")
        #expect(traces.isQuiet(), "threads do not end")
        #expect(traces.inMemory() == [])
        #expect(try traces.inFiles() == [])
    }
}
