import FoundationEssentials

/// What a Web API method needs.
struct SlackMethod: Sendable {
    enum Takes: Sendable { case any, bot, user }

    let name: String
    /// One of these is enough; none is no scope needed.
    let scopes: [String]
    let takes: Takes

    init(_ name: String, _ scopes: [String] = [], takes: Takes = .any) {
        self.name = name
        self.scopes = scopes
        self.takes = takes
    }

    static let all = [
        SlackMethod("auth.test"), SlackMethod("auth.revoke"), SlackMethod("apps.uninstall"),
        SlackMethod("bots.info", ["users:read"]),
        SlackMethod("users.identity", ["identity.basic"], takes: .user),
        SlackMethod("openid.connect.userInfo", ["openid"], takes: .user),
        SlackMethod("users.list", ["users:read"]), SlackMethod("users.info", ["users:read"]),
        SlackMethod("users.lookupByEmail", ["users:read.email"]),
        SlackMethod("chat.postMessage", ["chat:write"]),
        SlackMethod("conversations.open", ["im:write", "mpim:write"]),
    ]
}

extension SlackWorld {
    /// `/api/METHOD`.
    mutating func web(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        guard request.method == "POST" || request.method == "GET" else {
            return .refused("method_not_allowed", .text("method not allowed", status: 405))
        }
        let arguments: SlackArguments
        switch SlackArguments.read(request) {
        case .success(let read): arguments = read
        case .failure(let refusal): return refusal.outcome
        }
        switch call {
        case "api.test": return .accepted("api.test", .json(["ok": true, "args": arguments.shown]))
        case "oauth.v2.access": return access(request, arguments, at: now)
        case "oauth.v2.exchange": return makeRotate(request, arguments, at: now)
        case "openid.connect.token": return openIDToken(request, arguments, at: now)
        case "tooling.tokens.rotate": return configurations.rotate(arguments, &mint, at: now)
        case "apps.manifest.create", "apps.manifest.update", "apps.manifest.validate", "apps.manifest.export",
            "apps.manifest.delete":
            return manifest(request, call, arguments, at: now)
        default: break
        }
        guard let method = SlackMethod.all.first(where: { $0.name == call }) else {
            return Self.failure("unknown_method")
        }
        switch token(request, arguments, at: now) {
        case .failure(let refusal): return refusal.outcome
        case .success(let token):
            var outcome = allowed(method, token) ?? run(request, method, arguments, token, at: now)
            outcome.answer.headers.append(("x-oauth-scopes", token.scopes.joined(separator: ",")))
            if !method.scopes.isEmpty {
                outcome.answer.headers.append(("x-accepted-oauth-scopes", method.scopes.joined(separator: ",")))
            }
            return outcome
        }
    }

    /// The caller's token, from the header or a form field.
    private func token(
        _ request: SimRequest, _ arguments: SlackArguments, at now: Date
    ) -> Result<SlackToken, SlackRefusal> {
        let value: String
        switch bearer(request, arguments) {
        case .success(let found): value = found
        case .failure(let refusal): return .failure(refusal)
        }
        guard let token = tokens[value] else {
            let code = configurations.knows(value) ? "not_allowed_token_type" : "invalid_auth"
            return .failure(SlackRefusal(code, token: value))
        }
        guard !token.revoked else {
            let code = token.sort == .bot && token.expires == nil ? "account_inactive" : "token_revoked"
            return .failure(SlackRefusal(code, app: token.appID, token: value))
        }
        if let expires = token.expires, now >= expires {
            return .failure(SlackRefusal("token_expired", app: token.appID, token: value))
        }
        return .success(token)
    }

    func bearer(_ request: SimRequest, _ arguments: SlackArguments) -> Result<String, SlackRefusal> {
        if let header = request.header("authorization") {
            guard header.lowercased().hasPrefix("bearer ") else { return .failure(SlackRefusal("invalid_auth")) }
            return .success(String(header.dropFirst(7).drop { $0 == " " }))
        }
        return arguments["token"].map(Result.success) ?? .failure(SlackRefusal("not_authed"))
    }

    private func allowed(_ method: SlackMethod, _ token: SlackToken) -> Outcome? {
        if (method.takes == .user && token.sort != .user) || (method.takes == .bot && token.sort != .bot) {
            return Self.failure("not_allowed_token_type", app: token.appID, token: token.value)
        }
        guard !method.scopes.isEmpty, !method.scopes.contains(where: token.scopes.contains) else { return nil }
        return Self.failure(
            "missing_scope",
            [
                "needed": .string(method.scopes.joined(separator: ",")),
                "provided": .string(token.scopes.joined(separator: ",")),
            ], app: token.appID, token: token.value)
    }

    private mutating func run(
        _ request: SimRequest, _ method: SlackMethod, _ arguments: SlackArguments, _ token: SlackToken, at now: Date
    ) -> Outcome {
        guard let app = find(id: token.appID) else {
            return Self.failure("account_inactive", app: token.appID, token: token.value)
        }
        switch method.name {
        case "auth.test": return test(app, token, at: now)
        case "auth.revoke": return revoke(arguments, token)
        case "apps.uninstall": return uninstall(arguments, token)
        case "bots.info": return bot(arguments, app, token)
        case "users.identity": return identity(app, token)
        case "openid.connect.userInfo": return userInfo(app, token)
        case "users.list": return people(arguments, app, token)
        case "users.info": return person(arguments, app, token)
        case "users.lookupByEmail": return person(byEmail: arguments["email"] ?? "", app, token)
        case "chat.postMessage": return post(arguments, app, token, at: now)
        case "conversations.open": return open(arguments, app, token)
        default: return Self.failure("unknown_method", app: app.appID, token: token.value)
        }
    }

    private func test(_ app: SlackApp, _ token: SlackToken, at now: Date) -> Outcome {
        let team = token.chain.teamID
        let place = app.team(team ?? app.teamID)
        var body: [String: JSON] = [
            "ok": true, "url": .string("https://\(place.domain).slack.com/"), "team": .string(place.name),
            "user": .string(token.sort == .bot ? "fakebot" : "fake.user"), "team_id": .string(team ?? app.teamID),
            "user_id": .string(token.userID), "is_enterprise_install": .bool(team == nil),
        ]
        if token.sort == .bot { body["bot_id"] = .string(app.botID) }
        if let enterprise = app.enterpriseID { body["enterprise_id"] = .string(enterprise) }
        if let expires = token.expires { body["expires_in"] = .integer(Int64(expires.timeIntervalSince(now))) }
        return .accepted("live \(token.sort) token", .json(.object(body)), app: app.appID, token: token.value)
    }
}
