import HTTPClient
import Testing

@testable import postern_sim

/// What platforms tell of the life of an installation, by events that were verified.
@Suite struct `News of an installation that ended at its platform` {
    private let stand: Stand
    private let sim: Simulated
    private let planted: Stand.Planted

    init() throws {
        stand = try Stand(simulated: true).start()
        sim = try #require(stand.sim)
        planted = try stand.furnish(actions: Stand.everything + ["webhook:verify"])
    }

    private func row() throws -> JSON {
        guard case .array(let found)? = try stand.must("GET", "installations?app=\(Stand.app)")["installations"]
        else { return .null }
        return found.first ?? .null
    }

    private func send(_ event: String, at time: Int64? = nil) throws {
        let team = try row()["team_id"]?.text ?? ""
        let when = time.map { ",\"event_time\":\($0)" } ?? ""
        let id = "Ev\(UInt32.random(in: 0 ... .max))"
        let body =
            "{\"token\":\"fake\",\"team_id\":\"\(team)\",\"api_app_id\":\"\(Stand.appID)\",\"event\":\(event),"
            + "\"type\":\"event_callback\",\"event_id\":\"\(id)\"\(when)}"
        let reply = try stand.slackWebhook(body, secret: planted.signingSecret)
        #expect(reply.status == 200 && reply["valid"] == true, "\(reply.text)")
    }

    /// As if an admin of the workspace had removed the app: its tokens are dead at the platform.
    private func killToken() throws {
        let token = try #require(planted.botToken)
        let answer = try HTTPClient().perform(
            HTTPClient.Request(
                "POST", "\(sim.base)/api/auth.revoke", headers: [.init("Authorization", "Bearer \(token)")]))
        #expect(answer.status == 200)
    }

    private func recorded(_ action: String) throws -> Bool {
        try stand.records().contains { $0["action"]?.text == action }
    }

    @Test(arguments: ["app_uninstalled", "tokens_revoked"])
    func `ends it once the platform does not take its token any more`(_ type: String) throws {
        let bot = try row()["bot_user_id"]?.text ?? ""
        let event = "{\"type\":\"\(type)\",\"tokens\":{\"oauth\":[],\"bot\":[\"\(bot)\"]}}"
        let lease = try stand.lease()
        // Told while the token still works: an old event, or somebody's mistake.
        let before = try sim.count("auth.test")
        try send(event)
        #expect(eventually { (try? self.sim.count("auth.test")).map { $0 > before } ?? false })
        #expect(try row()["state"] == "active")
        try killToken()
        try send(event)
        #expect(eventually { (try? self.row()["state"]) == "disconnected" })
        #expect(try recorded("installation.ended"))
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").code == "expired")
        #expect(try stand.read("bot_token").code == "not_found")
        // Both come, in either order: the second finds nothing to do.
        try send("{\"type\":\"app_uninstalled\"}")
        #expect(try row()["state"] == "disconnected")
    }

    @Test func `that is older than the token changes nothing, and one nobody can check asks for a new consent`() throws
    {
        try killToken()
        try send("{\"type\":\"app_uninstalled\"}", at: 1_000_000_000)
        try sim.fault("auth.test", "status:503", times: 20)
        try send("{\"type\":\"app_uninstalled\"}")
        #expect(eventually { (try? self.recorded("installation.doubted")) == true })
        #expect(try row()["state"] == "active")
        guard case .array(let legs)? = try row()["legs"] else { return }
        #expect(legs.first?["state"] == "needs_reauthorization", "\(legs)")
        #expect(try !recorded("installation.ended"))
    }
}
