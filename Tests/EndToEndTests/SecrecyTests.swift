import Linux
import Testing

@testable import postern_sim

@Suite struct `After a thousand reads and a hundred exchanges` {
    /// Reads, exchanges and lends, as a busy day would.
    private func work(_ stand: Stand, _ traces: inout Traces) throws {
        let planted = try stand.furnish()
        try traces.add("signing secret", planted.signingSecret)
        try traces.add("client secret", planted.clientSecret)
        try traces.add("bot token", planted.botToken)
        // A value that JSON must escape goes another way through the answer.
        let odd = "\"\\" + Stand.Planted.secret() + "\u{1}\"" + Stand.Planted.secret()
        try stand.must("PUT", "apps/\(Stand.app)/secrets/webhook_secret", ["value": .string(odd)])
        try traces.add("odd secret", odd)
        try stand.grant(actions: ["secret:read:webhook_secret"])
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        for _ in 0..<500 {
            #expect(try wire.call("GET", "/v1/apps/\(Stand.app)/secrets/signing_secret").status == 200)
            #expect(try wire.call("GET", "/v1/apps/\(Stand.app)/secrets/webhook_secret")["value"]?.text == odd)
        }
        for round in 0..<100 {
            let (code, state) = try round % 20 == 0 ? byBrowser(stand) : byBridge(stand)
            guard round % 10 == 0 else { continue }
            try traces.add("code", code)
            try traces.add("state", state)
            try traces.add("exchanged token", try stand.read("bot_token")["value"]?.text)
        }
        let lease = try stand.lease()
        for _ in 0..<50 { #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true) }
        let token = try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot", "deliver": "token"])
        try traces.add("lent token", token["access_token"]?.text)
        let reveal = try stand.must("POST", "apps/\(Stand.app)/secrets/client_secret/reveal", ["reason": "a test"])
        #expect(reveal["value"]?.text == planted.clientSecret)
        let rotated = Stand.Planted.secret()
        try stand.must(
            "POST", "apps/\(Stand.app)/secrets/signing_secret/rotate",
            ["value": .string(rotated), "grace_seconds": 60])
        try traces.add("rotated secret", rotated)
    }

    /// One installation through the callback listener: its code and state. Few of them: it limits what one address asks.
    private func byBrowser(_ stand: Stand) throws -> (String, String) {
        let browser = Browser()
        let callback = try browser.consent(try stand.beginInstall())
        #expect(try browser.get(callback).status == 200)
        return try parts(callback)
    }

    /// One whose code the bridge brings.
    private func byBridge(_ stand: Stand) throws -> (String, String) {
        let binding = Stand.Planted.secret()
        let begun = try stand.broker(
            "POST", "apps/\(Stand.app)/oauth/authorize",
            ["purpose": "install", "redirect_uri": .string(stand.redirect), "browser_binding": .string(binding)])
        let link = try #require(begun["authorization_url"]?.text)
        let (code, state) = try parts(try #require(try Browser().get(link).location))
        let done = try stand.broker(
            "POST", "apps/\(Stand.app)/oauth/callback",
            ["code": .string(code), "state": .string(state), "browser_binding": .string(binding)])
        #expect(done.status == 200, "\(done.text)")
        return (code, state)
    }

    private func parts(_ callback: String) throws -> (String, String) {
        let code = try #require(callback.split(separator: "code=").last?.split(separator: "&").first)
        let state = try #require(callback.split(separator: "state=").last?.split(separator: "&").first)
        return (String(code), String(state))
    }

    @Test func `no secret is in memory, files, logs or audit export`() throws {
        let stand = try Stand(simulated: true).start()
        var traces = try Traces(of: stand)
        try work(stand, &traces)
        // A connection that stays open after its answer keeps nothing of it.
        let open = try Wire(stand.brokerSocket, uid: Stand.bridge)
        #expect(try open.call("GET", "/v1/apps/\(Stand.app)/secrets/signing_secret").status == 200)
        #expect(traces.isQuiet(), "threads do not end")
        #expect(traces.inMemory() == [])
        open.hangUp()
        #expect(try traces.inFiles() == [])
    }

    /// A scan that could find nothing would prove nothing: while the platform is being asked, its token is there.
    @Test(.enabled(if: Shell.isRoot, "not root: the memory of another process cannot be read"))
    func `the scan would have found one`() throws {
        let stand = try Stand(simulated: true).start()
        let planted = try stand.furnish()
        let lease = try stand.lease()
        let sim = try #require(stand.sim)
        try sim.control("POST", "faults", ["match": "auth.test", "fault": "delay", "delay_ms": 60_000])
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try wire.send(Wire.request("POST", "/v1/gateway/\(lease)/auth.test"))
        let forms = MemoryScan.forms(of: try #require(planted.botToken))
        #expect(eventually { MemoryScan.regions(of: stand.pid, with: forms)?.isEmpty == false })
        guard case .integer(let courier)? = try stand.must("GET", "status")["courier"]?["pid"] else { return }
        #expect(eventually { MemoryScan.regions(of: Int32(courier), with: forms)?.isEmpty == false })
    }
}
