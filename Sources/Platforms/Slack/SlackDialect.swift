package import Rules

extension Slack: Dialect {
    package func apiBase(_ client: OAuthClient) -> String { api }

    package func authorizeURL(_ ask: AuthorizeAsk, _ client: OAuthClient) throws(Problem) -> String {
        try authorizeURL(
            clientID: client.clientID,
            for: ask.purpose == .install ? .install(scope: ask.scope, userScope: ask.userScope) : .login,
            state: ask.state, redirectURI: ask.redirectURI)
    }

    package func exchange(_ ask: ExchangeAsk, _ client: OAuthClient) -> PlatformRequest {
        exchange(
            code: ask.code, redirectURI: ask.redirectURI, clientID: client.clientID,
            clientSecret: client.clientSecret ?? "")
    }

    package func granted(_ answer: PlatformAnswer) throws(PlatformFailure) -> Granted {
        let found = try answer.slackInstallation()
        return Granted(
            appID: found.appID,
            place: Place(
                enterpriseID: found.enterprise?.id, teamID: found.team?.id,
                name: found.team?.name ?? found.enterprise?.name, isEnterpriseInstall: found.isEnterpriseInstall),
            bot: found.bot?.pair, user: found.user?.pair, userID: found.userID, botUserID: found.botUserID,
            webhookURL: found.webhook?.url)
    }

    package func identity(token: String, _ client: OAuthClient) -> PlatformRequest { usersIdentity(token: token) }

    package func person(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person {
        let found = try answer.slackPerson()
        // Slack lets nobody sign in whose address is not confirmed (platforms, 1.3: `user_email_unverified`).
        return Person(
            userID: found.userID, name: found.name, email: found.email, isEmailVerified: found.email != nil,
            place: Place(teamID: found.teamID, name: nil))
    }

    package func refresh(_ refreshToken: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest {
        refresh(refreshToken: refreshToken, clientID: client.clientID, clientSecret: client.clientSecret ?? "")
    }

    package func refreshed(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        try answer.slackRefreshed(leg)
    }

    /// Thirty days for the apps of the PKCE switch; for others none (platforms, 1.4).
    package func refreshTokenLife(_ client: OAuthClient) -> Int64? { client.usesPKCE ? 30 * 86_400 : nil }

    package func mintable(_ client: OAuthClient) -> [Leg] { [] }

    package func mint(_ leg: Leg, _ material: MintMaterial, _ client: OAuthClient) throws(Problem) -> PlatformRequest {
        throw Problem(.unsupported, "Slack has no machine tokens; the bot token is the app's own")
    }

    package func minted(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        throw .unexpected("Slack", "it has no machine tokens")
    }

    package func resendTicket(_ client: OAuthClient) -> PlatformRequest? { nil }

    package var mintMargin: Int64 { 0 }

    package func revoke(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? {
        revoke(token: token)
    }

    package func revoked(_ answer: PlatformAnswer) throws(PlatformFailure) {
        do { _ = try answer.slackRevoked() } catch {
            guard ["token_revoked", "account_inactive", "token_expired"].contains(error.code) else { throw error }
        }
    }

    package func uninstall(token: String, _ client: OAuthClient) -> PlatformRequest? { nil }

    package func complaint(_ answer: PlatformAnswer) -> PlatformFailure? {
        do { _ = try answer.slackObject() } catch { return error }
        return nil
    }

    package func gatewayMethod(path: String, verb: String) -> String? { Self.gatewayMethod(path) }

    package func gatewayCall(
        _ call: GatewayRequest, token: String, _ client: OAuthClient
    ) throws(Problem) -> PlatformRequest {
        try gatewayCall(
            path: call.path, verb: call.verb, query: call.query, headers: call.headers, body: call.body, token: token)
    }
}

extension SlackInstallation.TokenLeg {
    fileprivate var pair: TokenPair {
        TokenPair(token: token, refreshToken: refreshToken, scope: scope, expiresIn: expiresIn)
    }
}
