import FoundationEssentials

/// Slack: apps, tokens, codes, and what was posted.
struct SlackWorld: PlatformWorld {
    var mint: Mint
    private(set) var registered: [SlackApp] = []
    var tokens: [SlackToken] = []
    var codes: [SlackCode] = []
    var messages: [SlackMessage] = []
    var webhooks: [SlackWebhook] = []
    private var lastStamp: Int64 = 0

    init(mint: Mint) { self.mint = mint }

    var listed: [JSON] { registered.map { $0.json(botToken: botToken(of: $0)) } }

    var posted: [JSON] { messages.map(\.json) }

    func find(id: String) -> SlackApp? { registered.first { $0.appID == id } }

    func find(clientID: String) -> SlackApp? { registered.first { $0.clientID == clientID } }

    private func botToken(of app: SlackApp) -> String? {
        tokens.last { $0.appID == app.appID && $0.sort == .bot && !$0.revoked }?.value
    }

    /// Adds an app, or changes the one with that `app_id`; what is not given is made up. `bot_token` may be a value
    /// or `true` for a new one: the app then counts as installed with all its bot scopes.
    mutating func register(_ body: JSON, at now: Date) -> JSON? {
        guard case .object(let fields) = body else { return nil }
        func text(_ name: String) -> String? { fields[name]?.text }
        func list(_ name: String) -> [String]? {
            guard case .array(let items)? = fields[name] else { return nil }
            return items.compactMap(\.text)
        }
        let old = text("app_id").flatMap { find(id: $0) }
        let teamName = text("workspace_name") ?? old?.teamName ?? "Fake Workspace"
        let domain = teamName.lowercased().filter { $0.isASCII && ($0.isLetter || $0.isNumber) }
        var app = SlackApp(
            appID: text("app_id") ?? mint.identifier("A"), name: text("name") ?? old?.name ?? "Fake App",
            clientID: text("client_id") ?? old?.clientID ?? "\(mint.digits(12)).\(mint.digits(13))",
            clientSecret: text("client_secret") ?? old?.clientSecret ?? mint.secret(),
            previousClientSecret: old?.previousClientSecret,
            signingSecret: text("signing_secret") ?? old?.signingSecret ?? mint.secret(),
            teamID: text("team_id") ?? old?.teamID ?? mint.identifier("T"), teamName: teamName,
            teamDomain: text("team_domain") ?? old?.teamDomain ?? (domain.isEmpty ? "fake" : domain),
            enterpriseID: text("enterprise_id") ?? old?.enterpriseID,
            redirectURLs: list("redirect_urls") ?? old?.redirectURLs ?? [],
            botScopes: list("bot_scopes") ?? old?.botScopes ?? [],
            userScopes: list("user_scopes") ?? old?.userScopes ?? [],
            botID: text("bot_id") ?? old?.botID ?? mint.identifier("B"),
            botUserID: text("bot_user_id") ?? old?.botUserID ?? mint.identifier("U"))
        if let old, old.clientSecret != app.clientSecret {
            app.previousClientSecret = (old.clientSecret, now.addingTimeInterval(86_400))
        }
        registered.removeAll { $0.appID == app.appID }
        registered.append(app)
        switch fields["bot_token"] {
        case .string(let value)?:
            tokens.removeAll { $0.value == value }
            tokens.append(bot(app, value, app.botScopes))
        case .bool(true)?: tokens.append(bot(app, mint.botToken(), app.botScopes))
        default: break
        }
        return app.json(botToken: botToken(of: app))
    }

    func bot(_ app: SlackApp, _ value: String, _ scopes: [String]) -> SlackToken {
        SlackToken(value: value, sort: .bot, appID: app.appID, userID: app.botUserID, scopes: scopes)
    }

    /// As if the app had been deleted at Slack.
    mutating func remove(app id: String) -> Bool {
        guard find(id: id) != nil else { return false }
        end(app: id)
        registered.removeAll { $0.appID == id }
        return true
    }

    /// Ends every token and webhook of an app.
    mutating func end(app id: String) {
        for index in tokens.indices where tokens[index].appID == id { tokens[index].revoked = true }
        for index in webhooks.indices where webhooks[index].appID == id { webhooks[index].revoked = true }
    }

    /// Slack's name of a message: seconds, a dot, six digits; never the same twice.
    mutating func stamp(at now: Date) -> String {
        let micros = Int64(now.timeIntervalSince1970 * 1_000_000)
        lastStamp = max(micros, lastStamp + 1)
        let fraction = String(lastStamp % 1_000_000)
        return "\(lastStamp / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }
}

extension SlackWorld {
    /// The platform's name for what a path asks; nil when Slack has no such page.
    func call(for path: String) -> String? {
        if path == "/oauth/v2/authorize" { return "oauth.v2.authorize" }
        if path.hasPrefix("/api/"), path.dropFirst(5).utf8.count <= 100 { return String(path.dropFirst(5)) }
        if path.hasPrefix("/services/") { return "incoming_webhook" }
        return nil
    }

    mutating func answer(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        switch call {
        case "oauth.v2.authorize": authorize(request, at: now)
        case "incoming_webhook": webhook(request, at: now)
        default: web(request, call, at: now)
        }
    }

    /// The answer to a fault that names one of Slack's codes: a redirect where Slack would redirect, else JSON.
    func refuse(_ request: SimRequest, _ call: String, _ code: String) -> Outcome {
        guard call == "oauth.v2.authorize" else { return Self.failure(code) }
        return deny(request, code)
    }

    /// `{"ok": false, "error": …}`, which Slack sends with status 200 (platforms, 0.4 row 1).
    static func failure(
        _ code: String, _ more: [String: JSON] = [:], app: String? = nil, token: String? = nil
    ) -> Outcome {
        let body = JSON.object(more.merging(["ok": false, "error": .string(code)]) { mine, _ in mine })
        return .refused(code, .json(body), app: app, token: token)
    }

    /// What Slack sends with a status that is not 200.
    func trouble(_ status: Int, retryAfter: Int64) -> SimAnswer {
        let code = status == 429 ? "ratelimited" : status == 503 ? "service_unavailable" : "internal_error"
        var answer = SimAnswer.json(["ok": false, "error": .string(code)], status: status)
        if status == 429 || status == 503 { answer.headers.append(("Retry-After", String(retryAfter))) }
        if (300..<400).contains(status) { answer.headers.append(("Location", "https://slack.example/elsewhere")) }
        return answer
    }
}
