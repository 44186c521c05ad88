/// What to send to Slack (platforms, 1.2 to 1.7). Pure: builds requests, sends nothing.
package struct Slack: Sendable {
    package static let loginScopes = ["identity.basic", "identity.team"]

    let api: String
    let authorize: String

    /// Requests to these base URLs; Slack's own unless the operator set others.
    package init(_ urls: PlatformURLs = PlatformURLs()) {
        api = urls[.slackAPI]
        authorize = urls[.slackAuthorize]
    }

    /// `oauth.v2.access` with a code nobody was given: tells whether Client ID and Client Secret are a pair
    /// (platforms, 1.6). It can be repeated: there is no code to spend.
    package func clientPairProbe(clientID: String, clientSecret: String) -> PlatformRequest {
        let code = "1000000000.1000000000.\(String(repeating: "0", count: 64))"
        return token(
            "oauth.v2.access", [("grant_type", "authorization_code"), ("code", code)], id: clientID,
            secret: clientSecret, repeatable: true)
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
