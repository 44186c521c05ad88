import HTTPClient
import Linux
import Testing

@testable import postern_sim

extension Stand {
    /// An app whose tokens rotate, installed by a browser: a bot's leg, and a person's where `userScope` is asked for.
    ///
    /// `life` is what the first tokens' answer says of their life, in seconds; the platform itself lets them live on.
    func furnishRotating(life: Int64? = nil, grace: Int64 = 0, userScope: [String] = []) throws {
        let sim = try #require(self.sim)
        let theirs = try sim.control(
            "POST", "apps",
            [
                "app_id": .string(Self.appID), "workspace_name": "Acme", "token_rotation_enabled": true,
                "refresh_grace": .integer(grace), "redirect_urls": [.string(redirect)],
                "bot_scopes": ["chat:write", "users:read", "im:write", "im:history"],
                "user_scopes": ["search:read"],
            ])
        try must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        try must(
            "POST", "apps",
            [
                "tenant": "acme", "profile": "slack", "app_id": .string(Self.appID),
                "fields": ["client_id": theirs["client_id"] ?? .null],
                "secrets": ["client_secret": theirs["client_secret"] ?? .null], "redirect_uris": [.string(redirect)],
                "verify": false,
            ])
        let uid = Self.bridge.map(String.init) ?? String(Privileges.uid)
        try must("POST", "services", ["name": "bridge", "selectors": [.string("uid:\(uid)")]])
        try grant(
            actions: ["access:bot", "access:user", "deliver:token", "oauth:start", "installation:read"],
            methods: ["*"])
        try install(life: life, userScope: userScope)
    }

    /// Somebody installs the app, for the first time or again.
    func install(life: Int64? = nil, userScope: [String] = []) throws {
        let sim = try #require(self.sim)
        // The browser needs the callback listener, which is there a moment after the sockets.
        let isUp = try eventually { try must("GET", "status")["courier"]?["running"] == true }
        try #require(isUp, "\(log.suffix(1000))")
        if let life { try sim.fault("oauth.v2.access", "edit:set:expires_in=\(life)") }
        var ask: [String: JSON] = [
            "purpose": "install", "scope": ["chat:write", "users:read", "im:write", "im:history"],
        ]
        if !userScope.isEmpty { ask["user_scope"] = .array(userScope.map(JSON.string)) }
        let reply = try broker("POST", "apps/\(Self.app)/oauth/authorize", .object(ask))
        let start = try #require(reply["start_url"]?.text, "\(reply.text)")
        let browser = Browser()
        let page = try browser.get(try browser.consent(start))
        try #require(page.status == 200, "\(page.text)")
    }

    /// The legs of all installations, by name.
    func legs() throws -> [String: JSON] {
        var found: [String: JSON] = [:]
        guard case .array(let rows)? = try must("GET", "installations?app=\(Self.app)")["installations"] else {
            return found
        }
        for row in rows {
            guard case .array(let legs)? = row["legs"] else { continue }
            for leg in legs { found[leg["leg"]?.text ?? ""] = leg }
        }
        return found
    }

    /// A token of a leg, by the broker.
    func token(_ leg: String = "bot", minTTL: Int64? = nil) throws -> Reply {
        var ask: [String: JSON] = ["as": .string(leg), "deliver": "token"]
        if let minTTL { ask["min_ttl"] = .integer(minTTL) }
        return try broker("POST", "apps/\(Self.app)/access", .object(ask))
    }
}

extension Simulated {
    /// What it gave for refresh tokens: calls that were accepted as a refresh, whoever got the answer.
    func refreshes() throws -> Int {
        try (ledger("oauth.v2.access", "accepted") + ledger("oauth.v2.access", "fault")).count {
            $0.contains("refreshed")
        }
    }

    /// The reasons of the calls of this name and outcome.
    func ledger(_ call: String, _ outcome: String) throws -> [String] {
        guard case .array(let entries)? = try control("GET", "ledger?call=\(call)&outcome=\(outcome)")["entries"] else {
            return []
        }
        return entries.compactMap { $0["reason"]?.text }
    }

    /// Whether it accepts a token at this moment.
    func accepts(_ token: String) throws -> Bool {
        let answer = try HTTPClient().perform(
            HTTPClient.Request("POST", "\(base)/api/auth.test", headers: [.init("Authorization", "Bearer \(token)")]))
        return JSON(bytes: answer.body)?["ok"] == true
    }
}
