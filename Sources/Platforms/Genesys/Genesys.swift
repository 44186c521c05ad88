import Rules

/// What to send to Genesys Cloud (platforms, section 4). Pure: builds requests, sends nothing.
package struct Genesys: Sendable {
    private let api: String
    private let login: String
    private let regions: GenesysRegions

    /// Requests to these base URLs; Genesys Cloud's own unless the operator set others.
    package init(_ urls: PlatformURLs = PlatformURLs()) {
        api = urls[.genesysAPI]
        login = urls[.genesysLogin]
        regions = urls.genesysRegions
    }

    /// `https://api.DOMAIN` of the client's region, without `/api/v2`.
    func apiBase(of client: OAuthClient) -> String { place(api, client) }

    /// `https://login.DOMAIN` of the client's region.
    func loginBase(of client: OAuthClient) -> String { place(login, client) }

    /// A region is looked at when it is stored; one that is not on the list any more goes nowhere (RFC 6761: `invalid`
    /// is nobody's).
    private func place(_ base: String, _ client: OAuthClient) -> String {
        guard let region = client.region, regions.has(region) else { return "https://region.invalid" }
        return base.replacing("{region}", with: region)
    }

    /// Throws `bad_request` for a client without a region of the list.
    func check(_ client: OAuthClient) throws(Problem) {
        guard let region = client.region, regions.has(region) else {
            throw Problem(
                .badRequest, "the app has no Genesys Cloud region, or one this installation does not know",
                advice: "set the field region to the domain in the address of the customer's Genesys Cloud")
        }
    }

    /// The token endpoint (platforms, 4.3).
    ///
    /// With a PKCE verifier the client says who it is in the body and sends no secret, as Genesys' own SDK does
    /// (platforms, 4.2); everything else is HTTP Basic.
    func token(
        _ pairs: [(String, String)], _ client: OAuthClient, secret: String?, repeatable: Bool
    ) -> PlatformRequest {
        var headers = Self.form
        var body = pairs
        if let secret {
            headers.insert(HeaderField("Authorization", Form.basic(client.clientID, secret)), at: 0)
        } else {
            body.insert(("client_id", client.clientID), at: min(1, body.count))
        }
        return PlatformRequest(
            name: "oauth.token", method: "POST", url: "\(loginBase(of: client))/oauth/token", headers: headers,
            body: [UInt8](Form.encode(body).utf8), repeatable: repeatable)
    }

    /// `GET /api/v2/tokens/me`: which organisation and which client a token is of.
    package func tokensMe(token: String, _ client: OAuthClient) -> PlatformRequest {
        call("tokens.me", "GET", "tokens/me", token, client)
    }

    /// `GET /api/v2/users/me` with the organisation: who a user token is. Not for client credentials (platforms, 4.5).
    package func usersMe(token: String, _ client: OAuthClient) -> PlatformRequest {
        call("users.me", "GET", "users/me?expand=organization", token, client)
    }

    /// One page, from 1, of the open messaging integrations, a hundred at a time.
    package func openIntegrations(token: String, page: Int, _ client: OAuthClient) -> PlatformRequest {
        call(
            "conversations.messaging.integrations.open", "GET",
            "conversations/messaging/integrations/open?pageSize=100&pageNumber=\(page)", token, client)
    }

    /// `DELETE /api/v2/tokens/me`: ends the token (platforms, 4.7). Repeatable: a second call finds it gone.
    func endToken(_ token: String, _ client: OAuthClient) -> PlatformRequest {
        call("tokens.me", "DELETE", "tokens/me", token, client)
    }

    private func call(
        _ name: String, _ method: String, _ path: String, _ token: String, _ client: OAuthClient
    ) -> PlatformRequest {
        PlatformRequest(
            name: name, method: method, url: "\(apiBase(of: client))/api/v2/\(path)",
            headers: [HeaderField("Authorization", "Bearer \(token)"), HeaderField("Accept", "application/json")],
            repeatable: true)
    }

    private static let form = [
        HeaderField("Content-Type", "application/x-www-form-urlencoded"), HeaderField("Accept", "application/json"),
    ]
}
