import FoundationEssentials

/// Slack: apps, tokens, codes, and what was posted.
struct SlackWorld: PlatformWorld {
    var mint: Mint
    /// In the order of their registration.
    private var order: [String] = []
    private var apps: [String: SlackApp] = [:]
    private var byClient: [String: String] = [:]
    var tokens = SlackTokens()
    var configurations = SlackConfigurations()
    var codes: [String: SlackCode] = [:]
    var messages: [SlackMessage] = []
    var webhooks: [SlackWebhook] = []
    private var lastStamp: Int64 = 0

    init(mint: Mint) { self.mint = mint }

    var registered: [SlackApp] { order.compactMap { apps[$0] } }

    var listed: [JSON] { registered.map(shown) }

    var posted: [JSON] { messages.map(\.json) }

    func find(id: String) -> SlackApp? { apps[id] }

    func find(clientID: String) -> SlackApp? { byClient[clientID].flatMap { apps[$0] } }

    /// The app with the newest bot token of its own workspace.
    func shown(_ app: SlackApp) -> JSON {
        let newest = tokens.newest(bot(of: app))
        return app.json(botToken: newest.token?.value, refreshToken: newest.refresh)
    }

    private func bot(of app: SlackApp) -> SlackChain {
        SlackChain(appID: app.appID, teamID: app.teamID, sort: .bot, userID: app.botUserID)
    }

    /// Adds an app, or changes the one with that `app_id`; what is not given is made up. `bot_token` may be a value
    /// or `true` for a new one: the app then counts as installed with all its bot scopes.
    mutating func register(_ body: JSON, at now: Date) -> JSON? {
        let old = body["app_id"]?.text.flatMap { find(id: $0) }
        guard let app = SlackApp(body, changing: old, &mint, at: now) else { return nil }
        keep(app)
        switch body["bot_token"] {
        case .string(let value)?: tokens.hold(value, bot(of: app), app.botScopes)
        case .bool(true)? where app.rotates:
            _ = tokens.issue(bot(of: app), app.botScopes, life: app.tokenLife, &mint, at: now)
        case .bool(true)?: tokens.hold(mint.botToken(), bot(of: app), app.botScopes)
        default: break
        }
        return shown(app)
    }

    mutating func keep(_ app: SlackApp) {
        if let old = apps[app.appID] {
            byClient[old.clientID] = nil
        } else {
            order.append(app.appID)
        }
        apps[app.appID] = app
        byClient[app.clientID] = app.appID
    }

    /// As if the app had been deleted at Slack.
    mutating func remove(app id: String) -> Bool {
        guard let app = apps.removeValue(forKey: id) else { return false }
        byClient[app.clientID] = nil
        order.removeAll { $0 == id }
        tokens.end(app: id)
        end(webhooksOf: id) { _ in true }
        return true
    }

    mutating func end(webhooksOf app: String, where here: (String?) -> Bool) {
        for index in webhooks.indices where webhooks[index].appID == app && here(webhooks[index].teamID) {
            webhooks[index].revoked = true
        }
    }

    /// Slack's name of a message: seconds, a dot, six digits; never the same twice.
    mutating func stamp(at now: Date) -> String {
        let micros = Int64(now.timeIntervalSince1970 * 1_000_000)
        lastStamp = max(micros, lastStamp + 1)
        let fraction = String(lastStamp % 1_000_000)
        return "\(lastStamp / 1_000_000).\(String(repeating: "0", count: 6 - fraction.count))\(fraction)"
    }

    /// `config_token`: what the section Your App Configuration Tokens of Slack's page of apps would show.
    mutating func control(_ verb: String, _ body: JSON, at now: Date) -> JSON? {
        guard verb == "config_token" else { return nil }
        let team = body["team_id"]?.text ?? registered.first?.teamID ?? "T0FAKE"
        return configurations.issue(team: team, &mint, at: now)
    }
}

extension SlackWorld {
    /// The platform's name for what a path asks; nil when Slack has no such page.
    func call(for path: String) -> String? {
        if path == "/oauth/v2/authorize" { return "oauth.v2.authorize" }
        if path == "/openid/connect/authorize" { return "openid.connect.authorize" }
        if path.hasPrefix("/api/"), path.dropFirst(5).utf8.count <= 100 { return String(path.dropFirst(5)) }
        if path.hasPrefix("/services/") { return "incoming_webhook" }
        return nil
    }

    mutating func answer(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        switch call {
        case "oauth.v2.authorize", "openid.connect.authorize": authorize(request, call, at: now)
        case "incoming_webhook": webhook(request, at: now)
        default: web(request, call, at: now)
        }
    }

    /// The answer to a fault that names one of Slack's codes: a redirect where Slack would redirect, else JSON.
    func refuse(_ request: SimRequest, _ call: String, _ code: String) -> Outcome {
        guard call.hasSuffix(".authorize") else { return Self.failure(code) }
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
