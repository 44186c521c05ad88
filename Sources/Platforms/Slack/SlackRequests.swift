package import Rules

/// What to send to Slack (platforms, 1.2 to 1.7). Pure: builds requests, sends nothing.
package struct Slack: Sendable {
    /// Why a browser is sent to Slack. Slack refuses identity scopes next to any other (platforms, 1.2), so one
    /// request can never be both.
    package enum Purpose: Sendable, Equatable {
        /// Install for a workspace: bot scopes, and user scopes that are no identity scopes.
        case install(scope: [String], userScope: [String])
        /// Find out who somebody is: `identity.basic,identity.team` and nothing else.
        case login
    }

    package static let loginScopes = ["identity.basic", "identity.team"]

    let api: String
    let authorize: String

    /// Requests to these base URLs; Slack's own unless the operator set others.
    package init(_ urls: PlatformURLs = PlatformURLs()) {
        api = urls[.slackAPI]
        authorize = urls[.slackAuthorize]
    }

    /// Where the browser goes. Throws `bad_request` for no scopes, identity scopes in an install, or a bad scope name.
    package func authorizeURL(
        clientID: String, for purpose: Purpose, state: String, redirectURI: String, team: String? = nil
    ) throws(Problem) -> String {
        var pairs = [("client_id", clientID)]
        switch purpose {
        case .install(let scope, let userScope):
            guard !scope.isEmpty || !userScope.isEmpty else { throw Problem(.badRequest, "no scope to ask for") }
            for name in scope + userScope {
                guard Scopes.isScope(name) else { throw Problem(.badRequest, "a scope name is not well formed") }
                guard !name.hasPrefix("identity.") else {
                    throw Problem(
                        .badRequest, "Slack does not take identity scopes together with others",
                        advice: "use the purpose login for identity scopes")
                }
            }
            if !scope.isEmpty { pairs.append(("scope", scope.joined(separator: ","))) }
            if !userScope.isEmpty { pairs.append(("user_scope", userScope.joined(separator: ","))) }
        case .login:
            pairs.append(("user_scope", Self.loginScopes.joined(separator: ",")))
        }
        pairs += [("redirect_uri", redirectURI), ("state", state)]
        if let team { pairs.append(("team", team)) }
        return "\(authorize)?\(Form.encode(pairs))"
    }

    /// `oauth.v2.access`: trades a code for tokens. `redirectURI` must be the one `authorizeURL` was given.
    package func exchange(
        code: String, redirectURI: String, clientID: String, clientSecret: String
    ) -> PlatformRequest {
        token(
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirectURI)],
            clientID: clientID, clientSecret: clientSecret, repeatable: false)
    }

    /// `oauth.v2.access`: trades a refresh token for a new pair (platforms, 1.4). The old one dies by it.
    package func refresh(refreshToken: String, clientID: String, clientSecret: String) -> PlatformRequest {
        token(
            [("grant_type", "refresh_token"), ("refresh_token", refreshToken)],
            clientID: clientID, clientSecret: clientSecret, repeatable: false)
    }

    /// `oauth.v2.access` with a code nobody was given: tells whether Client ID and Client Secret are a pair
    /// (platforms, 1.6). It can be repeated: there is no code to spend.
    package func clientPairProbe(clientID: String, clientSecret: String) -> PlatformRequest {
        let code = "1000000000.1000000000.\(String(repeating: "0", count: 64))"
        return token(
            [("grant_type", "authorization_code"), ("code", code)],
            clientID: clientID, clientSecret: clientSecret, repeatable: true)
    }

    /// `auth.test`: who this token is. Needs no scope and changes nothing.
    package func authTest(token: String) -> PlatformRequest { call("auth.test", token: token, []) }

    /// `bots.info`: which app a bot is of. Needs users:read.
    package func botsInfo(bot: String, token: String) -> PlatformRequest {
        call("bots.info", token: token, [("bot", bot)])
    }

    /// `users.identity`: who has just logged in. Needs a user token with identity.basic.
    package func usersIdentity(token: String) -> PlatformRequest { call("users.identity", token: token, []) }

    /// `auth.revoke`: ends the token; with `dryRun` only says whether it could. Repeatable: a second call finds the
    /// token gone.
    package func revoke(token: String, dryRun: Bool = false) -> PlatformRequest {
        call("auth.revoke", token: token, dryRun ? [("test", "1")] : [])
    }

    private func token(
        _ pairs: [(String, String)], clientID: String, clientSecret: String, repeatable: Bool
    ) -> PlatformRequest {
        token("oauth.v2.access", pairs, id: clientID, secret: clientSecret, repeatable: repeatable)
    }

    /// A call in the client's own name: HTTP Basic with its secret, or, where an app has switched PKCE on, only the
    /// Client ID in the body. A secret beside a verifier ends in `internal_error` (platforms, 1.2).
    func token(
        _ name: String, _ pairs: [(String, String)], id: String, secret: String?, repeatable: Bool
    ) -> PlatformRequest {
        let proof = secret.map { [HeaderField("Authorization", Form.basic(id, $0))] } ?? []
        let pairs = secret == nil ? pairs + [("client_id", id)] : pairs
        return PlatformRequest(
            name: name, method: "POST", url: "\(api)/\(name)", headers: proof + Self.form,
            body: [UInt8](Form.encode(pairs).utf8), repeatable: repeatable)
    }

    func call(_ method: String, token: String, _ pairs: [(String, String)]) -> PlatformRequest {
        PlatformRequest(
            name: method, method: "POST", url: "\(api)/\(method)",
            headers: [HeaderField("Authorization", "Bearer \(token)")] + Self.form,
            body: [UInt8](Form.encode(pairs).utf8), repeatable: true)
    }

    static let form = [
        HeaderField("Content-Type", "application/x-www-form-urlencoded"), HeaderField("Accept", "application/json"),
    ]
}
