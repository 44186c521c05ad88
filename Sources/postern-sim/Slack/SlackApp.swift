import FoundationEssentials

/// One Slack app and the workspace it lives in.
struct SlackApp: Sendable {
    var appID: String
    var name: String
    var clientID: String
    var clientSecret: String
    /// A regenerated secret's predecessor works for 24 hours (platforms, 1.10).
    var previousClientSecret: (value: String, until: Date)?
    var signingSecret: String
    var teamID: String
    var teamName: String
    var teamDomain: String
    var enterpriseID: String?
    var redirectURLs: [String]
    /// What the app may ask for; empty is whatever is asked.
    var botScopes: [String]
    var userScopes: [String]
    var botID: String
    var botUserID: String

    /// As `creds.json` of `postern app add` has it, and a little more.
    func json(botToken: String?) -> JSON {
        [
            "app_id": .string(appID), "name": .string(name), "client_id": .string(clientID),
            "client_secret": .string(clientSecret), "signing_secret": .string(signingSecret),
            "bot_token": .optional(botToken), "workspace_name": .string(teamName), "team_id": .string(teamID),
            "team_domain": .string(teamDomain), "enterprise_id": .optional(enterpriseID),
            "redirect_urls": .array(redirectURLs.map(JSON.string)),
            "bot_scopes": .array(botScopes.map(JSON.string)), "user_scopes": .array(userScopes.map(JSON.string)),
            "bot_id": .string(botID), "bot_user_id": .string(botUserID),
        ]
    }

    func accepts(secret: String, at now: Date) -> Bool {
        if secret == clientSecret { return true }
        guard let previousClientSecret, now < previousClientSecret.until else { return false }
        return secret == previousClientSecret.value
    }

    /// Slack wants https; here loopback may be plain, since that is where the callback listener is in a test.
    func allows(redirect: String) -> Bool {
        guard !redirect.contains("#"),
            redirect.hasPrefix("https://") || redirect.hasPrefix("http://127.0.0.1")
                || redirect.hasPrefix("http://localhost")
        else { return false }
        return redirectURLs.contains { registered in
            redirect == registered
                || redirect.hasPrefix(registered.hasSuffix("/") ? registered : registered + "/")
                || redirect.hasPrefix(registered + "?")
        }
    }
}

/// A token somebody holds.
struct SlackToken: Sendable {
    enum Sort: Sendable { case bot, user }
    let value: String
    let sort: Sort
    let appID: String
    let userID: String
    var scopes: [String]
    var revoked = false
}

/// A code on its way from the consent page to the exchange.
struct SlackCode: Sendable {
    static let life: TimeInterval = 600

    let value: String
    let appID: String
    /// As the authorize page saw it; nil when it was left out.
    let redirectURI: String?
    let scopes: [String]
    let userScopes: [String]
    let userID: String
    let made: Date
    var used = false
}

/// A message that was posted.
struct SlackMessage: Sendable {
    let appID: String
    let channel: String
    let text: String
    let ts: String
    /// `chat.postMessage` or `incoming_webhook`.
    let through: String

    var json: JSON {
        [
            "app_id": .string(appID), "channel": .string(channel), "text": .string(text), "ts": .string(ts),
            "through": .string(through),
        ]
    }
}

/// An incoming webhook; its path is the secret.
struct SlackWebhook: Sendable {
    let path: String
    let appID: String
    let channel: String
    var revoked = false
}
