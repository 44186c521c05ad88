import FoundationEssentials
import Sealing

extension SlackWorld {
    /// Who the client is, from HTTP Basic or from the body (platforms, 1.3); the error code when it is not proven.
    ///
    /// An app of the PKCE switch has no secret any more; one sent all the same ends in `internal_error`, as others have
    /// seen (platforms, 1.2). `mayBear`: a bearer token may stand where Basic would.
    func client(
        _ request: SimRequest, _ arguments: SlackArguments, isPublic: Bool = false, mayBear: Bool = false,
        at now: Date
    ) -> Result<SlackApp, SlackRefusal> {
        var id = arguments["client_id"]
        var secret = arguments["client_secret"]
        if let header = request.header("authorization"), !(mayBear && header.lowercased().hasPrefix("bearer ")) {
            guard let pair = Self.basic(header) else { return .failure(SlackRefusal("invalid_auth")) }
            if let id, id != pair.id { return .failure(SlackRefusal("invalid_client_id")) }
            (id, secret) = (pair.id, pair.secret)
        }
        guard let id, let app = find(clientID: id) else { return .failure(SlackRefusal("invalid_client_id")) }
        if isPublic && app.usesPKCE {
            return secret == nil ? .success(app) : .failure(SlackRefusal("internal_error", app: app.appID))
        }
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
    mutating func access(_ request: SimRequest, _ arguments: SlackArguments, at now: Date) -> Outcome {
        let app: SlackApp
        switch client(request, arguments, isPublic: true, at: now) {
        case .success(let known): app = known
        case .failure(let refusal): return refusal.outcome
        }
        switch arguments["grant_type"] ?? "authorization_code" {
        case "authorization_code": return exchange(request, arguments, app, at: now)
        case "refresh_token": return refresh(arguments, app, at: now)
        default: return Self.failure("invalid_grant_type", app: app.appID)
        }
    }

    private mutating func exchange(
        _ request: SimRequest, _ arguments: SlackArguments, _ app: SlackApp, at now: Date
    ) -> Outcome {
        let verifier = arguments["code_verifier"]
        if verifier != nil && !app.usesPKCE { return Self.failure("pkce_not_allowed", app: app.appID) }
        let code: SlackCode
        switch spend(arguments, app, at: now) {
        case .success(let found): code = found
        case .failure(let refusal): return refusal.outcome
        }
        guard !code.isOpenID else { return Self.failure("oauth_authorization_url_mismatch", app: app.appID) }
        if let challenge = code.challenge {
            guard let verifier, (43...128).contains(verifier.utf8.count), Self.challenge(of: verifier) == challenge
            else { return Self.failure("invalid_code_verifier", app: app.appID) }
        }
        if code.teamID != nil, tokens.isInstalled(app.appID, team: nil) {
            return Self.failure("cannot_install_an_org_installed_app", app: app.appID)
        }
        codes[code.value]?.used = true
        return installed(app, code, request, at: now)
    }

    /// The code, if it is good; the caller marks it as used.
    func spend(
        _ arguments: SlackArguments, _ app: SlackApp, at now: Date
    ) -> Result<SlackCode, SlackRefusal> {
        guard let code = arguments["code"].flatMap({ codes[$0] }), code.appID == app.appID, !code.used,
            now < code.made.addingTimeInterval(SlackCode.life)
        else { return .failure(SlackRefusal("invalid_code", app: app.appID)) }
        guard arguments["redirect_uri"] == code.redirectURI else {
            return .failure(SlackRefusal("bad_redirect_uri", app: app.appID))
        }
        return .success(code)
    }

    /// S256 of RFC 7636, section 4.2.
    private static func challenge(of verifier: String) -> String {
        let bytes = [UInt8](verifier.utf8)
        return Base64.url.encode(Digest32.sha256(bytes.span).bytes.span)
    }

    private mutating func installed(
        _ app: SlackApp, _ code: SlackCode, _ request: SimRequest, at now: Date
    ) -> Outcome {
        let isLogin = code.userScopes.contains { $0.hasPrefix("identity.") }
        var body = place(app, code.teamID, named: !isLogin)
        var authed: [String: JSON] = ["id": .string(code.userID)]
        if !code.scopes.isEmpty {
            let chain = SlackChain(appID: app.appID, teamID: code.teamID, sort: .bot, userID: app.botUserID)
            body.merge(give(chain, app, code.scopes, at: now)) { _, new in new }
            body["bot_user_id"] = .string(app.botUserID)
        }
        if !code.userScopes.isEmpty {
            let chain = SlackChain(appID: app.appID, teamID: code.teamID, sort: .user, userID: code.userID)
            authed.merge(give(chain, app, code.userScopes, at: now)) { _, new in new }
        }
        body["authed_user"] = .object(authed)
        if code.scopes.contains("incoming-webhook") {
            let path = "/services/\(code.teamID ?? app.teamID)/\(mint.identifier("B"))/fake\(mint.letters(20))"
            webhooks.append(
                SlackWebhook(path: path, appID: app.appID, teamID: code.teamID, channel: "C0FAKEGENRL"))
            body["incoming_webhook"] = [
                "url": .string(request.origin + path), "channel": "#general", "channel_id": "C0FAKEGENRL",
                "configuration_url": .string("\(request.origin)/services/B0FAKE"),
            ]
        }
        return .accepted("tokens given", .json(.object(body)), app: app.appID)
    }

    /// What every answer about an installation says of where it is.
    func place(_ app: SlackApp, _ team: String?, named: Bool = true) -> [String: JSON] {
        var place: [String: JSON] = [
            "ok": true, "app_id": .string(app.appID), "is_enterprise_install": .bool(team == nil), "team": .null,
            "enterprise": app.enterpriseID.map { ["id": .string($0), "name": "Fake Enterprise"] } ?? .null,
        ]
        if let team {
            place["team"] = named ? ["id": .string(team), "name": .string(app.team(team).name)] : ["id": .string(team)]
        }
        return place
    }

    /// An app installed again gets the token it had, with the scopes added up (platforms, 1.2); one that rotates gets
    /// a new pair.
    private mutating func give(
        _ chain: SlackChain, _ app: SlackApp, _ scopes: [String], at now: Date
    ) -> [String: JSON] {
        let held = tokens.newest(chain).token
        let all = (held?.scopes ?? []) + scopes.filter { held?.scopes.contains($0) != true }
        if app.rotates && !scopes.contains(where: { $0.hasPrefix("identity.") }) {
            return shown(tokens.issue(chain, all, life: app.tokenLife, &mint, at: now), app)
        }
        if let held, let token = tokens.widen(held.value, by: scopes) { return shown(token) }
        let value = chain.sort == .bot ? mint.botToken() : mint.userToken()
        tokens.hold(value, chain, scopes)
        return tokens[value].map(shown) ?? [:]
    }

    private func shown(_ token: SlackToken) -> [String: JSON] {
        [
            "access_token": .string(token.value), "token_type": token.sort == .bot ? "bot" : "user",
            "scope": .string(token.scopes.joined(separator: ",")),
        ]
    }

    func shown(_ pair: (token: SlackToken, refresh: String), _ app: SlackApp) -> [String: JSON] {
        shown(pair.token).merging([
            "refresh_token": .string(pair.refresh), "expires_in": .integer(app.tokenLife),
        ]) { mine, _ in mine }
    }

    /// `apps.uninstall`: needs the client's credentials as arguments and a token of the same app.
    mutating func uninstall(_ arguments: SlackArguments, _ token: SlackToken) -> Outcome {
        guard let app = arguments["client_id"].flatMap({ find(clientID: $0) }) else {
            return Self.failure("invalid_client_id", app: token.appID, token: token.value)
        }
        guard arguments["client_secret"] == app.clientSecret else {
            return Self.failure("bad_client_secret", app: token.appID, token: token.value)
        }
        guard app.appID == token.appID else {
            return Self.failure("client_id_token_mismatch", app: token.appID, token: token.value)
        }
        let team = token.chain.teamID
        tokens.end(app: app.appID) { $0.teamID == team }
        end(webhooksOf: app.appID) { $0 == team }
        return .accepted("uninstalled", .json(["ok": true]), app: app.appID, token: token.value)
    }

    /// `auth.revoke`; `test` changes nothing. Where tokens rotate it ends that one token; else the whole authorization:
    /// webhooks go with a bot's token (platforms, 1.7).
    mutating func revoke(_ arguments: SlackArguments, _ token: SlackToken) -> Outcome {
        if let test = arguments["test"], test != "0", test != "false" {
            return .accepted("dry run", .json(["ok": true, "revoked": false]), app: token.appID, token: token.value)
        }
        tokens.end(token.value)
        if token.sort == .bot, token.expires == nil {
            end(webhooksOf: token.appID) { $0 == token.chain.teamID }
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
