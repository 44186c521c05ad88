package import Rules

/// What `oauth.v2.access` gave: an installation with its legs apart (platforms, 1.3).
///
/// Carries tokens in the clear on their way into the vault: no description, not kept.
package struct SlackInstallation: Sendable {
    /// A workspace or an organisation.
    package struct Party: Sendable, Equatable {
        package let id: String
        /// Absent in the answer to a login.
        package let name: String?
    }

    /// One token and what comes with it.
    package struct TokenLeg: Sendable, Equatable {
        package let token: String
        package let scope: [String]
        /// Seconds; nil for a token that does not expire.
        package let expiresIn: Int64?
        package let refreshToken: String?
    }

    /// The incoming webhook of an installation; its URL is a secret (platforms 1.2).
    package struct Webhook: Sendable, Equatable {
        /// The URL is the secret.
        package let url: String
        package let channel: String?
        package let channelID: String?
    }

    package let appID: AppID
    /// nil for an installation of a whole organisation.
    package let team: Party?
    /// nil outside Enterprise Grid.
    package let enterprise: Party?
    package let isEnterpriseInstall: Bool
    /// Who authorized.
    package let userID: String?
    package let botUserID: String?
    package let bot: TokenLeg?
    package let user: TokenLeg?
    package let webhook: Webhook?

    /// Throws CONFIG `app_id_mismatch` when Slack installed another app than the one whose credentials we hold.
    package func check(isOf app: AppID) throws(PlatformFailure) {
        guard appID == app else {
            throw PlatformFailure(
                .config, "app_id_mismatch",
                "the Client ID and Client Secret belong to another Slack app than the App ID they are stored under")
        }
    }
}

extension PlatformAnswer {
    /// Reads `oauth.v2.access` after a code exchange or a refresh.
    ///
    /// A refreshed user token stands at the top level with `token_type` `user` (platforms, 1.4); everywhere else a
    /// user token stands under `authed_user`.
    package func slackInstallation() throws(PlatformFailure) -> SlackInstallation {
        let object = try slackObject()
        guard let app = object.string("app_id").flatMap({ AppID($0) }) else {
            throw .unexpected("Slack", "oauth.v2.access names no app")
        }
        let authed = object.object("authed_user")
        let top = leg(object)
        let isUser = object.string("token_type") == "user"
        let nested = authed.flatMap(leg)
        let bot = isUser ? nil : top
        let user = isUser ? top : nested
        guard bot != nil || user != nil else {
            throw .unexpected("Slack", "oauth.v2.access carries no well-formed token")
        }
        let team = try party(object, "team")
        let enterprise = try party(object, "enterprise")
        guard team != nil || enterprise != nil else {
            throw .unexpected("Slack", "oauth.v2.access names neither workspace nor organisation")
        }
        return SlackInstallation(
            appID: app, team: team, enterprise: enterprise,
            isEnterpriseInstall: object.bool("is_enterprise_install") ?? false,
            userID: authed?.word("id", longest: 64), botUserID: object.word("bot_user_id", longest: 64),
            bot: bot, user: user, webhook: webhook(object))
    }

    /// A token is kept whatever is odd about its life or its refresh token: the code is spent, and what a former
    /// installation left may end with it. Without a refresh token nothing of Slack's ends (platforms, 1.1).
    ///
    /// nil for a leg that is not there or not well formed: the other one is kept all the same.
    private func leg(_ fields: JSONFields) -> SlackInstallation.TokenLeg? {
        guard let token = fields.word("access_token", longest: JSONFields.longestToken) else { return nil }
        let refresh = fields.word("refresh_token", longest: JSONFields.longestToken)
        let life = fields.integer("expires_in").flatMap { JSONFields.isLife($0) ? $0 : nil }
        return SlackInstallation.TokenLeg(
            token: token, scope: fields.scopes("scope"),
            expiresIn: life ?? (refresh == nil ? nil : TokenPair.assumedLife), refreshToken: refresh)
    }

    private func party(_ object: JSONFields, _ name: String) throws(PlatformFailure) -> SlackInstallation.Party? {
        guard let fields = object.object(name) else { return nil }
        guard let id = fields.word("id", longest: 64) else { throw .unexpected("Slack", "the \(name) has no id") }
        return SlackInstallation.Party(id: id, name: fields.label("name"))
    }

    /// nil for one that is not there or leads nowhere we would send to: the tokens beside it are kept.
    private func webhook(_ object: JSONFields) -> SlackInstallation.Webhook? {
        guard let fields = object.object("incoming_webhook"), let url = fields.word("url", longest: 2048),
            url.hasPrefix("https://") || Self.isLoopback(url)
        else { return nil }
        return SlackInstallation.Webhook(
            url: url, channel: fields.label("channel"), channelID: fields.word("channel_id", longest: 64))
    }

    /// Plain http to this machine, as the simulator gives it: the address ends where it says it does.
    private static func isLoopback(_ url: String) -> Bool {
        let host = "http://127.0.0.1"
        guard url.hasPrefix(host), let next = url.dropFirst(host.count).first else { return false }
        return next == ":" && url.dropFirst(host.count + 1).prefix { $0 != "/" }.allSatisfy(\.isNumber) || next == "/"
    }
}
