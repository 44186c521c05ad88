import Linux
import Testing

@testable import postern_sim

@Suite struct `An authorization in the browser` {
    private let stand: Stand
    private let sim: Simulated

    init() throws {
        stand = try Stand(simulated: true).start()
        sim = try #require(stand.sim)
        try stand.furnish()
    }

    private func installations() throws -> String {
        try stand.must("GET", "installations?app=\(Stand.app)").text
    }

    /// Tries a callback that must come to nothing: a page that says so, no exchange, no new token.
    private func refused(_ url: String, by browser: Browser, _ what: Comment) throws {
        let before = (try sim.count("oauth.v2.access"), try installations(), stand.digests)
        let page = try browser.get(url)
        #expect(page.status >= 400, what)
        #expect(try sim.count("oauth.v2.access") == before.0, what)
        #expect(try installations() == before.1, what)
        #expect(stand.digests == before.2, what)
    }

    @Test func `finishes once, and a repeated callback shows the same page without a second exchange`() throws {
        let browser = Browser()
        let callback = try browser.consent(try stand.beginInstall())
        let before = try sim.count("oauth.v2.access")
        let first = try browser.get(callback)
        #expect(first.status == 200)
        let second = try browser.get(callback)
        #expect(second.status == 200)
        #expect(try sim.count("oauth.v2.access") == before + 1)
        #expect(try stand.records().contains { $0["action"] == "oauth.install" && $0["outcome"] == "allowed" })
    }

    @Test func `without the cookie, or in another browser, comes to nothing and stays open for the right one`() throws {
        let browser = Browser()
        let callback = try browser.consent(try stand.beginInstall())
        try refused(callback, by: Browser(), "no cookie")
        #expect(try stand.records().contains { $0["reason"] == "wrong_browser" && $0["outcome"] == "denied" })
        let thief = Browser()
        _ = try thief.get(try stand.beginInstall())
        try refused(callback, by: thief, "another browser's cookie")
        #expect(try browser.get(callback).status == 200)
    }

    @Test func `with a forged state, or for another app, comes to nothing`() throws {
        let browser = Browser()
        let callback = try browser.consent(try stand.beginInstall())
        let forged = callback.split(separator: "state=")[0] + "state=" + String(repeating: "A", count: 43)
        try refused(String(forged), by: browser, "forged state")
        try refused("\(stand.redirect)?code=x", by: browser, "no state")
        try refused("\(stand.redirect)?code=x&state=short", by: browser, "short state")
        let elsewhere = callback.split(separator: Stand.appID, omittingEmptySubsequences: false)
            .joined(separator: "A0999999999")
        try refused(elsewhere, by: browser, "an app nobody knows")
        try stand.must(
            "POST", "apps",
            [
                "tenant": "acme", "profile": "slack", "app_id": "A0222222222", "fields": ["client_id": "1.2"],
                "secrets": ["client_secret": "fake"], "verify": false,
            ])
        let other = callback.split(separator: Stand.appID, omittingEmptySubsequences: false)
            .joined(separator: "A0222222222")
        try refused(other, by: browser, "another app of ours")
    }

    @Test func `refused by the user says so and stores nothing`() throws {
        let browser = Browser()
        let before = try installations()
        let callback = try browser.consent(try stand.beginInstall(), answer: "&sim_user=deny")
        let page = try browser.get(callback)
        #expect(page.text.contains("<html"))
        #expect(try installations() == before)
        #expect(try stand.records().contains { $0["reason"] == "denied_by_user" })
    }

    @Test(arguments: ["html", "status:500", "error:invalid_code", "truncate", "close"])
    func `with a platform in trouble says so and stores nothing`(_ fault: String) throws {
        let browser = Browser()
        let callback = try browser.consent(try stand.beginInstall())
        let before = try installations()
        try sim.fault("oauth.v2.access", fault)
        let page = try browser.get(callback)
        #expect(page.status >= 400, "\(page)")
        #expect(try installations() == before)
        let failed = try stand.records().filter { $0["action"] == "oauth.exchange" && $0["outcome"] == "error" }
        #expect(failed.count == 1)
    }

    @Test func `brought by the bridge is bound to its browser, its service and one use`() throws {
        let binding = "a-session-of-the-bridge-0123456789"
        let begun = try stand.broker(
            "POST", "apps/\(Stand.app)/oauth/authorize",
            ["purpose": "install", "redirect_uri": .string(stand.redirect), "browser_binding": .string(binding)])
        let link = try #require(begun["authorization_url"]?.text)
        let back = try #require(try Browser().get(link).location)
        let code = try #require(back.split(separator: "code=").last?.split(separator: "&").first)
        let state = try #require(begun["state"]?.text)
        func finish(_ binding: String?, code: String = String(code)) throws -> Reply {
            var body: [String: JSON] = ["code": .string(code), "state": .string(state)]
            body["browser_binding"] = binding.map(JSON.string)
            return try stand.broker("POST", "apps/\(Stand.app)/oauth/callback", .object(body))
        }
        #expect(try finish(nil).code == "state_invalid")
        #expect(try finish("another-session-of-the-bridge-0000").code == "state_invalid")
        let done = try finish(binding)
        #expect(done.status == 200 && !done.text.contains("xox"), "\(done.text)")
        let again = try finish(binding)
        #expect(again.code == "state_invalid" && again.status == 400, "\(again.text)")
        #expect(try sim.count("oauth.v2.access") >= 1)
    }

    @Test func `with a code used twice is refused by the platform, and named`() throws {
        func begin() throws -> Reply {
            try stand.broker(
                "POST", "apps/\(Stand.app)/oauth/authorize",
                [
                    "purpose": "install", "redirect_uri": .string(stand.redirect),
                    "browser_binding": "a-session-of-the-bridge-0123456789",
                ])
        }
        let first = try begin()
        let link = try #require(first["authorization_url"]?.text)
        let back = try #require(try Browser().get(link).location)
        let code = try #require(back.split(separator: "code=").last?.split(separator: "&").first)
        for (flow, status) in [(first, 200), (try begin(), 502)] {
            let reply = try stand.broker(
                "POST", "apps/\(Stand.app)/oauth/callback",
                [
                    "code": .string(String(code)), "state": .string(try #require(flow["state"]?.text)),
                    "browser_binding": "a-session-of-the-bridge-0123456789",
                ])
            #expect(reply.status == status && (status == 200 || reply.code == "platform_refused"), "\(reply.text)")
        }
    }
}
