package import Rules

extension Genesys: Dialect {
    /// `https://api.DOMAIN` of the client's region, without `/api/v2`, which paths begin with (platforms, 4.11).
    package func apiBase(_ client: OAuthClient) -> String { apiBase(of: client) }

    /// The code grant. A Genesys client's scopes are its own (platforms, 4.1), so none need be asked for.
    package func authorizeURL(_ ask: AuthorizeAsk, _ client: OAuthClient) throws(Problem) -> String {
        try check(client)
        let scope = ask.scope + ask.userScope
        guard scope.allSatisfy(Scopes.isScope) else { throw Problem(.badRequest, "a scope name is not well formed") }
        var pairs = [
            ("client_id", client.clientID), ("response_type", "code"), ("redirect_uri", ask.redirectURI),
            ("state", ask.state),
        ]
        if !scope.isEmpty { pairs.append(("scope", scope.joined(separator: " "))) }
        if let challenge = ask.challenge {
            pairs += [("code_challenge", challenge), ("code_challenge_method", "S256")]
        }
        return "\(loginBase(of: client))/oauth/authorize?\(Form.encode(pairs))"
    }

    /// The code grant (platforms, 4.2 and 4.3): with a verifier the client is named in the body and sends no secret,
    /// else HTTP Basic.
    package func exchange(_ ask: ExchangeAsk, _ client: OAuthClient) -> PlatformRequest {
        var pairs = [
            ("grant_type", "authorization_code"), ("code", ask.code), ("redirect_uri", ask.redirectURI),
        ]
        if let verifier = ask.verifier { pairs.append(("code_verifier", verifier)) }
        return token(pairs, client, secret: ask.verifier == nil ? client.clientSecret : nil, repeatable: false)
    }

    /// A token pair and nothing else: whose it is only `identity` tells.
    package func granted(_ answer: PlatformAnswer) throws(PlatformFailure) -> Granted {
        Granted(user: try answer.genesysToken())
    }

    /// `users/me` with the organisation; for user tokens only (platforms, 4.5).
    package func identity(token: String, _ client: OAuthClient) -> PlatformRequest { usersMe(token: token, client) }

    /// Reads `users/me`: user id and organisation. Its address is an administrator's, never verified.
    package func person(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person { try answer.genesysPerson() }

    /// Basic where a secret is stored (platforms, 4.4); a client without one says only who it is.
    package func refresh(_ refreshToken: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest {
        token(
            [("grant_type", "refresh_token"), ("refresh_token", refreshToken)], client, secret: client.clientSecret,
            repeatable: false)
    }

    /// Reads a refreshed pair. Without a refresh token it says so in `oddities`; the old one then stays.
    package func refreshed(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        let pair = try answer.genesysToken()
        guard pair.refreshToken == nil else { return pair }
        return TokenPair(
            token: pair.token, scope: pair.scope, expiresIn: pair.expiresIn,
            oddities: pair.oddities + [.noRefreshToken])
    }

    /// The client's own token, as `app`, where a secret is stored (platforms, 4.5).
    package func mintable(_ client: OAuthClient) -> [Leg] { client.clientSecret == nil ? [] : [.app] }

    /// `grant_type=client_credentials` with HTTP Basic (platforms, 4.5). Throws `unsupported` for other legs,
    /// `bad_request` for an unknown region, `not_found` without a secret.
    package func mint(_ leg: Leg, _ material: MintMaterial, _ client: OAuthClient) throws(Problem) -> PlatformRequest {
        guard leg == .app else {
            throw Problem(.unsupported, "Genesys Cloud makes tokens of its own accord for the client only, as app")
        }
        try check(client)
        guard let secret = client.clientSecret else {
            throw Problem(.notFound, "no Client Secret is stored", advice: "store it with postern secret set")
        }
        return token([("grant_type", "client_credentials")], client, secret: secret, repeatable: true)
    }

    /// Reads a client credentials answer: no refresh token comes with it (platforms, 4.5).
    package func minted(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        try answer.genesysToken()
    }

    /// There are no tickets.
    package func resendTicket(_ client: OAuthClient) -> PlatformRequest? { nil }

    /// The shortest life a client can be given is five minutes (platforms, 4.1).
    package var mintMargin: Int64 { 60 }

    /// `tokens/me`: whether the token is still taken.
    package func probe(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? {
        tokensMe(token: token, client)
    }

    /// A login's token is ended by itself; nothing else ends with it (platforms, 4.7).
    package func discard(token: String, _ client: OAuthClient) -> PlatformRequest? { endToken(token, client) }

    /// `DELETE tokens/me` (platforms, 4.7).
    package func revoke(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? {
        endToken(token, client)
    }

    /// Reads `DELETE tokens/me`: a token that is not taken any more is gone too.
    package func revoked(_ answer: PlatformAnswer) throws(PlatformFailure) {
        guard let failure = complaint(answer) else {
            // Nothing or JSON is a yes; an outage page with status 200 has ended no token.
            guard answer.body.isEmpty || JSONFields(answer.body) != nil else { throw .unreadable("Genesys Cloud") }
            return
        }
        guard failure.verdict == .reauth else { throw failure }
    }

    /// There is no call that uninstalls (platforms, 4.7).
    package func uninstall(token: String, _ client: OAuthClient) -> PlatformRequest? { nil }

    /// The error body first, then the status (platforms, 4.3 and 4.6).
    package func complaint(_ answer: PlatformAnswer) -> PlatformFailure? { answer.genesysFailure }
}
