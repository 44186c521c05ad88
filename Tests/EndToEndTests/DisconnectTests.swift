import Linux
import Testing

@testable import postern_sim

@Suite struct `An installation that is disconnected` {
    private let stand: Stand
    private let sim: Simulated

    init() throws {
        stand = try Stand(simulated: true).start()
        sim = try #require(stand.sim)
        try stand.furnish(actions: Stand.everything + ["installation:disconnect"])
    }

    /// The only installation of the app.
    private func installation() throws -> JSON {
        guard case .array(let found)? = try stand.must("GET", "installations?app=\(Stand.app)")["installations"],
            let first = found.first
        else { throw Missing() }
        return first
    }

    private struct Missing: Error {}

    private func id() throws -> Int64 {
        guard case .integer(let id)? = try installation()["id"] else { throw Missing() }
        return id
    }

    private func revocation() throws -> JSON? {
        guard case .array(let rows)? = try installation()["revocations"] else { return nil }
        return rows.first
    }

    @Test func `ends here at once and at the platform soon after, and is healed in place by a new consent`() throws {
        let lease = try stand.lease()
        let id = try id()
        let reply = try stand.broker("DELETE", "apps/\(Stand.app)/installations/\(id)")
        #expect(reply.status == 200 && reply["state"] == "disconnected", "\(reply.text)")
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").code == "expired")
        #expect(try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"]).code == "not_found")
        #expect(try stand.read("bot_token").code == "not_found")
        #expect(eventually { (try? self.revocation()?["state"]) == "done" })
        #expect(try sim.count("auth.revoke") == 1)
        let again = try stand.broker("DELETE", "apps/\(Stand.app)/installations/\(id)")
        #expect(again.status == 200 && again["revocations"] == [], "\(again.text)")
        let browser = Browser()
        #expect(try browser.get(try browser.consent(try stand.beginInstall())).status == 200)
        #expect(try self.id() == id)
        #expect(try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"]).status == 201)
        let actions = Set(try stand.records().compactMap { $0["action"]?.text })
        #expect(actions.isSuperset(of: ["installation.disconnect", "revocation.attempt", "revocation.end"]))
    }

    @Test(arguments: ["status:500", "html", "close", "truncate", "status:429"])
    func `waits for a platform in trouble without giving anything out`(_ fault: String) throws {
        try sim.fault("auth.revoke", fault)
        let id = try id()
        #expect(try stand.must("DELETE", "installations/\(id)")["state"] == "disconnected")
        #expect(eventually { (try? self.revocation()?["attempts"]).map { $0 != .integer(0) } ?? false })
        let waiting = try #require(try revocation())
        #expect(waiting["state"] == "pending" && waiting["next_at"] != nil && waiting["code"] != nil, "\(waiting)")
        #expect(try stand.read("bot_token").code == "not_found")
        #expect(eventually { (try? self.revocation()?["state"]) == "done" })
    }

    @Test func `is refused for good where the platform says so, and says what to do`() throws {
        try sim.fault("auth.revoke", "error:not_allowed_token_type")
        try stand.must("DELETE", "installations/\(try id())")
        #expect(eventually { (try? self.revocation()?["state"]) == "refused" })
        let row = try #require(try revocation())
        #expect(row["code"] == "not_allowed_token_type" && row["advice"]?.text?.isEmpty == false)
    }

    @Test func `needs the action, and tells a stranger nothing`() throws {
        let id = try id()
        let denied = try stand.broker("DELETE", "apps/\(Stand.app)/installations/\(id)", uid: Stand.stranger)
        #expect(Stand.stranger == nil || denied.code == "denied")
        #expect(try stand.broker("DELETE", "apps/\(Stand.app)/installations/999999").code == "not_found")
        #expect(try stand.broker("DELETE", "apps/slack/A0999999999/installations/\(id)").code == "denied")
        #expect(try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"]).status == 201)
    }

    @Test func `with its app takes everything along but the log, and the app can be added anew`() throws {
        let lease = try stand.lease()
        let before = try stand.records().count
        let reply = try stand.must("DELETE", "apps/\(Stand.app)?uninstall=true")
        #expect(reply["state"] == "removed", "\(reply.text)")
        #expect(try stand.admin("GET", "apps/\(Stand.app)").code == "not_found")
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").status >= 400)
        #expect(try stand.read("signing_secret").code == "denied")
        #expect(eventually { (try? self.sim.count("apps.uninstall")) == 1 })
        #expect(
            eventually {
                (try? self.stand.must("GET", "revocations").text.contains("\"state\":\"done\"")) == true
            })
        #expect(try stand.records().count > before)
        try stand.must(
            "POST", "apps",
            [
                "tenant": "acme", "profile": "slack", "app_id": .string(Stand.appID), "fields": ["client_id": "1.2"],
                "secrets": ["client_secret": "fake"], "verify": false,
            ])
        #expect(try stand.must("GET", "doctor").text.contains("\"name\":\"tables\",\"result\":\"ok\""))
    }

    /// Runs the `postern` program as an admin.
    private func postern(_ arguments: String...) throws -> (status: Int32, output: String) {
        let answer = try Shell.run(
            Program.sibling("postern"), ["--socket", stand.adminSocket, "--no-input"] + arguments)
        guard case .exited(let status) = answer.ending else { return (-1, answer.output) }
        return (status, answer.output)
    }

    @Test func `at the command line says what would end, asks, and shows what is left to do`() throws {
        let id = "\(try id())"
        _ = try stand.lease()
        let plan = try postern("installation", "disconnect", id, "--check")
        #expect(plan.status == 12 && plan.output.contains("bot token is destroyed"), "\(plan)")
        #expect(plan.output.contains("lease ls_"), "\(plan)")
        #expect(try postern("installation", "disconnect", id).status == 2)
        try sim.fault("auth.revoke", "status:500", times: 20)
        let done = try postern("installation", "disconnect", id, "--yes")
        #expect(done.status == 0 && done.output.contains("at the platform: bot pending"), "\(done)")
        let shown = try postern("installation", "show", id)
        #expect(shown.output.contains("disconnected") && shown.output.contains("bot pending"), "\(shown)")
        #expect(try postern("installation", "revocations").output.contains("pending"))
        let gone = try postern("app", "remove", Stand.app, "--check")
        #expect(gone.status == 12 && gone.output.contains("remove \(Stand.app)"), "\(gone)")
        #expect(try postern("app", "remove", Stand.app).status == 2)
        #expect(try postern("app", "remove", Stand.app, "--yes").status == 0)
        #expect(try postern("app", "show", Stand.app).status == 5)
    }
}
