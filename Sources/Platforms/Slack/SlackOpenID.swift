import FoundationEssentials

/// What an id_token of Slack claims (OpenID Connect Core 1.0, section 2).
package struct SlackIDToken: Sendable, Equatable {
    package static let issuer = "https://slack.com"

    package let issuer: String
    package let audience: [String]
    package let nonce: String?
    /// Seconds since 1970.
    package let expires: Int64
    package let userID: String
    package let teamID: String?

    /// Reads the claims without looking at the signature: the token came by TLS from its issuer's own token endpoint,
    /// which stands in for it (OpenID Connect Core 1.0, section 3.1.3.7, item 6). Never for a token from a browser.
    package init(_ token: String) throws(PlatformFailure) {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let claims = Self.decode(parts[1]).flatMap(JSONFields.init),
            let issuer = claims.word("iss", longest: 300), let expires = claims.integer("exp"),
            let subject = claims.word("https://slack.com/user_id", longest: 64) ?? claims.word("sub", longest: 64)
        else { throw .unexpected("Slack", "the id_token is not well formed") }
        self.issuer = issuer
        self.expires = expires
        audience = claims.word("aud", longest: 300).map { [$0] } ?? claims.words("aud") ?? []
        nonce = claims.word("nonce", longest: 512)
        userID = subject
        teamID = claims.word("https://slack.com/team_id", longest: 64)
    }

    /// Throws unless Slack made it, for this client, for the flow of this nonce, and not so long ago; `now` is seconds
    /// since 1970, and a clock may be two minutes off.
    package func check(clientID: String, nonce: String?, now: Int64) throws(PlatformFailure) {
        guard issuer == Self.issuer || issuer == "https://slack-gov.com" else {
            throw .unexpected("Slack", "the id_token names another issuer")
        }
        guard audience == [clientID] else {
            throw PlatformFailure(
                .config, "audience_mismatch", "the id_token is for another app than the one that asked")
        }
        guard self.nonce == nonce else {
            throw PlatformFailure(.reauth, "nonce_mismatch", "the id_token belongs to another login than this one")
        }
        guard expires > now - 120 else {
            throw PlatformFailure(
                .reauth, "id_token_expired", "the id_token has expired; is this machine's clock right?")
        }
    }

    private static func decode(_ part: Substring) -> [UInt8]? {
        var text = String(part).replacing("-", with: "+").replacing("_", with: "/")
        text += String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        return Data(base64Encoded: text).map { [UInt8]($0) }
    }
}

extension PlatformAnswer {
    /// Reads `openid.connect.token`; nil when the answer is not one of OpenID Connect.
    func slackOpenIDLogin() throws(PlatformFailure) -> Granted? {
        let object = try slackObject()
        guard object.has("id_token"), !object.has("authed_user") else { return nil }
        guard let idToken = object.word("id_token", longest: JSONFields.longestToken) else {
            throw .unexpected("Slack", "the id_token is not well formed")
        }
        let claims = try SlackIDToken(idToken)
        return Granted(
            place: claims.teamID.map { Place(teamID: $0, name: nil) }, user: try object.tokenPair("Slack"),
            userID: claims.userID, idToken: idToken)
    }

    /// Reads `openid.connect.userInfo`; nil when the answer is not one of OpenID Connect.
    func slackOpenIDPerson() throws(PlatformFailure) -> Person? {
        let object = try slackObject()
        guard object.has("sub") || object.has("https://slack.com/user_id") else { return nil }
        guard let user = object.word("https://slack.com/user_id", longest: 64) ?? object.word("sub", longest: 64),
            let team = object.word("https://slack.com/team_id", longest: 64)
        else { throw .unexpected("Slack", "openid.connect.userInfo names no user and team") }
        let email = object.word("email", longest: 320)
        return Person(
            userID: user, name: object.label("name"), email: email,
            isEmailVerified: email != nil && object.bool("email_verified") == true,
            place: Place(
                enterpriseID: object.word("https://slack.com/enterprise_id", longest: 64), teamID: team,
                name: object.label("https://slack.com/team_name")))
    }
}
