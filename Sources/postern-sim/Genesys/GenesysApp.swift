import FoundationEssentials

/// One OAuth client of a Genesys Cloud organisation (platforms, 4.1).
struct GenesysApp: Sendable {
    /// An open messaging integration.
    struct Integration: Sendable {
        var id: String
        var name: String
        var webhookURL: String
        var webhookSecret: String

        /// As Postern stores it, with what the API is asked for.
        var json: JSON {
            [
                "id": .string(id), "name": .string(name), "webhook_url": .string(webhookURL),
                "webhook_secret": .string(webhookSecret),
            ]
        }
    }

    var clientID: String
    var name: String
    var clientSecret: String
    var region: String
    var organizationID: String
    var organizationName: String
    /// What the client may do at the token endpoint; its `authorizedGrantType` is the first.
    var grantTypes: [String]
    /// `active`, `disabled` or `inactive`.
    var state: String
    var redirectURLs: [String]
    /// Seconds; a real client has 300 to 172 800 (platforms, 4.1).
    var tokenLife: Int64
    /// Token requests in a minute before the answer is 429 (platforms, 4.9).
    var tokenRate: Int64
    /// Whether its roles let it look at OAuth clients.
    var maySeeClients: Bool
    var integrations: [Integration]

    /// As `creds.json` of `postern app add` has it, and a little more.
    var json: JSON {
        [
            "app_id": .string(clientID), "client_id": .string(clientID), "name": .string(name),
            "client_secret": .string(clientSecret), "region": .string(region),
            "organization_id": .string(organizationID), "workspace_name": .string(organizationName),
            "grant_types": .array(grantTypes.map(JSON.string)), "state": .string(state),
            "redirect_urls": .array(redirectURLs.map(JSON.string)), "token_life": .integer(tokenLife),
            "token_rate": .integer(tokenRate), "may_see_clients": .bool(maySeeClients),
            "integrations": .array(integrations.map(\.json)),
            "integration_ids": .string(integrations.map(\.id).joined(separator: ",")),
            "webhook_secret": .string(integrations.first?.webhookSecret ?? ""),
        ]
    }
}

extension GenesysApp {
    /// The client `body` describes, made up where it says nothing; `old` is the one it changes.
    init?(_ body: JSON, changing old: GenesysApp?, _ mint: inout Mint) {
        guard case .object(let fields) = body else { return nil }
        func text(_ name: String) -> String? { fields[name]?.text }
        func list(_ name: String) -> [String]? {
            guard case .array(let items)? = fields[name] else { return nil }
            return items.compactMap(\.text)
        }
        func number(_ name: String) -> Int64? {
            guard case .integer(let value)? = fields[name], (1...315_360_000).contains(value) else { return nil }
            return value
        }
        clientID = text("app_id") ?? text("client_id") ?? mint.uuid()
        name = text("name") ?? old?.name ?? "Fake Client"
        clientSecret = text("client_secret") ?? old?.clientSecret ?? "fake-\(mint.letters(38))"
        region = text("region") ?? old?.region ?? "mypurecloud.com"
        organizationID = text("organization_id") ?? old?.organizationID ?? mint.uuid()
        organizationName = text("workspace_name") ?? old?.organizationName ?? "Fake Organisation"
        grantTypes = list("grant_types") ?? old?.grantTypes ?? ["CLIENT-CREDENTIALS", "CODE"]
        state = text("state") ?? old?.state ?? "active"
        redirectURLs = list("redirect_urls") ?? old?.redirectURLs ?? []
        tokenLife = number("token_life") ?? old?.tokenLife ?? 86_400
        tokenRate = number("token_rate") ?? old?.tokenRate ?? 300
        if case .bool(let value)? = fields["may_see_clients"] {
            maySeeClients = value
        } else {
            maySeeClients = old?.maySeeClients ?? false
        }
        integrations = old?.integrations ?? []
        let secret = text("webhook_secret") ?? old?.integrations.first?.webhookSecret ?? "fake-\(mint.letters(27))"
        if case .array(let items)? = fields["integrations"] {
            integrations = items.map { item in
                Integration(
                    id: item["id"]?.text ?? mint.uuid(), name: item["name"]?.text ?? "Fake Integration",
                    webhookURL: item["webhook_url"]?.text ?? "", webhookSecret: item["webhook_secret"]?.text ?? secret)
            }
        } else if old == nil {
            // The two of the guide (platforms, 5.5).
            integrations = ["Open Messaging Direct Message", "Open Messaging App Mention"].map {
                Integration(
                    id: mint.uuid(), name: $0, webhookURL: text("webhook_url") ?? "https://bridge.example/genesys",
                    webhookSecret: secret)
            }
        }
    }
}

/// A code on its way from the consent page to the exchange.
struct GenesysCode: Sendable {
    /// Not documented; platforms 4.2 has us assume five minutes.
    static let life: TimeInterval = 300

    let value: String
    let clientID: String
    let redirectURI: String
    let userID: String
    let challenge: String?
    let made: Date
    var used = false
}

/// An access token; one of client credentials has no user.
struct GenesysToken: Sendable {
    let value: String
    let clientID: String
    let userID: String?
    let expires: Date
}

/// A refresh token of the code grant.
struct GenesysRefresh: Sendable {
    let clientID: String
    let userID: String
    var spent = false
}
