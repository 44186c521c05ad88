package import Rules

extension Slack: Dialect {
    /// `https://slack.com/api`, unless the operator set another.
    package func apiBase(_ client: OAuthClient) -> String { api }

    /// `oauth.v2.access`, or `openid.connect.token` for a login by OpenID Connect (platforms, 1.3). With the PKCE
    /// switch the verifier takes the place of the secret (platforms, 1.2).
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

    /// An install asks for no identity scopes (platforms, 1.2: they go with no others); a login asks for them by
    /// itself.
    package func scopes(for purpose: Purpose, of profile: Profile) -> (scope: [String], userScope: [String]) {
        guard purpose == .install else { return ([], []) }
        return (profile.botScopes, profile.userScopes.filter { !$0.hasPrefix("identity.") })
    }

    /// Reads an installation with its legs apart, or an OpenID Connect login.
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

    /// `users.identity`, or `openid.connect.userInfo` where the app logs people in by OpenID Connect (platforms, 1.6
    /// and 1.3).
    package func identity(token: String, _ client: OAuthClient) -> PlatformRequest {
        client.login == .openID ? call("openid.connect.userInfo", token: token, []) : usersIdentity(token: token)
    }

    /// Reads either: user and team; only OpenID Connect says whether the address was confirmed.
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

    /// `oauth.v2.access` with the refresh token, without the secret under the PKCE switch; `tooling.tokens.rotate` for
    /// a configuration token (platforms, 1.4 and 1.10).
    package func refresh(_ refreshToken: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest {
        if leg == .config { return rotateConfiguration(refreshToken: refreshToken) }
        return token(
            "oauth.v2.access", [("grant_type", "refresh_token"), ("refresh_token", refreshToken)],
            id: client.clientID, secret: Self.secret(client), repeatable: false)
    }

    /// Reads the new pair of the chain, under whichever name it stands (platforms, 1.4).
    package func refreshed(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        leg == .config ? try answer.slackConfiguration() : try answer.slackRefreshed(leg)
    }

    /// Thirty days for the apps of the PKCE switch; for others none (platforms, 1.4). A configuration token's does not
    /// end by age as far as is known.
    package func refreshTokenLife(_ client: OAuthClient) -> Int64? { client.usesPKCE ? 30 * 86_400 : nil }

    /// None: the bot token is the app's own (platforms, 1.5).
    package func mintable(_ client: OAuthClient) -> [Leg] { [] }

    /// Always throws `unsupported` (platforms, 1.5).
    package func mint(_ leg: Leg, _ material: MintMaterial, _ client: OAuthClient) throws(Problem) -> PlatformRequest {
        throw Problem(.unsupported, "Slack has no machine tokens; the bot token is the app's own")
    }

    /// Always throws: nothing is ever asked.
    package func minted(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        throw .unexpected("Slack", "it has no machine tokens")
    }

    /// There are no tickets.
    package func resendTicket(_ client: OAuthClient) -> PlatformRequest? { nil }

    package var mintMargin: Int64 { 0 }

    /// `auth.revoke` of a token that rotates; nil for others.
    package func discard(token: String, _ client: OAuthClient) -> PlatformRequest? {
        // Of a token that does not rotate auth.revoke ends the whole authorization, bot and all (platforms, 1.7).
        token.hasPrefix("xoxe.") ? revoke(token: token) : nil
    }

    /// `auth.revoke`; with rotation it ends this one token (platforms, 1.7).
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

    /// `ok: false`, a limit, or an answer that is none (platforms, 1.3).
    package func complaint(_ answer: PlatformAnswer) -> PlatformFailure? {
        do { _ = try answer.slackObject() } catch { return error }
        return nil
    }
}

extension SlackInstallation.TokenLeg {
    fileprivate var pair: TokenPair {
        TokenPair(token: token, refreshToken: refreshToken, scope: scope, expiresIn: expiresIn)
    }
}
