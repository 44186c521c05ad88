import Platforms
package import Rules
import Sealing
package import Vault

/// What a service or an admin asks for when a flow begins.
package struct FlowRequest: Sendable {
    package var purpose: Purpose
    package var redirectURI: String?
    package var scope: [String]?
    package var userScope: [String]?
    package var subject: String?
    package var returnTo: String?
    package var browserBinding: String?

    /// An ask with the app's first redirect URI and its own scopes.
    package init(purpose: Purpose) { self.purpose = purpose }
}

/// A flow that has begun.
package struct FlowStart: Sendable {
    /// Where to send the browser first; nil when there is no callback listener, or the code goes to the bridge.
    package let startURL: String?
    package let authorizationURL: String
    /// 256 bits, base64url; kept here only as a hash.
    package let state: String
    package let expiresIn: Int64
}

extension Broker {
    /// Slack's codes live as long (platforms, 1.2).
    static let flowMilliseconds: Int64 = 600_000

    /// Begins a flow for a service.
    package func authorize(
        _ key: AppKey, _ ask: FlowRequest, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> FlowStart {
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            let allowed = try admit(.startOAuth, on: key, for: caller, policy, "oauth.authorize", request)
            let entry = AuditEntry(
                "oauth.authorize", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: key, reason: ask.purpose.rawValue)
            do throws(Problem) {
                let (flow, start) = try begin(allowed.app, allowed.tenant, allowed.service.id, ask)
                let outcome = try vault.change(decidedUnder: allowed.epoch) { transaction throws(Problem) in
                    try transaction.add(flow: flow)
                    try transaction.record(entry)
                    return true
                }
                if case .stale = outcome { continue }
                return start
            } catch { throw error.code == .auditUnavailable ? error : fail(error, entry) }
        }
    }

    /// Begins a flow for an admin (`postern oauth url`).
    package func authorize(_ app: App, _ ask: FlowRequest, _ call: AdminCall) throws(Problem) -> FlowStart {
        guard let tenant = vault.policy.tenants[app.tenant]?.tenant else {
            throw Problem(.notFound, "the app's tenant is gone")
        }
        let (flow, start) = try begin(app, tenant, nil, ask)
        return try change(
            call, "oauth.authorize", tenant: tenant.slug.value, app: app.key, reason: ask.purpose.rawValue
        ) { transaction, _ throws(Problem) in
            try transaction.add(flow: flow)
            return start
        }
    }

    private func begin(
        _ app: App, _ tenant: Tenant, _ service: Int64?, _ ask: FlowRequest
    ) throws(Problem) -> (OAuthState, FlowStart) {
        guard let profile = Profile.named(app.profile, on: app.key.platform) else {
            throw Problem(.unsupported, "this release does not know the profile \(app.profile)")
        }
        guard let redirect = ask.redirectURI ?? callbackURL(app.key) ?? app.redirectURIs.first else {
            throw Problem(.badRequest, "the app has no redirect URI", advice: "start posternd with --public-url")
        }
        guard app.redirectURIs.contains(redirect) else {
            throw Problem(
                .badRequest, "this redirect_uri is not registered on the app",
                advice: "use one of those the app was added with: postern app show")
        }
        let ours = redirect == callbackURL(app.key)
        if let returnTo = ask.returnTo {
            let origins = app.redirectURIs.compactMap(origin)
            guard let target = origin(returnTo), origins.contains(target) else {
                throw Problem(.badRequest, "return_to must lead to the origin of a registered redirect URI")
            }
        }
        // Whoever sends another person our start link must not have them linked to himself: the service says with the
        // session the person came back in whose flow it was. An admin's link goes to whom the admin means.
        let isConfirmed = ours && service != nil && ask.subject != nil
        guard !isConfirmed || ask.browserBinding != nil else {
            throw Problem(
                .badRequest, "a flow for a subject must be bound to the session it began in",
                advice: "send browser_binding, and send it again to learn how the flow ended")
        }
        let binding: OAuthState.Binding =
            isConfirmed ? .both : ask.browserBinding != nil ? .bridge : ours ? .cookie : .none
        if ask.subject != nil, binding == .none {
            throw Problem(
                .badRequest, "a flow for a subject must be bound to a browser",
                advice: "use our callback, or send browser_binding with both calls")
        }
        if let binding = ask.browserBinding, !(16...512).contains(binding.utf8.count) {
            throw Problem(.badRequest, "browser_binding is 16 to 512 characters of the bridge's own randomness")
        }
        if ask.purpose == .link, ask.subject == nil {
            throw Problem(
                .badRequest, "a link needs a subject", advice: "send the bridge's own name for the person as subject")
        }
        if let subject = ask.subject,
            !(1...256).contains(subject.utf8.count) || subject.utf8.contains(where: { $0 < 0x20 })
        {
            throw Problem(.badRequest, "subject is 1 to 256 characters without control characters")
        }
        let usual = try dialect(of: app).scopes(for: ask.purpose, of: profile)
        let scope = ask.scope ?? usual.scope
        let userScope = ask.userScope ?? usual.userScope
        let state = Base64.url.encode(Sodium.randomBytes(32).span)
        let now = vault.now
        let flow = OAuthState(
            hash: Self.hash(state), app: app.id, service: service, purpose: ask.purpose, redirectURI: redirect,
            scope: scope, userScope: userScope, subject: ask.subject, returnTo: ask.returnTo, binding: binding,
            browser: ask.browserBinding.map(Self.hash), createdAt: now, expiresAt: now + Self.flowMilliseconds)
        let url = try authorizationURL(flow, app, state)
        let start = flow.endsWithUs ? "\(startURL(app.key))?state=\(state)" : nil
        return (
            flow,
            FlowStart(
                startURL: start, authorizationURL: url, state: state, expiresIn: Self.flowMilliseconds / 1000)
        )
    }

    /// Where the browser goes: the same for the same flow, since verifier and nonce come from its state.
    func authorizationURL(_ flow: OAuthState, _ app: App, _ state: String) throws(Problem) -> String {
        // OpenID Connect at Slack cannot be finished without the secret, so it is not begun without.
        let isOpenID = flow.purpose != .install && app.fields[.login] == OAuthClient.Login.openID.rawValue
        let client = try client(of: app, isOpenID ? .secret : .identifier)
        var challenge: String?
        if let verifier = try verifier(state, client) {
            let digest = Digest32.sha256(verifier.utf8.span).bytes
            challenge = Base64.url.encode(digest.span)
        }
        return try dialect(of: app).authorizeURL(
            AuthorizeAsk(
                purpose: flow.purpose, scope: flow.scope, userScope: flow.userScope, state: state,
                redirectURI: flow.redirectURI, challenge: challenge, nonce: try nonce(flow, state, client)),
            client)
    }

    /// The PKCE verifier of a flow, made again from the state the browser brings; nil where the app uses none.
    func verifier(_ state: String, _ client: OAuthClient) throws(Problem) -> String? {
        client.usesPKCE ? try vault.derive(.pkce, from: state) : nil
    }

    /// OpenID Connect's nonce of a flow; nil where nobody asks for an ID token.
    func nonce(_ flow: OAuthState, _ state: String, _ client: OAuthClient) throws(Problem) -> String? {
        flow.purpose != .install && client.login == .openID ? try vault.derive(.nonce, from: state) : nil
    }

    private func startURL(_ key: AppKey) -> String {
        "\(settings.publicURL)/thirdparty/\(key.platform.rawValue)/\(key.appID.value)/oauth2/start"
    }

    /// Scheme, host and port of a URL; nil where there is none.
    private func origin(_ url: String) -> String? {
        let parts = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "https:" || parts[0] == "http:", parts[1].isEmpty, !parts[2].isEmpty,
            !parts[2].contains("@")
        else { return nil }
        return "\(parts[0])//\(parts[2].lowercased())"
    }

    /// How states, cookies and bindings are kept.
    static func hash(_ value: String) -> [UInt8] { Digest32.hash(value.utf8.span).bytes }
}
