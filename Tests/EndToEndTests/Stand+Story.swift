import Linux
import Testing

@testable import postern_sim

extension Stand {
    /// What `furnish` plants.
    struct Planted {
        var signingSecret = Planted.secret()
        var clientSecret = Planted.secret()
        var botToken: String?

        /// Ours, long and random, so that a scan cannot find it by chance.
        static func secret() -> String {
            String(
                (0..<48).map { _ in "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXY23456789".randomElement() ?? "x" })
        }
    }

    static let everything: [String] = [
        "secret:read:signing_secret", "secret:read:bot_token", "access:bot", "deliver:token", "oauth:start",
        "oauth:finish", "installation:read",
    ]

    /// A tenant, an app, the service `bridge` with a grant, the service `other` without.
    @discardableResult
    func furnish(actions: [String] = everything, methods: [String] = ["chat.postMessage", "auth.test"]) throws
        -> Planted
    {
        let planted = try add(Self.appID, of: "acme")
        try must("POST", "services", ["name": "bridge", "selectors": [.string("uid:\(Self.uid(Self.bridge))")]])
        if Shell.isRoot { try must("POST", "services", ["name": "other", "selectors": ["uid:1003"]]) }
        try grant(actions: actions, methods: methods)
        return planted
    }

    /// An app of a tenant of its own, with a bot's token where there is a platform to know it.
    @discardableResult
    func add(_ appID: String, of tenant: String) throws -> Planted {
        var planted = Planted()
        try must("POST", "tenants", ["slug": .string(tenant), "name": "Acme Corp"])
        var clientID = "1234567890.0987654321"
        if let sim {
            let theirs = try sim.register(appID, redirect: redirect)
            clientID = try #require(theirs["client_id"]?.text)
            planted.clientSecret = try #require(theirs["client_secret"]?.text)
            planted.botToken = theirs["bot_token"]?.text
        }
        var secrets: [String: JSON] = [
            "client_secret": .string(planted.clientSecret), "signing_secret": .string(planted.signingSecret),
        ]
        if let token = planted.botToken { secrets["bot_token"] = .string(token) }
        try must(
            "POST", "apps",
            [
                "tenant": .string(tenant), "profile": "alibaba-slack", "app_id": .string(appID),
                "fields": ["workspace_name": "Acme", "client_id": .string(clientID)], "secrets": .object(secrets),
                "redirect_uris": [.string(redirect)], "verify": .bool(sim != nil),
            ])
        return planted
    }

    /// The grant's id.
    @discardableResult
    func grant(
        _ pattern: String = "acme/\(app)", actions: [String], methods: [String] = [], service: String = "bridge"
    ) throws -> Int64 {
        let reply = try must(
            "POST", "grants",
            [
                "service": .string(service), "pattern": .string(pattern), "actions": .array(actions.map(JSON.string)),
                "methods": .array(methods.map(JSON.string)), "scope": [], "max_ttl_seconds": 600,
            ])
        guard case .integer(let id)? = reply["id"] else { return 0 }
        return id
    }

    static var uid: UInt32 { Privileges.uid }

    private static func uid(_ other: UInt32?) -> UInt32 { other ?? Privileges.uid }

    /// Begins an installation and returns its start link.
    func beginInstall(_ purpose: String = "install") throws -> String {
        let reply = try broker("POST", "apps/\(Self.app)/oauth/authorize", ["purpose": .string(purpose)])
        return try #require(reply["start_url"]?.text, "\(reply.text)")
    }

    /// A gateway lease.
    func lease(_ app: String = app, as leg: String = "bot", uid: UInt32? = bridge) throws -> String {
        let reply = try broker("POST", "apps/\(app)/access", ["as": .string(leg)], uid: uid)
        return try #require(reply["lease_id"]?.text, "\(reply.text)")
    }
}
