import Linux
import Testing

@testable import postern_sim

@Suite struct `An app's calls of a month` {
    private let stand: Stand

    init() throws {
        stand = try Stand(simulated: true).start()
        try stand.furnish(methods: ["auth.test", "api.test"])
    }

    private func edit(_ fields: JSON) throws {
        try stand.must("POST", "apps/\(Stand.app)/edit", ["fields": fields])
    }

    private func call(_ lease: String) throws -> Reply { try stand.broker("POST", "gateway/\(lease)/api.test") }

    /// The reasons of `app.quota` records so far.
    private func warned() throws -> [String] {
        try stand.records().filter { $0["action"] == "app.quota" }.compactMap { $0["reason"]?.text }
    }

    private func used() throws -> JSON? { try stand.must("GET", "apps/\(Stand.app)")["calls"] }

    private func finding() throws -> JSON? {
        guard case .array(let checks)? = try stand.must("GET", "doctor")["checks"] else { return nil }
        return checks.first { $0["name"] == "calls" }
    }

    @Test func `are counted, warned of once at four fifths and once at all, and shown`() throws {
        let lease = try stand.lease()
        #expect(try used()?["count"] == 0 && used()?["limit"] == nil)
        try edit(["monthly_limit": "5"])
        for _ in 0..<3 { #expect(try call(lease)["ok"] == true) }
        // Refused before it leaves, so that it costs nothing.
        #expect(try stand.broker("POST", "gateway/\(lease)/users.list").code == "denied")
        #expect(try used()?["count"] == 3 && used()?["used_percent"] == 60)
        #expect(try finding()?["result"] == "ok")
        #expect(try call(lease)["ok"] == true)
        #expect(try eventually { try warned() == ["month_at_80_percent"] })
        #expect(try finding()?["result"] == "warn")
        #expect(try finding()?["detail"]?.text?.contains("\(Stand.app): 4 of 5 (80 %)") == true)
        #expect(try stand.must("GET", "status").text.contains("1 app has used 80 % or more"))
        for _ in 0..<3 { #expect(try call(lease)["ok"] == true, "only warned of") }
        #expect(try eventually { try warned() == ["month_at_80_percent", "month_used_up"] })
        let shown = try stand.postern(["app", "show", Stand.app])
        #expect(shown.out.contains("7 of 5 (140 %)"), "\(shown.all)")
        // Counted in the vault: the next process goes on, and tells nobody twice.
        #expect(try stand.stop() == .exited(0))
        try stand.start()
        for _ in 0..<2 { #expect(try call(lease)["ok"] == true) }
        #expect(try used()?["count"] == 9)
        let log = stand.log.split(separator: "\n").filter { $0.contains("monthly_calls") }
        #expect(log.count == 2, "\(log)")
        try stand.stop()
        try stand.start()
        #expect(try warned() == ["month_at_80_percent", "month_used_up"])
    }

    @Test func `are warned of and refused by the next process as they would have been by this one`() throws {
        let sim = try #require(stand.sim)
        let lease = try stand.lease()
        try edit(["monthly_limit": "5", "monthly_refuse": "on"])
        for _ in 0..<3 { #expect(try call(lease)["ok"] == true) }
        #expect(try stand.stop() == .exited(0))
        try stand.start()
        #expect(try call(lease)["ok"] == true)
        #expect(try eventually { try warned() == ["month_at_80_percent"] })
        #expect(try call(lease)["ok"] == true)
        #expect(try eventually { try warned() == ["month_at_80_percent", "month_used_up"] })
        stand.kill()
        try stand.start()
        let before = try sim.count("api.test")
        let refused = try call(lease)
        #expect(refused.status == 429 && refused.code == "rate_limited", "\(refused.text)")
        #expect(try sim.count("api.test") == before && used()?["count"] == 5)
    }

    @Test func `are refused above the limit where the admin wants that, and only there`() throws {
        let lease = try stand.lease()
        try edit(["monthly_limit": "2", "monthly_refuse": "on"])
        for _ in 0..<2 { #expect(try call(lease)["ok"] == true) }
        let before = try #require(stand.sim).count("api.test")
        let refused = try call(lease)
        #expect(refused.status == 429 && refused.code == "rate_limited", "\(refused.text)")
        // Until the first of the next month.
        let wait = Int(refused.header("retry-after") ?? "") ?? 0
        #expect((1...(31 * 86_400)).contains(wait))
        #expect(try #require(stand.sim).count("api.test") == before && used()?["count"] == 2)
        #expect(try stand.postern(["app", "show", Stand.app]).out.contains("2 of 2 (100 %), then refused"))
        try edit(["monthly_limit": "3"])
        #expect(try call(lease)["ok"] == true)
        #expect(try call(lease).code == "rate_limited")
        try edit(["monthly_refuse": "off"])
        #expect(try call(lease)["ok"] == true)
    }
}
