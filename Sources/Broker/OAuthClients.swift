import Platforms
import Rules
import Vault

extension Broker {
    /// How much of an app's credentials a request to its platform needs.
    enum ClientNeed {
        /// Where the API is, no more.
        case address
        /// The Client ID: a browser is sent to the platform.
        case identifier
        /// The client secret too: tokens are made, traded or refreshed.
        case secret
    }

    /// An app as its platform's OAuth knows it: the one place that says which credential is which.
    ///
    /// Throws `not_found` for a credential that is needed and not there.
    func client(of app: App, _ need: ClientNeed) throws(Problem) -> OAuthClient {
        let fields = app.fields
        let isSlack = app.key.platform == .slack
        let clientID = isSlack ? fields[.clientID] : app.key.appID.value
        guard let clientID = clientID ?? (need == .address ? "" : nil) else {
            throw Problem(
                .notFound, "the app has no client_id", advice: "add it: postern app edit \(app.key) --field client_id=…"
            )
        }
        let usesPKCE = !isSlack || fields[.pkce] == "on"
        var secret: String?
        if need == .secret {
            let kind: SecretKind =
                switch app.key.platform {
                case .slack, .genesys: .clientSecret
                case .lark, .feishu: .appSecret
                }
            secret = try use(SecretName(app: app.id, kind: kind))
            // Slack does not take a secret beside PKCE, but for OpenID Connect (platforms, 1.2).
            guard secret != nil || isSlack && usesPKCE else {
                throw Problem(
                    .notFound, "the app has no \(kind.rawValue)",
                    advice: "set it: postern secret set \(app.key) \(kind.rawValue)")
            }
        }
        return OAuthClient(
            appID: app.key.appID, clientID: clientID, clientSecret: secret, region: fields[.region],
            usesPKCE: usesPKCE, isStoreApp: fields[.appType] == "store",
            login: fields[.login].flatMap(OAuthClient.Login.init(rawValue:)) ?? .identity)
    }

    /// How the app's platform speaks, at the operator's base URLs.
    func dialect(of app: App) throws(Problem) -> any Dialect { try settings.urls.dialect(of: app.key.platform) }
}
