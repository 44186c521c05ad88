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
    var verificationToken: String
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
    /// Token rotation; cannot be switched off again (platforms, 1.4).
    var rotates: Bool
    /// Seconds an access token of a rotating app lives; Slack's own is 43 200.
    var tokenLife: Int64
    /// Seconds a spent refresh token is still taken; Slack does not say how many.
    var grace: Int64
    /// The PKCE switch, which excludes the secret; cannot be switched off again (platforms, 1.2).
    var usesPKCE: Bool
    /// Whether other workspaces than its own may install it.
    var isDistributed: Bool
    /// Whether it may be installed for a whole organisation.
    var deploysToOrganisation: Bool
    /// As the manifest editor saved it last; nil when it never did.
    var manifest: JSON?

    /// As `creds.json` of `postern app add` has it, and a little more.
    func json(botToken: String?, refreshToken: String?) -> JSON {
        [
            "app_id": .string(appID), "name": .string(name), "client_id": .string(clientID),
            "client_secret": .string(clientSecret), "signing_secret": .string(signingSecret),
            "verification_token": .string(verificationToken),
            "bot_token": .optional(botToken), "bot_refresh_token": .optional(refreshToken),
            "workspace_name": .string(teamName), "team_id": .string(teamID),
            "team_domain": .string(teamDomain), "enterprise_id": .optional(enterpriseID),
            "redirect_urls": .array(redirectURLs.map(JSON.string)),
            "bot_scopes": .array(botScopes.map(JSON.string)), "user_scopes": .array(userScopes.map(JSON.string)),
            "bot_id": .string(botID), "bot_user_id": .string(botUserID),
            "token_rotation_enabled": .bool(rotates), "token_life": .integer(tokenLife),
            "refresh_grace": .integer(grace), "pkce_enabled": .bool(usesPKCE), "distributed": .bool(isDistributed),
            "org_deploy_enabled": .bool(deploysToOrganisation),
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

    /// The workspace of this id, as `team` in an answer has it.
    func team(_ id: String) -> (name: String, domain: String) {
        id == teamID ? (teamName, teamDomain) : ("Fake Workspace \(id)", id.lowercased())
    }
}

extension SlackApp {
    /// The app `body` describes, made up where it says nothing; `old` is the one it changes.
    init?(_ body: JSON, changing old: SlackApp?, _ mint: inout Mint, at now: Date) {
        guard case .object(let fields) = body else { return nil }
        func text(_ name: String) -> String? { fields[name]?.text }
        func list(_ name: String) -> [String]? {
            guard case .array(let items)? = fields[name] else { return nil }
            return items.compactMap(\.text)
        }
        func flag(_ name: String) -> Bool? {
            guard case .bool(let value)? = fields[name] else { return nil }
            return value
        }
        func seconds(_ name: String) -> Int64? {
            guard case .integer(let value)? = fields[name], (0...315_360_000).contains(value) else { return nil }
            return value
        }
        let teamName = text("workspace_name") ?? old?.teamName ?? "Fake Workspace"
        let domain = teamName.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        self.init(
            appID: text("app_id") ?? mint.identifier("A"), name: text("name") ?? old?.name ?? "Fake App",
            clientID: text("client_id") ?? old?.clientID ?? "\(mint.digits(12)).\(mint.digits(13))",
            clientSecret: text("client_secret") ?? old?.clientSecret ?? mint.secret(),
            previousClientSecret: old?.previousClientSecret,
            signingSecret: text("signing_secret") ?? old?.signingSecret ?? mint.secret(),
            verificationToken: text("verification_token") ?? old?.verificationToken ?? "fake" + mint.letters(20),
            teamID: text("team_id") ?? old?.teamID ?? mint.identifier("T"), teamName: teamName,
            teamDomain: text("team_domain") ?? old?.teamDomain ?? (domain.isEmpty ? "fake" : domain),
            enterpriseID: text("enterprise_id") ?? old?.enterpriseID,
            redirectURLs: list("redirect_urls") ?? old?.redirectURLs ?? [],
            botScopes: list("bot_scopes") ?? old?.botScopes ?? [],
            userScopes: list("user_scopes") ?? old?.userScopes ?? [],
            botID: text("bot_id") ?? old?.botID ?? mint.identifier("B"),
            botUserID: text("bot_user_id") ?? old?.botUserID ?? mint.identifier("U"),
            rotates: flag("token_rotation_enabled") ?? old?.rotates ?? false,
            tokenLife: max(seconds("token_life") ?? old?.tokenLife ?? 43_200, 1),
            grace: seconds("refresh_grace") ?? old?.grace ?? 0,
            usesPKCE: flag("pkce_enabled") ?? old?.usesPKCE ?? false,
            isDistributed: flag("distributed") ?? old?.isDistributed ?? false,
            deploysToOrganisation: flag("org_deploy_enabled") ?? old?.deploysToOrganisation ?? false,
            manifest: old?.manifest)
        if let old, old.clientSecret != clientSecret {
            previousClientSecret = (old.clientSecret, now.addingTimeInterval(86_400))
        }
    }
}

/// A code on its way from the consent page to the exchange.
struct SlackCode: Sendable {
    static let life: TimeInterval = 600

    let value: String
    let appID: String
    /// nil for the whole organisation.
    let teamID: String?
    /// As the authorize page saw it; nil when it was left out.
    let redirectURI: String?
    let scopes: [String]
    let userScopes: [String]
    let userID: String
    let made: Date
    /// The S256 challenge of an app of the PKCE switch.
    var challenge: String?
    /// True for `openid/connect/authorize`: the other exchange does not take it.
    var isOpenID = false
    var nonce: String?
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
    let teamID: String?
    let channel: String
    var revoked = false
}
