package import Rules

extension PlatformAnswer {
    /// Reads `oauth.v2.access` after a refresh: the pair of this leg, wherever it stands.
    ///
    /// A user token's new pair stands at the top level (platforms, 1.4), though some have seen it under `authed_user`.
    /// An answer that carries a token is kept even if the rest is odd: the refresh token is spent, and others lost
    /// their users' tokens by judging first. Neither team nor `authed_user` need be named.
    package func slackRefreshed(_ leg: Leg) throws(PlatformFailure) -> TokenPair {
        let object = try slackObject()
        let nested = object.object("authed_user")
        let isUser = leg == .user
        // Under the other name it is still the new pair of this chain.
        let places = isUser && object.string("token_type") != "user" ? [nested, object] : [object, nested]
        let found = places.compactMap { $0 }.first { $0.has("access_token") }
        guard let found else { throw .unexpected("Slack", "oauth.v2.access carries no token") }
        let pair = try found.tokenPair("Slack")
        var oddities = pair.oddities
        if pair.refreshToken == nil { oddities.append(.noRefreshToken) }
        if let kind = found.string("token_type"), kind != (isUser ? "user" : "bot") { oddities.append(.otherKind) }
        return TokenPair(
            token: pair.token, refreshToken: pair.refreshToken, scope: pair.scope, expiresIn: pair.expiresIn,
            appID: object.string("app_id").flatMap { AppID($0) }, oddities: oddities)
    }
}
