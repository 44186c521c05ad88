package import Rules

/// Who a token is: the answer of `auth.test`.
package struct SlackIdentity: Sendable, Equatable {
    package let teamID: String
    package let teamName: String?
    /// The workspace's address, `https://DOMAIN.slack.com/`.
    package let url: String?
    package let userID: String
    /// Only a bot token has one.
    package let botID: String?
    package let enterpriseID: String?
    package let isEnterpriseInstall: Bool
    /// Which tokens get it is not documented (platforms, 7, item 5).
    package let appID: AppID?
    /// Seconds left, where the token rotates.
    package let expiresIn: Int64?
    /// From the header `x-oauth-scopes`; nil when the header is absent, which is not the same as no scope.
    package let scopes: [String]?

    /// The fields of a good answer, tokens in guarded memory where the type says so.
    package init(
        teamID: String, teamName: String?, url: String? = nil, userID: String, botID: String?,
        enterpriseID: String? = nil, isEnterpriseInstall: Bool = false, appID: AppID? = nil, expiresIn: Int64? = nil,
        scopes: [String]?
    ) {
        self.teamID = teamID
        self.teamName = teamName
        self.url = url
        self.userID = userID
        self.botID = botID
        self.enterpriseID = enterpriseID
        self.isEnterpriseInstall = isEnterpriseInstall
        self.appID = appID
        self.expiresIn = expiresIn
        self.scopes = scopes
    }
}

/// Who logged in: the answer of `users.identity`.
package struct SlackPerson: Sendable, Equatable {
    package let userID: String
    package let teamID: String
    package let name: String?
    package let email: String?
}

extension PlatformAnswer {
    /// The object of a Slack answer that says `ok: true`; every other answer is a failure by the table.
    func slackObject() throws(PlatformFailure) -> JSONFields {
        let wait = retryAfter
        if status == 429 { throw SlackErrors.failure(for: "ratelimited", retryAfter: wait ?? 30) }
        if (300..<400).contains(status) {
            throw PlatformFailure(
                .config, "redirected", "Slack's address answered with a redirect; check the setting slack.api")
        }
        guard let object = JSONFields(body) else {
            if status >= 500 { throw PlatformFailure(.retry, "server_error", "Slack had an error", retryAfter: wait) }
            if body.count > JSONFields.longestBody {
                throw PlatformFailure(.bug, "unexpected_answer", "Slack's answer is larger than any it documents")
            }
            throw .unreadable("Slack")
        }
        if object.bool("ok") == true, status < 400 { return object }
        // Some report HTTP 400 without `ok` (platforms, 6), so the code counts wherever it stands.
        if object.bool("ok") != true, let code = object.string("error") {
            throw SlackErrors.failure(for: code, retryAfter: wait, needed: object.scopes("needed"))
        }
        if status >= 500 { throw PlatformFailure(.retry, "server_error", "Slack had an error", retryAfter: wait) }
        throw .unexpected("Slack", "it says neither that it worked nor why not")
    }

    /// `Retry-After` in seconds (RFC 9110, section 10.2.3; Slack sends no dates), held to 1 … 3600.
    package var retryAfter: Int64? {
        guard let text = header("retry-after"), let seconds = Int64(text) else { return nil }
        return min(max(seconds, 1), 3600)
    }

    /// Reads `auth.test`.
    package func slackIdentity() throws(PlatformFailure) -> SlackIdentity {
        let object = try slackObject()
        guard let team = object.word("team_id", longest: 64), let user = object.word("user_id", longest: 64) else {
            throw .unexpected("Slack", "auth.test names no team and user")
        }
        return SlackIdentity(
            teamID: team, teamName: object.label("team"), url: object.word("url", longest: 300), userID: user,
            botID: object.word("bot_id", longest: 64), enterpriseID: object.word("enterprise_id", longest: 64),
            isEnterpriseInstall: object.bool("is_enterprise_install") ?? false,
            appID: object.string("app_id").flatMap { AppID($0) },
            // Held to what can be added to a moment; nil is no end at all, so nothing else may be read as that.
            expiresIn: object.integer("expires_in").map { min(max($0, 0), 315_360_000) },
            scopes: header("x-oauth-scopes").map(Scopes.split))
    }

    /// Reads `bots.info`: the app the bot belongs to.
    package func slackBotApp() throws(PlatformFailure) -> AppID {
        guard let app = try slackObject().object("bot")?.string("app_id").flatMap({ AppID($0) }) else {
            throw .unexpected("Slack", "bots.info names no app")
        }
        return app
    }

    /// Reads `users.identity`.
    package func slackPerson() throws(PlatformFailure) -> SlackPerson {
        let object = try slackObject()
        guard let user = object.object("user"), let id = user.word("id", longest: 64),
            let team = object.object("team")?.word("id", longest: 64)
        else { throw .unexpected("Slack", "users.identity names no user and team") }
        return SlackPerson(userID: id, teamID: team, name: user.label("name"), email: user.word("email", longest: 320))
    }
}
