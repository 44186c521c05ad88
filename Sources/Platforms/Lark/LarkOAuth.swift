package import Rules

extension Lark {
    /// What makes a refresh token come along (platforms, 2.4).
    package static let offlineScope = "offline_access"

    /// An installation is a person's consent here; the app's own scopes are set in its console (platforms, 2.2).
    package func scopes(for purpose: Purpose, of profile: Profile) -> (scope: [String], userScope: [String]) {
        purpose == .install ? ([], profile.userScopes + [Self.offlineScope]) : ([], [])
    }

    /// Where the browser goes (platforms, 2.2).
    package func authorizeURL(_ ask: AuthorizeAsk, _ client: OAuthClient) throws(Problem) -> String {
        if generation == .oidc {
            // The older page takes neither scopes nor PKCE, and pairs with the older token endpoint only.
            return "\(open)/authen/v1/index?"
                + Form.encode([("redirect_uri", ask.redirectURI), ("app_id", client.appID.value), ("state", ask.state)])
        }
        var scopes: [String] = []
        for name in ask.scope + ask.userScope where !scopes.contains(name) { scopes.append(name) }
        guard scopes.allSatisfy(Scopes.isScope) else {
            throw Problem(.badRequest, "a scope name is not well formed")
        }
        guard scopes.count <= 50 else { throw Problem(.badRequest, "\(brand.title) takes at most 50 scopes at once") }
        guard let challenge = ask.challenge else {
            throw Problem(.internal, "an authorization at \(brand.title) was begun without PKCE")
        }
        var pairs = [
            ("client_id", client.clientID), ("response_type", "code"), ("redirect_uri", ask.redirectURI),
        ]
        if !scopes.isEmpty { pairs.append(("scope", scopes.joined(separator: " "))) }
        // Without the method the platform takes `plain` for granted.
        pairs += [("state", ask.state), ("code_challenge", challenge), ("code_challenge_method", "S256")]
        return "\(accounts)/authen/v1/authorize?\(Form.encode(pairs))"
    }

    /// `authen/v2/oauth/token`: trades a code for tokens. The client is in the body and nowhere else: HTTP Basic as well
    /// gives 20070 (platforms, 2.3).
    package func exchange(_ ask: ExchangeAsk, _ client: OAuthClient) -> PlatformRequest {
        if generation == .oidc {
            return oidc("access_token", ["grant_type": "authorization_code", "code": .string(ask.code)], client)
        }
        var fields: [String: JSONValue] = [
            "grant_type": "authorization_code", "code": .string(ask.code), "redirect_uri": .string(ask.redirectURI),
        ]
        if let verifier = ask.verifier { fields["code_verifier"] = .string(verifier) }
        return token(fields, client)
    }

    /// Always, PKCE or not (platforms, 2.3).
    package func exchangeShowsSecret(_ client: OAuthClient) -> Bool { true }

    /// The platform asks for another try on its own errors (platforms, 2.3), and has not looked at what its limit turned
    /// away. Where the code is spent after all, the next answer says so.
    package func leavesCodeUnspent(_ failure: PlatformFailure) -> Bool {
        ["20050", "20072", "99991400"].contains(failure.code)
    }

    /// Trades a refresh token for a new pair, at the endpoints it came from: those of one generation do not take the
    /// other's (platforms, 2.3).
    package func refresh(_ refreshToken: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest {
        let fields: [String: JSONValue] = ["grant_type": "refresh_token", "refresh_token": .string(refreshToken)]
        return Self.isOfOIDC(refreshToken) ? oidc("refresh_access_token", fields, client) : token(fields, client)
    }

    /// Whether the older endpoints will be asked, which know their clients by an app_access_token.
    package func needsAppToken(refreshToken: String?) -> Bool {
        refreshToken.map(Self.isOfOIDC) ?? (generation == .oidc)
    }

    /// The older endpoints' refresh tokens begin with `ur-` (platforms, 2.1).
    private static func isOfOIDC(_ refreshToken: String) -> Bool { refreshToken.hasPrefix("ur-") }

    private func token(_ fields: [String: JSONValue], _ client: OAuthClient) -> PlatformRequest {
        var fields = fields
        fields["client_id"] = .string(client.clientID)
        fields["client_secret"] = .string(client.clientSecret ?? "")
        return call("authen.v2.oauth.token", "POST", "authen/v2/oauth/token", fields, repeatable: false)
    }

    private func oidc(_ call: String, _ fields: [String: JSONValue], _ client: OAuthClient) -> PlatformRequest {
        self.call(
            "authen.v1.oidc.\(call)", "POST", "authen/v1/oidc/\(call)", token: client.appToken ?? "", fields,
            repeatable: false)
    }

    /// `authen/v1/user_info`: who a user token is.
    package func identity(token: String, _ client: OAuthClient) -> PlatformRequest {
        call("authen.v1.user_info", "GET", "authen/v1/user_info", token: token)
    }
}
