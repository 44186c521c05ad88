import Testing

@testable import postern_sim

/// One of the five integrations as its administrator meets it: what the platforms know, and what is handed over.
struct Integration: Sendable, CustomStringConvertible {
    let profile: String
    /// The apps it has, Genesys before Slack.
    let platforms: [String]
    /// The leg a bridge then uses at each platform.
    let legs: [String]
    /// What its people do in the browser; nil where nobody does anything.
    let purpose: String?

    var description: String { profile }

    static let all = [
        Integration(profile: "alibaba-slack", platforms: ["slack"], legs: ["bot"], purpose: "install"),
        Integration(profile: "alibaba-lark", platforms: ["lark"], legs: ["tenant"], purpose: "login"),
        Integration(profile: "alibaba-feishu", platforms: ["feishu"], legs: ["tenant"], purpose: "login"),
        Integration(profile: "ovice-slack", platforms: ["slack"], legs: ["bot"], purpose: "install"),
        Integration(
            profile: "genesys-slack", platforms: ["genesys", "slack"], legs: ["app", "bot"], purpose: "install"),
    ]

    static func named(_ name: String) throws -> Integration { try #require(all.first { $0.profile == name }) }

    /// An App ID of its own for each row of a table.
    static func appID(_ platform: String, _ number: Int) -> String {
        switch platform {
        case "slack": "A0FAKE00\(10 + number)"
        case "genesys": "fa4e0000-0000-4000-8000-0000000000\(10 + number)"
        default: "cli_fake000000000\(10 + number)"
        }
    }

    private static let scopes: [String: [JSON]] = [
        "alibaba-slack": ["chat:write", "users:read", "im:write", "im:history"],
        "ovice-slack": ["users:read", "users:read.email", "chat:write"],
        "genesys-slack": ["app_mentions:read", "chat:write", "im:history", "incoming-webhook"],
    ]

    /// Registers the apps at the simulated platforms, as a customer does who follows the guide; `wrong` goes over it.
    /// Returns what `creds.json` is made of.
    func make(_ stand: Stand, number: Int = 1, wrong: [String: JSON] = [:]) throws -> [String: JSON] {
        let sim = try #require(stand.sim)
        var credentials: [String: JSON] = [:]
        for platform in platforms {
            let id = Self.appID(platform, number)
            var urls = ["\(stand.callback)/thirdparty/\(platform)/\(id)/oauth2/callback"]
            var body: [String: JSON] = [
                "platform": .string(platform), "app_id": .string(id), "workspace_name": "Acme Corp",
            ]
            switch platform {
            case "slack":
                body["team_domain"] = "acme"
                body["bot_token"] = true
                body["bot_scopes"] = .array(Self.scopes[profile] ?? [])
                body["user_scopes"] = ["identity.basic", "identity.team"]
                urls.append("https://ailink.gts.work/thirdparty/slack/\(id)/oauth2/callback")
            case "genesys":
                body["region"] = "mypurecloud.ie"
            default:
                body["tenant_scopes"] = [
                    "application:application:self_manage", "cardkit:card:write", "im:message:send_as_bot",
                    "tenant:tenant:readonly",
                ]
                let base = "https://ailink.gts.work"
                urls += [
                    "\(base)/\(platform)/\(id)", "\(base)/\(platform)/\(id)/workbench",
                    "\(base)/thirdparty/\(platform)/\(id)/login",
                    "\(base)/thirdparty/\(platform)/\(id)/oauth2/callback",
                    "\(base)/\(platform)/\(id)/person/inviteToGroup",
                ]
            }
            body["redirect_urls"] = .array(urls.map(JSON.string))
            for (key, value) in wrong where key.hasPrefix("\(platform).") {
                body[String(key.dropFirst(platform.count + 1))] = value
            }
            let made = try sim.control("POST", "apps", .object(body))
            for (key, value) in try keys(platform, made) {
                credentials[platforms.count > 1 ? "\(platform).\(key)" : key] = value
            }
        }
        return credentials
    }

    /// What the guide has people copy, by the names of `creds.json`.
    private func keys(_ platform: String, _ made: JSON) throws -> [String: JSON] {
        func some(_ names: [String]) throws -> [String: JSON] {
            try Dictionary(uniqueKeysWithValues: names.map { ($0, try #require(made[$0], "\($0)")) })
        }
        switch (profile, platform) {
        case ("alibaba-slack", _):
            return try some(["workspace_name", "app_id", "client_id", "client_secret", "signing_secret", "bot_token"])
        case ("ovice-slack", _):
            // Access Token and Slack Workspace Domain; the client's pair lets people connect.
            return try some(["bot_token", "client_id", "client_secret"]).merging(["domain": "acme"]) { $1 }
        case ("genesys-slack", "slack"):
            return try some(["bot_token", "signing_secret", "app_id", "client_id", "client_secret"]).merging(
                ["channel_id": "C0FAKE1234"]
            ) { $1 }
        case (_, "genesys"):
            return try some(["client_id", "client_secret", "region", "webhook_secret", "integration_ids"])
        default: return try some(["workspace_name", "app_id", "app_secret"])
        }
    }
}

extension JSON {
    /// As it stands in a file.
    var string: String { String(decoding: bytes, as: UTF8.self) }
}
