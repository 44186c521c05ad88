import FoundationEssentials
import Sealing

extension SlackWorld {
    /// `openid.connect.token`: wants the secret even of an app of the PKCE switch, and chokes on a verifier
    /// (platforms, 1.2).
    mutating func openIDToken(_ request: SimRequest, _ arguments: SlackArguments, at now: Date) -> Outcome {
        let app: SlackApp
        switch client(request, arguments, at: now) {
        case .success(let known): app = known
        case .failure(let refusal): return refusal.outcome
        }
        guard arguments["code_verifier"] == nil else { return Self.failure("internal_error", app: app.appID) }
        guard arguments["grant_type"] ?? "authorization_code" == "authorization_code" else {
            return Self.failure("unsupported_grant_type", app: app.appID)
        }
        let code: SlackCode
        switch spend(arguments, app, at: now) {
        case .success(let found): code = found
        case .failure(let refusal): return refusal.outcome
        }
        guard code.isOpenID else { return Self.failure("oauth_authorization_url_mismatch", app: app.appID) }
        codes[code.value]?.used = true
        let chain = SlackChain(appID: app.appID, teamID: code.teamID, sort: .user, userID: code.userID)
        let value = mint.userToken()
        tokens.hold(value, chain, code.scopes)
        return .accepted(
            "id token given",
            .json([
                "ok": true, "access_token": .string(value), "token_type": "Bearer",
                "id_token": .string(Self.idToken(app, code, at: now)),
            ]), app: app.appID)
    }

    /// In the shape of a JWT (RFC 7519); nobody here has a key to sign it with.
    private static func idToken(_ app: SlackApp, _ code: SlackCode, at now: Date) -> String {
        let issued = Int64(now.timeIntervalSince1970)
        var claims: [String: JSON] = [
            "iss": "https://slack.com", "aud": .string(app.clientID), "sub": .string(code.userID),
            "exp": .integer(issued + 300), "iat": .integer(issued), "auth_time": .integer(issued),
            "https://slack.com/user_id": .string(code.userID),
        ]
        if let nonce = code.nonce { claims["nonce"] = .string(nonce) }
        if let team = code.teamID { claims["https://slack.com/team_id"] = .string(team) }
        let header: JSON = ["alg": "RS256", "typ": "JWT", "kid": "fake"]
        let parts = [header.bytes, JSON.object(claims).bytes, [UInt8]("fake signature".utf8)]
        return parts.map { Base64.url.encode($0.span) }.joined(separator: ".")
    }

    /// `openid.connect.userInfo`: e-mail and names only with their scopes.
    func userInfo(_ app: SlackApp, _ token: SlackToken) -> Outcome {
        let team = token.chain.teamID ?? app.teamID
        var body: [String: JSON] = [
            "ok": true, "sub": .string(token.userID), "https://slack.com/user_id": .string(token.userID),
            "https://slack.com/team_id": .string(team),
        ]
        if token.scopes.contains("email") {
            body["email"] = .string("\(token.userID.lowercased())@example.com")
            body["email_verified"] = true
        }
        if token.scopes.contains("profile") {
            body["name"] = "Fake User"
            body["given_name"] = "Fake"
            body["family_name"] = "User"
            body["locale"] = "en-US"
            body["https://slack.com/team_name"] = .string(app.team(team).name)
            body["https://slack.com/team_domain"] = .string(app.team(team).domain)
        }
        if let enterprise = app.enterpriseID { body["https://slack.com/enterprise_id"] = .string(enterprise) }
        return .accepted(
            "identity of \(token.userID)", .json(.object(body)), app: app.appID, token: token.value)
    }
}
