package import Rules

/// How one platform speaks OAuth: builds its requests, reads its answers. Pure: no network, no clock, no storage.
///
/// The broker knows platforms by this protocol alone; what one of them does not have is nil or an empty list.
package protocol Dialect: Sendable {
    /// Where API calls go, without a slash at the end: what `api_base` tells a service.
    func apiBase(_ client: OAuthClient) -> String

    /// Where the browser goes. Throws `bad_request` for scopes the platform would not take together, `unsupported`
    /// for a purpose the platform has no flow for.
    func authorizeURL(_ ask: AuthorizeAsk, _ client: OAuthClient) throws(Problem) -> String
    /// What a flow asks for where its beginner names no scopes: bot or app scopes, and a person's.
    func scopes(for purpose: Purpose, of profile: Profile) -> (scope: [String], userScope: [String])
    /// Trades a code for tokens. Never repeated: a lost answer has spent the code.
    func exchange(_ ask: ExchangeAsk, _ client: OAuthClient) -> PlatformRequest
    /// Whether `exchange` (no refresh token) or `refresh` of this token needs `OAuthClient.appToken`: Lark's and
    /// Feishu's older endpoints do (platforms, 2.3).
    func needsAppToken(refreshToken: String?) -> Bool
    /// Whether the platform says itself that the code is not spent and the exchange may be tried again.
    func leavesCodeUnspent(_ failure: PlatformFailure) -> Bool
    /// Reads the answer to `exchange`.
    func granted(_ answer: PlatformAnswer) throws(PlatformFailure) -> Granted

    /// Asks who a user token is, after a login or link, or to learn where an installation belongs.
    func identity(token: String, _ client: OAuthClient) -> PlatformRequest
    /// Reads the answer to `identity`.
    func person(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person

    /// Throws unless the id_token of an exchange is for this client and this flow: `nonce` is what `authorizeURL` was
    /// given, `now` seconds since 1970. Does nothing where the platform sends none.
    func check(
        idToken: String?, of person: Person, nonce: String?, now: Int64, _ client: OAuthClient
    ) throws(PlatformFailure)
    /// Whether an exchange carries the client secret, so that its success shows that the secret is right.
    func exchangeShowsSecret(_ client: OAuthClient) -> Bool

    /// Trades a refresh token for a new pair. Never repeated blindly.
    func refresh(_ refreshToken: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest
    /// Reads the answer to `refresh`. An answer with a token in it is never refused for being odd otherwise, since the
    /// platform may have spent the refresh token for it: store first, judge by `oddities` and `appID` later. A pair
    /// without a refresh token leaves the stored one in place (RFC 6749, section 6).
    func refreshed(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair

    /// Seconds a refresh token lives from its issue where the answers do not say; nil where it does not end, or nobody
    /// knows.
    func refreshTokenLife(_ client: OAuthClient) -> Int64?

    /// The legs whose tokens are made from the client's own credentials, without anybody's consent.
    func mintable(_ client: OAuthClient) -> [Leg]
    /// Makes a token of a mintable leg. Throws `needs_reauthorization` where something is missing that only the
    /// platform can send (a store app's ticket) and `not_found` where a credential is missing.
    func mint(_ leg: Leg, _ material: MintMaterial, _ client: OAuthClient) throws(Problem) -> PlatformRequest
    /// Reads the answer to `mint`.
    func minted(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair
    /// Asks the platform to push a store app's ticket again; nil where there are no tickets.
    func resendTicket(_ client: OAuthClient) -> PlatformRequest?
    /// Seconds before a minted token's end at which a new one is made (platforms, 2.5 and 4.5).
    var mintMargin: Int64 { get }

    /// Asks who has an e-mail address, with the app's own token; nil where an address proves nobody (platforms, 2.6).
    func lookUp(email: String, token: String, _ client: OAuthClient) -> PlatformRequest?
    /// Reads the answer to `lookUp`; nil where it is nobody's.
    func lookedUp(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person?

    /// Asks whether a token is still taken, changing nothing; nil where it cannot be asked.
    func probe(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest?
    /// What a verified event says about the life of an installation; nil for every other event.
    func lifecycle(_ event: [UInt8]) -> Lifecycle?

    /// Ends a token that was only made to ask who somebody is; nil where that would end more than this token.
    func discard(token: String, _ client: OAuthClient) -> PlatformRequest?
    /// Ends a token at the platform; nil where the platform has no such call (platforms, 2.7).
    func revoke(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest?
    /// Reads the answer to `revoke`; a token that was dead already counts as revoked.
    func revoked(_ answer: PlatformAnswer) throws(PlatformFailure)
    /// Uninstalls the whole app from where this token is of; nil where the platform has no such call.
    func uninstall(token: String, _ client: OAuthClient) -> PlatformRequest?

    /// What the platform says against the token or the call in an API answer; nil where it says nothing.
    func complaint(_ answer: PlatformAnswer) -> PlatformFailure?

    /// The name a lease's `methods` know a call by (`chat.postMessage`, `POST im/v1/messages`). Throws `not_found` for
    /// what is no path of the API, `method_not_allowed`, and `denied` for calls no lease reaches.
    func gatewayMethod(_ path: GatewayPath, verb: String) throws(Problem) -> String
    /// A bridge's call with our token on it, its body as in `call`. Throws what `gatewayMethod` does, and `bad_request`.
    func gatewayCall(
        _ call: GatewayRequest, at path: GatewayPath, token: String, _ client: OAuthClient
    ) throws(Problem) -> PlatformRequest
}

extension Dialect {
    /// The profile's own for an installation, nothing else but the identity for the rest.
    package func scopes(for purpose: Purpose, of profile: Profile) -> (scope: [String], userScope: [String]) {
        purpose == .install ? (profile.botScopes, profile.userScopes) : ([], [])
    }

    /// A platform that does not say so may have spent it.
    package func leavesCodeUnspent(_ failure: PlatformFailure) -> Bool { false }

    /// Left to end by itself.
    package func discard(token: String, _ client: OAuthClient) -> PlatformRequest? { nil }

    /// No search by e-mail address.
    package func lookUp(email: String, token: String, _ client: OAuthClient) -> PlatformRequest? { nil }

    /// Nobody, since nobody is searched for.
    package func lookedUp(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person? { nil }

    /// Cannot be asked.
    package func probe(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? { nil }

    /// No such events.
    package func lifecycle(_ event: [UInt8]) -> Lifecycle? { nil }
}

/// An app as the platform's OAuth knows it. Holds the client secret in the clear for one errand: no description.
package struct OAuthClient: Sendable {
    /// How a person is asked who they are.
    package enum Login: String, Sendable, CaseIterable {
        /// The platform's own identity call: Slack `identity.*`, Lark and Feishu `user_info`.
        case identity
        /// OpenID Connect (Slack: `openid.connect.token`).
        case openID = "openid"
    }

    package let appID: AppID
    /// Slack and Genesys: Client ID. Lark and Feishu: the App ID once more.
    package let clientID: String
    /// Slack and Genesys: Client Secret. Lark and Feishu: App Secret. nil where the flow does without.
    package let clientSecret: String?
    /// A Genesys Cloud domain of platforms 4.11; nil elsewhere.
    package let region: String?
    /// Slack's per-app switch, which excludes the secret (platforms, 1.2); Lark, Feishu and Genesys always use PKCE.
    package let usesPKCE: Bool
    /// Lark and Feishu: an app of the store, which needs tickets.
    package let isStoreApp: Bool
    package let login: Login
    /// An app_access_token, where `Dialect.needsAppToken` asks for one.
    package let appToken: String?

    /// Every field as given.
    package init(
        appID: AppID, clientID: String, clientSecret: String?, region: String? = nil, usesPKCE: Bool = false,
        isStoreApp: Bool = false, login: Login = .identity, appToken: String? = nil
    ) {
        self.appID = appID
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.region = region
        self.usesPKCE = usesPKCE
        self.isStoreApp = isStoreApp
        self.login = login
        self.appToken = appToken
    }

    /// The same client with the token that some older endpoints want.
    package func with(appToken: String) -> OAuthClient {
        OAuthClient(
            appID: appID, clientID: clientID, clientSecret: clientSecret, region: region, usesPKCE: usesPKCE,
            isStoreApp: isStoreApp, login: login, appToken: appToken)
    }
}

/// One trip of a browser to a platform.
package struct AuthorizeAsk: Sendable {
    package let purpose: Purpose
    /// Bot, app or only scopes; for Slack the `scope` parameter.
    package let scope: [String]
    /// Slack's `user_scope`; elsewhere joined with `scope`.
    package let userScope: [String]
    package let state: String
    package let redirectURI: String
    /// base64url without padding of the verifier's SHA-256 (RFC 7636, section 4.2); nil without PKCE.
    package let challenge: String?
    /// OpenID Connect's nonce; nil elsewhere.
    package let nonce: String?

    /// Every field as given.
    package init(
        purpose: Purpose, scope: [String], userScope: [String], state: String, redirectURI: String,
        challenge: String? = nil, nonce: String? = nil
    ) {
        self.purpose = purpose
        self.scope = scope
        self.userScope = userScope
        self.state = state
        self.redirectURI = redirectURI
        self.challenge = challenge
        self.nonce = nonce
    }
}

/// The second leg of RFC 6749, section 4.1.
package struct ExchangeAsk: Sendable {
    package let purpose: Purpose
    package let code: String
    package let redirectURI: String
    /// 43 to 128 characters (RFC 7636, section 4.1); nil without PKCE.
    package let verifier: String?

    /// Every field as given.
    package init(purpose: Purpose, code: String, redirectURI: String, verifier: String?) {
        self.purpose = purpose
        self.code = code
        self.redirectURI = redirectURI
        self.verifier = verifier
    }
}

/// One token and what came with it, in the clear on its way into the vault: no description.
package struct TokenPair: Sendable, Equatable {
    package let token: String
    /// nil where the platform sent none: then the token lives once, or for ever.
    package let refreshToken: String?
    /// What was really granted; nil where the platform does not say.
    package let scope: [String]?
    /// Seconds, 1 to ten years; nil for a token that does not end.
    package let expiresIn: Int64?
    /// Seconds until the refresh token itself ends; nil where it does not or nobody says.
    package let refreshExpiresIn: Int64?
    /// The app the platform says the token is of, where it says; the reader does not know which one was asked for.
    package let appID: AppID?
    /// What is not as documented about an answer that was kept all the same.
    package let oddities: [Oddity]

    /// Why an answer with a token in it deserves a warning.
    package enum Oddity: String, Sendable, CaseIterable {
        /// A refresh answered without a refresh token: the old one stays stored.
        case noRefreshToken = "no_refresh_token"
        /// The life is missing, zero, negative or no number: `assumedLife` stands in for it.
        case noLife = "no_life"
        /// The platform calls it another kind of token than the one that was refreshed.
        case otherKind = "other_kind"
    }

    /// Seconds a token is taken to live whose platform ends tokens but did not say when: shorter than any documented
    /// life but the shortest Genesys one, and long enough not to refresh in a circle.
    package static let assumedLife: Int64 = 3600

    /// Every field as given.
    package init(
        token: String, refreshToken: String? = nil, scope: [String]? = nil, expiresIn: Int64? = nil,
        refreshExpiresIn: Int64? = nil, appID: AppID? = nil, oddities: [Oddity] = []
    ) {
        self.appID = appID
        self.oddities = oddities
        self.token = token
        self.refreshToken = refreshToken
        self.scope = scope
        self.expiresIn = expiresIn
        self.refreshExpiresIn = refreshExpiresIn
    }
}

/// Where an app is installed: a Slack workspace or organisation, a Lark or Feishu tenant, a Genesys organisation.
package struct Place: Sendable, Equatable {
    package let enterpriseID: String?
    /// Slack's team id, Lark's and Feishu's tenant_key, Genesys' organisation id; nil for a Slack org-wide install.
    package let teamID: String?
    package let name: String?
    package let isEnterpriseInstall: Bool

    /// Every field as given.
    package init(enterpriseID: String? = nil, teamID: String?, name: String?, isEnterpriseInstall: Bool = false) {
        self.enterpriseID = enterpriseID
        self.teamID = teamID
        self.name = name
        self.isEnterpriseInstall = isEnterpriseInstall
    }

    /// Whether somebody of this place is of an installation: by the organisation where the whole of it installed the
    /// app, else by team. Nobody is of a place without a name.
    package func isWithin(team: String, enterprise: String, isEnterprise: Bool) -> Bool {
        isEnterprise ? !enterprise.isEmpty && enterpriseID == enterprise : !team.isEmpty && teamID == team
    }
}

/// What a code exchange gave, its legs apart.
package struct Granted: Sendable {
    /// Slack names the app; the others do not.
    package let appID: AppID?
    /// nil where only `identity` can tell (Lark, Feishu, Genesys).
    package let place: Place?
    package let bot: TokenPair?
    package let user: TokenPair?
    package let userID: String?
    package let botUserID: String?
    /// An incoming webhook's URL is a secret (platforms, 1.1).
    package let webhookURL: String?
    /// Slack's answer to an OpenID Connect exchange; its claims came by TLS from the issuer.
    package let idToken: String?

    /// Every field as given.
    package init(
        appID: AppID? = nil, place: Place? = nil, bot: TokenPair? = nil, user: TokenPair? = nil, userID: String? = nil,
        botUserID: String? = nil, webhookURL: String? = nil, idToken: String? = nil
    ) {
        self.appID = appID
        self.place = place
        self.bot = bot
        self.user = user
        self.userID = userID
        self.botUserID = botUserID
        self.webhookURL = webhookURL
        self.idToken = idToken
    }
}

/// Who a user token is, as the platform says.
package struct Person: Sendable, Equatable {
    /// Slack's user id, Lark's and Feishu's open_id, Genesys' user id.
    package let userID: String
    package let name: String?
    /// Lark's and Feishu's are set by an admin, not proven by the person (platforms, 2.6).
    package let email: String?
    package let isEmailVerified: Bool
    package let place: Place?

    /// Every field as given.
    package init(userID: String, name: String?, email: String?, isEmailVerified: Bool, place: Place?) {
        self.userID = userID
        self.name = name
        self.email = email
        self.isEmailVerified = isEmailVerified
        self.place = place
    }
}

/// What minting may need beside the client's credentials.
package struct MintMaterial: Sendable {
    /// A store app's newest ticket (platforms, 2.5).
    package let ticket: String?
    /// A store app's app_access_token, for its tenants' tokens.
    package let appToken: String?
    /// The installation's tenant, for a store app.
    package let tenantKey: String?

    /// Every field as given.
    package init(ticket: String? = nil, appToken: String? = nil, tenantKey: String? = nil) {
        self.ticket = ticket
        self.appToken = appToken
        self.tenantKey = tenantKey
    }
}

extension Dialect {
    /// Only Slack sends id_tokens to our clients.
    package func check(
        idToken: String?, of person: Person, nonce: String?, now: Int64, _ client: OAuthClient
    ) throws(PlatformFailure) {}

    /// A client that uses PKCE sends no secret; who answers its code with tokens has looked at none.
    package func exchangeShowsSecret(_ client: OAuthClient) -> Bool { !client.usesPKCE }

    /// Most refresh tokens do not end by age, or their answers say when.
    package func refreshTokenLife(_ client: OAuthClient) -> Int64? { nil }
    /// Most platforms know their clients by id and secret alone.
    package func needsAppToken(refreshToken: String?) -> Bool { false }
}

extension PlatformURLs {
    /// How `platform` speaks, at these base URLs.
    package func dialect(of platform: Platform) throws(Problem) -> any Dialect {
        switch platform {
        case .slack: Slack(self)
        case .lark: Lark(.lark, self)
        case .feishu: Lark(.feishu, self)
        case .genesys: Genesys(self)
        }
    }
}
