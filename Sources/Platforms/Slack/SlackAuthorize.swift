package import Rules

extension Slack {
    /// What OpenID Connect is asked for unless the flow says otherwise (platforms, 1.2).
    package static let openIDScopes = ["openid", "email", "profile"]

    /// Whether people log in by OpenID Connect; an installation never is.
    static func isOpenID(_ purpose: Rules.Purpose, _ client: OAuthClient) -> Bool {
        purpose != .install && client.login == .openID
    }

    /// Where the browser goes: to `oauth/v2/authorize`, or to `openid/connect/authorize` beside it.
    ///
    /// Throws `bad_request` for no scope, a scope that is none, identity scopes next to others, a login without
    /// `identity.basic` or `openid`, or an app of the PKCE switch without a challenge.
    package func authorizeURL(_ ask: AuthorizeAsk, _ client: OAuthClient) throws(Problem) -> String {
        for name in ask.scope + ask.userScope where !Scopes.isScope(name) {
            throw Problem(.badRequest, "a scope name is not well formed")
        }
        if Self.isOpenID(ask.purpose, client) { return try openIDURL(ask, client) }
        var pairs = [("client_id", client.clientID)]
        switch ask.purpose {
        case .install:
            guard !ask.scope.isEmpty || !ask.userScope.isEmpty else {
                throw Problem(.badRequest, "no scope to ask for")
            }
            guard !(ask.scope + ask.userScope).contains(where: { $0.hasPrefix("identity.") }) else {
                throw Problem(
                    .badRequest, "Slack does not take identity scopes together with others",
                    advice: "use the purpose login for identity scopes")
            }
            if !ask.scope.isEmpty { pairs.append(("scope", ask.scope.joined(separator: ","))) }
            if !ask.userScope.isEmpty { pairs.append(("user_scope", ask.userScope.joined(separator: ","))) }
        case .login, .link:
            let scope = ask.scope + ask.userScope
            guard scope.allSatisfy({ $0.hasPrefix("identity.") }), scope.isEmpty || scope.contains("identity.basic")
            else {
                throw Problem(
                    .badRequest, "a login asks for identity.basic and other identity scopes, and for nothing else",
                    advice: "use the purpose install for other scopes")
            }
            pairs.append(("user_scope", (scope.isEmpty ? Self.loginScopes : scope).joined(separator: ",")))
        }
        pairs += [("redirect_uri", ask.redirectURI), ("state", ask.state)]
        if client.usesPKCE {
            guard let challenge = ask.challenge else {
                throw Problem(.badRequest, "the app uses PKCE, and the flow has no challenge")
            }
            pairs += [("code_challenge", challenge), ("code_challenge_method", "S256")]
        }
        return "\(authorize)?\(Form.encode(pairs))"
    }

    /// OpenID Connect wants the secret even of an app of the PKCE switch, and no verifier (platforms, 1.2).
    private func openIDURL(_ ask: AuthorizeAsk, _ client: OAuthClient) throws(Problem) -> String {
        let suffix = "/oauth/v2/authorize"
        guard authorize.hasSuffix(suffix) else {
            throw Problem(
                .unsupported, "the setting slack.authorize does not end in \(suffix), so there is no OpenID Connect",
                advice: "set it to the address of Slack's own page")
        }
        let asked = ask.scope + ask.userScope
        guard asked.isEmpty || asked.contains("openid") else {
            throw Problem(.badRequest, "a login by OpenID Connect asks for openid, and may for email and profile")
        }
        var pairs = [
            ("response_type", "code"), ("scope", (asked.isEmpty ? Self.openIDScopes : asked).joined(separator: " ")),
            ("client_id", client.clientID), ("redirect_uri", ask.redirectURI), ("state", ask.state),
        ]
        if let nonce = ask.nonce { pairs.append(("nonce", nonce)) }
        return "\(authorize.dropLast(suffix.count))/openid/connect/authorize?\(Form.encode(pairs))"
    }
}
