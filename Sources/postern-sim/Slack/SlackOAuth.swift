import FoundationEssentials

extension SlackWorld {
    /// Who the client is, from HTTP Basic or from the body (platforms, 1.3); the error code when it is not proven.
    func client(_ request: SimRequest, _ arguments: SlackArguments, at now: Date) -> Result<SlackApp, SlackRefusal> {
        var id = arguments["client_id"]
        var secret = arguments["client_secret"]
        if let header = request.header("authorization") {
            guard let pair = Self.basic(header) else { return .failure(SlackRefusal("invalid_auth")) }
            if let id, id != pair.id { return .failure(SlackRefusal("invalid_client_id")) }
            (id, secret) = (pair.id, pair.secret)
        }
        guard let id, let app = find(clientID: id) else { return .failure(SlackRefusal("invalid_client_id")) }
        guard let secret, app.accepts(secret: secret, at: now) else {
            return .failure(SlackRefusal("bad_client_secret", app: app.appID))
        }
        return .success(app)
    }

    private static func basic(_ header: String) -> (id: String, secret: String)? {
        guard header.lowercased().hasPrefix("basic "), let data = Data(base64Encoded: String(header.dropFirst(6))),
            let text = String(validating: data, as: UTF8.self), let colon = text.firstIndex(of: ":")
        else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    /// `oauth.v2.access`.
    mutating func exchange(_ request: SimRequest, _ arguments: SlackArguments, at now: Date) -> Outcome {
        let app: SlackApp
        switch client(request, arguments, at: now) {
        case .success(let known): app = known
        case .failure(let refusal): return refusal.outcome
        }
        switch arguments["grant_type"] ?? "authorization_code" {
        case "authorization_code": break
        case "refresh_token": return Self.failure("invalid_refresh_token", app: app.appID)
        default: return Self.failure("invalid_grant_type", app: app.appID)
        }
        if arguments["code_verifier"] != nil { return Self.failure("pkce_not_allowed", app: app.appID) }
        guard
            let index = codes.firstIndex(where: { $0.value == arguments["code"] && $0.appID == app.appID }),
            !codes[index].used, now < codes[index].made.addingTimeInterval(SlackCode.life)
        else { return Self.failure("invalid_code", app: app.appID) }
        let code = codes[index]
        guard arguments["redirect_uri"] == code.redirectURI else {
            return Self.failure("bad_redirect_uri", app: app.appID)
        }
        codes[index].used = true
        return installed(app, code, request)
    }

    private mutating func installed(_ app: SlackApp, _ code: SlackCode, _ request: SimRequest) -> Outcome {
        let isLogin = code.userScopes.contains { $0.hasPrefix("identity.") }
        var body: [String: JSON] = [
            "ok": true, "app_id": .string(app.appID), "is_enterprise_install": false,
            "team": isLogin ? ["id": .string(app.teamID)] : ["id": .string(app.teamID), "name": .string(app.teamName)],
            "enterprise": app.enterpriseID.map { ["id": .string($0), "name": "Fake Enterprise"] } ?? .null,
        ]
        var authed: [String: JSON] = ["id": .string(code.userID)]
        if !code.scopes.isEmpty {
            let token = give(.bot, app, app.botUserID, code.scopes)
            body["access_token"] = .string(token.value)
            body["token_type"] = "bot"
            body["scope"] = .string(token.scopes.joined(separator: ","))
            body["bot_user_id"] = .string(app.botUserID)
        }
        if !code.userScopes.isEmpty {
            let token = give(.user, app, code.userID, code.userScopes)
            authed["access_token"] = .string(token.value)
            authed["token_type"] = "user"
            authed["scope"] = .string(token.scopes.joined(separator: ","))
        }
        body["authed_user"] = .object(authed)
        if code.scopes.contains("incoming-webhook") {
            let path = "/services/\(app.teamID)/\(mint.identifier("B"))/fake\(mint.letters(20))"
            webhooks.append(SlackWebhook(path: path, appID: app.appID, channel: "C0FAKEGENRL"))
            body["incoming_webhook"] = [
                "url": .string(request.origin + path), "channel": "#general", "channel_id": "C0FAKEGENRL",
                "configuration_url": .string("\(request.origin)/services/B0FAKE"),
            ]
        }
        return .accepted("tokens given", .json(.object(body)), app: app.appID)
    }

    /// An app installed again gets the token it had, with the scopes added up (platforms, 1.2).
    private mutating func give(
        _ sort: SlackToken.Sort, _ app: SlackApp, _ user: String, _ scopes: [String]
    ) -> SlackToken {
        let held = tokens.lastIndex {
            $0.appID == app.appID && $0.sort == sort && $0.userID == user && !$0.revoked
        }
        if let held {
            tokens[held].scopes += scopes.filter { !tokens[held].scopes.contains($0) }
            return tokens[held]
        }
        let value = sort == .bot ? mint.botToken() : mint.userToken()
        let token = SlackToken(value: value, sort: sort, appID: app.appID, userID: user, scopes: scopes)
        tokens.append(token)
        return token
    }

    /// `apps.uninstall`: needs the client's credentials as arguments and a token of the same app.
    mutating func uninstall(_ request: SimRequest, _ arguments: SlackArguments, _ token: SlackToken) -> Outcome {
        guard let app = arguments["client_id"].flatMap({ find(clientID: $0) }) else {
            return Self.failure("invalid_client_id", app: token.appID, token: token.value)
        }
        guard arguments["client_secret"] == app.clientSecret else {
            return Self.failure("bad_client_secret", app: token.appID, token: token.value)
        }
        guard app.appID == token.appID else {
            return Self.failure("client_id_token_mismatch", app: token.appID, token: token.value)
        }
        end(app: app.appID)
        return .accepted("uninstalled", .json(["ok": true]), app: app.appID, token: token.value)
    }

    /// `auth.revoke`; `test` changes nothing. Without rotation it ends the whole authorization: webhooks go with a
    /// bot's token (platforms, 1.7).
    mutating func revoke(_ arguments: SlackArguments, _ token: SlackToken) -> Outcome {
        if let test = arguments["test"], test != "0", test != "false" {
            return .accepted("dry run", .json(["ok": true, "revoked": false]), app: token.appID, token: token.value)
        }
        for index in tokens.indices where tokens[index].value == token.value { tokens[index].revoked = true }
        if token.sort == .bot {
            for index in webhooks.indices where webhooks[index].appID == token.appID { webhooks[index].revoked = true }
        }
        return .accepted("revoked", .json(["ok": true, "revoked": true]), app: token.appID, token: token.value)
    }
}

/// A refusal with one of Slack's codes.
struct SlackRefusal: Error {
    let code: String
    let app: String?
    let token: String?

    init(_ code: String, app: String? = nil, token: String? = nil) {
        self.code = code
        self.app = app
        self.token = token
    }

    var outcome: Outcome { SlackWorld.failure(code, app: app, token: token) }
}
