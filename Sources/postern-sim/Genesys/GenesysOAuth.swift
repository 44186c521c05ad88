import FoundationEssentials
import Sealing

extension GenesysWorld {
    /// `GET …/oauth/authorize`: the page where a user would log in and press Allow; presses it at once.
    /// `sim_user=deny` presses Cancel; `sim_user=UUID` is who presses.
    mutating func authorize(_ request: SimRequest, _ region: String, at now: Date) -> Outcome {
        guard request.method == "GET" else {
            return .refused("method_not_allowed", .page("Genesys Cloud", "This page takes GET.", status: 405))
        }
        guard let app = request.query("client_id").flatMap({ find($0, in: region) }), app.state == "active" else {
            return shown("client not found", nil)
        }
        guard let redirect = request.query("redirect_uri"), app.redirectURLs.contains(redirect) else {
            return shown("redirect_uri mismatch", app)
        }
        guard request.query("response_type") == "code", app.grantTypes.contains("CODE") else {
            return shown("unauthorized_client", app)
        }
        let challenge = request.query("code_challenge")
        if let challenge, request.query("code_challenge_method") != "S256" || challenge.utf8.count != 43 {
            return shown("invalid_request", app)
        }
        if request.query("sim_user") == "deny" { return deny(request, "access_denied") }
        let code = GenesysCode(
            value: "fake\(mint.letters(40))", clientID: app.clientID, redirectURI: redirect,
            userID: request.query("sim_user") ?? "fa4e0000-0000-4000-8000-0000000000a1", challenge: challenge,
            made: now)
        codes[code.value] = code
        return .accepted("code given", back(request, "code", code.value), app: app.clientID)
    }

    func deny(_ request: SimRequest, _ code: String) -> Outcome {
        guard request.query("redirect_uri") != nil else { return shown("redirect_uri mismatch", nil) }
        return .refused(code, back(request, "error", code), app: request.query("client_id"))
    }

    private func back(_ request: SimRequest, _ name: String, _ value: String) -> SimAnswer {
        let target = request.query("redirect_uri") ?? ""
        var location = target + (target.contains("?") ? "&" : "?") + "\(name)=\(FormText.escape(value))"
        if let state = request.query("state") { location += "&state=\(FormText.escape(state))" }
        return SimAnswer(status: 302, headers: [("Location", location)], body: [])
    }

    private func shown(_ code: String, _ app: GenesysApp?) -> Outcome {
        .refused(code, .page("Genesys Cloud", code, status: 400), app: app?.clientID)
    }

    /// `POST …/oauth/token` (platforms, 4.3 to 4.5).
    mutating func token(_ request: SimRequest, _ region: String, at now: Date) -> Outcome {
        let type = (request.header("content-type") ?? "").lowercased()
        guard request.method == "POST", type.hasPrefix("application/x-www-form-urlencoded") else {
            return Self.oauthFailure("invalid_request", "a form is needed")
        }
        let pairs = FormText.pairs(in: String(decoding: request.body, as: UTF8.self))
        let form = { (name: String) in pairs.first { $0.name == name }?.value }
        let basic = Self.basic(request)
        guard let id = basic?.id ?? form("client_id"), let app = find(id, in: region) else {
            return Self.oauthFailure("invalid_client", "client not found")
        }
        guard app.state == "active", basic == nil || basic?.secret == app.clientSecret else {
            return Self.oauthFailure("invalid_client", "authentication failed", app: id)
        }
        if let limited = limit(app, at: now) { return limited }
        switch form("grant_type") {
        case "client_credentials":
            guard basic != nil else { return Self.oauthFailure("invalid_client", "authentication failed", app: id) }
            guard app.grantTypes.contains("CLIENT-CREDENTIALS") else {
                return Self.oauthFailure("unauthorized_client", "grant type not allowed", app: id)
            }
            return give(app, to: nil, "token of client credentials", at: now)
        case "authorization_code":
            guard let code = form("code").flatMap({ codes[$0] }), code.clientID == id, !code.used,
                now < code.made.addingTimeInterval(GenesysCode.life), form("redirect_uri") == code.redirectURI
            else { return Self.oauthFailure("invalid_grant", "invalid code", app: id) }
            if let challenge = code.challenge {
                guard let verifier = form("code_verifier"), (43...128).contains(verifier.utf8.count),
                    Base64.url.encode(Digest32.sha256([UInt8](verifier.utf8).span).bytes.span) == challenge
                else { return Self.oauthFailure("invalid_grant", "invalid code verifier", app: id) }
            } else if basic == nil {
                return Self.oauthFailure("invalid_client", "authentication failed", app: id)
            }
            codes[code.value]?.used = true
            return give(app, to: code.userID, "tokens given", at: now)
        case "refresh_token":
            guard basic != nil else { return Self.oauthFailure("invalid_client", "authentication failed", app: id) }
            guard let value = form("refresh_token"), let held = refreshes[value], held.clientID == id, !held.spent
            else { return Self.oauthFailure("invalid_grant", "invalid refresh token", app: id) }
            refreshes[value]?.spent = true
            return give(app, to: held.userID, "refreshed user token", at: now, spending: value)
        default: return Self.oauthFailure("unsupported_grant_type", "grant type not supported", app: id)
        }
    }

    private mutating func give(
        _ app: GenesysApp, to user: String?, _ reason: String, at now: Date, spending spent: String? = nil
    ) -> Outcome {
        let value = "fake\(mint.letters(82))"
        tokens[value] = GenesysToken(
            value: value, clientID: app.clientID, userID: user,
            expires: now.addingTimeInterval(TimeInterval(app.tokenLife)))
        var body: [String: JSON] = [
            "access_token": .string(value), "token_type": "bearer", "expires_in": .integer(app.tokenLife),
        ]
        if let user {
            let refresh = "fake\(mint.letters(60))"
            refreshes[refresh] = GenesysRefresh(clientID: app.clientID, userID: user)
            body["refresh_token"] = .string(refresh)
        }
        return .accepted(reason, .json(.object(body)), app: app.clientID, token: spent ?? value)
    }

    /// 429 for a client that asks too often (platforms, 4.9).
    private mutating func limit(_ app: GenesysApp, at now: Date) -> Outcome? {
        var minute = minutes[app.clientID] ?? (now, 0)
        if now >= minute.began.addingTimeInterval(60) { minute = (now, 0) }
        minute.count += 1
        minutes[app.clientID] = minute
        guard minute.count > app.tokenRate else { return nil }
        let reset = Int64(max(1, minute.began.addingTimeInterval(60).timeIntervalSince(now).rounded(.up)))
        var outcome = Self.failure(
            "too.many.requests", status: 429,
            "Rate limit exceeded the maximum. Retry the request in [\(reset)] seconds", app: app.clientID)
        outcome.answer.headers += Self.limits(count: minute.count, allowed: app.tokenRate, reset: reset)
        return outcome
    }

    private static func basic(_ request: SimRequest) -> (id: String, secret: String)? {
        guard let header = request.header("authorization"), header.lowercased().hasPrefix("basic "),
            let data = Data(base64Encoded: String(header.dropFirst(6))),
            let text = String(validating: data, as: UTF8.self), let colon = text.firstIndex(of: ":")
        else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
}
