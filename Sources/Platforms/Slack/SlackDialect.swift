package import Rules

extension Slack: Dialect {
    package func apiBase(_ client: OAuthClient) -> String { api }

    package func exchange(_ ask: ExchangeAsk, _ client: OAuthClient) -> PlatformRequest {
        var pairs = [("grant_type", "authorization_code"), ("code", ask.code), ("redirect_uri", ask.redirectURI)]
        if Self.isOpenID(ask.purpose, client) {
            return token(
                "openid.connect.token", pairs, id: client.clientID, secret: client.clientSecret ?? "",
                repeatable: false)
        }
        if client.usesPKCE, let verifier = ask.verifier { pairs.append(("code_verifier", verifier)) }
        return token("oauth.v2.access", pairs, id: client.clientID, secret: Self.secret(client), repeatable: false)
    }

    /// The switch excludes the secret (platforms, 1.2); without it the secret is what proves the client.
    static func secret(_ client: OAuthClient) -> String? { client.usesPKCE ? nil : client.clientSecret ?? "" }

    package func scopes(for purpose: Purpose, of profile: Profile) -> (scope: [String], userScope: [String]) {
        guard purpose == .install else { return ([], []) }
        return (profile.botScopes, profile.userScopes.filter { !$0.hasPrefix("identity.") })
    }

    package func granted(_ answer: PlatformAnswer) throws(PlatformFailure) -> Granted {
        if let login = try answer.slackOpenIDLogin() { return login }
        let found = try answer.slackInstallation()
        return Granted(
            appID: found.appID,
            place: Place(
                enterpriseID: found.enterprise?.id, teamID: found.team?.id,
                name: found.team?.name ?? found.enterprise?.name, isEnterpriseInstall: found.isEnterpriseInstall),
            bot: found.bot?.pair, user: found.user?.pair, userID: found.userID, botUserID: found.botUserID,
            webhookURL: found.webhook?.url)
    }

    package func identity(token: String, _ client: OAuthClient) -> PlatformRequest {
        client.login == .openID ? call("openid.connect.userInfo", token: token, []) : usersIdentity(token: token)
    }

    package func person(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person {
        if let found = try answer.slackOpenIDPerson() { return found }
        let found = try answer.slackPerson()
        // users.identity shows an address and says nothing of whether it was confirmed (platforms, 1.6).
        return Person(
            userID: found.userID, name: found.name, email: found.email, isEmailVerified: false,
            place: Place(teamID: found.teamID, name: nil))
    }

    /// A login by OpenID Connect without an id_token, or whose userInfo is somebody else's, names nobody (OpenID Connect
    /// Core 1.0, sections 3.1.3.3 and 5.3.2).
    package func check(
        idToken: String?, of person: Person, nonce: String?, now: Int64, _ client: OAuthClient
    ) throws(PlatformFailure) {
        guard let idToken else {
            guard client.login != .openID else { throw .unexpected("Slack", "the login came without an id_token") }
            return
        }
        let claims = try SlackIDToken(idToken)
        try claims.check(clientID: client.clientID, nonce: nonce, now: now)
        guard claims.userID == person.userID, let team = claims.teamID, team == person.place?.teamID else {
            throw PlatformFailure(
                .reauth, "subject_mismatch", "the id_token and userInfo name different people or workspaces")
        }
    }

    package func refresh(_ refreshToken: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest {
        if leg == .config { return rotateConfiguration(refreshToken: refreshToken) }
        return token(
            "oauth.v2.access", [("grant_type", "refresh_token"), ("refresh_token", refreshToken)],
            id: client.clientID, secret: Self.secret(client), repeatable: false)
    }

    package func refreshed(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        leg == .config ? try answer.slackConfiguration() : try answer.slackRefreshed(leg)
    }

    /// Thirty days for the apps of the PKCE switch; for others none (platforms, 1.4). A configuration token's does not
    /// end by age as far as is known.
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

    package func discard(token: String, _ client: OAuthClient) -> PlatformRequest? {
        // Of a token that does not rotate auth.revoke ends the whole authorization, bot and all (platforms, 1.7).
        token.hasPrefix("xoxe.") ? revoke(token: token) : nil
    }

    package func revoke(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? {
        revoke(token: token)
    }

    /// Of `auth.revoke` and of `apps.uninstall`, which says no more than that it worked.
    package func revoked(_ answer: PlatformAnswer) throws(PlatformFailure) {
        do throws(PlatformFailure) {
            guard try answer.slackObject().bool("revoked") != false else {
                throw PlatformFailure.unexpected("Slack", "auth.revoke did not revoke the token")
            }
        } catch {
            // Only tokens that rotate expire: the grant lives on in a refresh token, and no other call ends that.
            guard error.code != "token_expired" else {
                throw PlatformFailure(
                    .config, "token_expired", "the token has expired, so that it cannot end the authorization")
            }
            guard ["token_revoked", "account_inactive"].contains(error.code) else { throw error }
        }
    }

    /// `apps.uninstall` (platforms, 1.7); nil without a Client Secret, which it wants.
    package func uninstall(token: String, _ client: OAuthClient) -> PlatformRequest? {
        client.clientSecret.map {
            call("apps.uninstall", token: token, [("client_id", client.clientID), ("client_secret", $0)])
        }
    }

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
