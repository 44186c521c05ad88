import Platforms
package import Rules
import Sealing
package import Vault

/// How a flow ended, for the service or the page: never a token.
package struct FlowResult: Sendable {
    /// Who logged in, as the platform said over TLS.
    package struct Identity: Sendable {
        package let userID: String
        package let team: String
        package let email: String?
        /// Whether the platform itself named the person in this flow.
        package let verified: Bool
    }

    package let purpose: OAuthState.Purpose
    /// nil after a login, whose token is discarded.
    package let installation: Int64?
    package let workspaceName: String?
    package let identity: Identity?
    package let returnTo: String?
}

extension Broker {
    /// Takes a state out of use, whatever comes of it (single use), after checking all it is bound to.
    ///
    /// The record of it is the durable intent: the exchange follows only after this has been committed.
    func claim(
        _ state: String, _ key: AppKey, by actor: Actor, service: Int64?, browser: [UInt8]?, request: RequestID
    ) throws(Problem) -> (OAuthState, App) {
        let unknown = Problem(
            .stateInvalid, "this state is unknown, expired, used, or of another app",
            advice: "start the authorization again")
        guard let app = try vault.app(key) else { throw unknown }
        let entry = AuditEntry(
            "oauth.exchange", .allowed, by: actor, request: request, tenant: slug(of: app.tenant)?.value, app: key,
            reason: "intent")
        let policy = vault.policy
        guard policy.tenants[app.tenant]?.tenant.state == .active, app.state == .active else { throw unknown }
        let flow = try vault.change(always: { transaction throws(Problem) in
            guard var flow = try transaction.flow(Self.hash(state)), flow.app == app.id, flow.usedAt == nil,
                transaction.now < flow.expiresAt
            else { throw unknown }
            // A browser at our callback brings a cookie; a bridge finishes only what it began itself.
            guard service == nil ? flow.binding == .cookie : flow.service == service && flow.binding != .cookie else {
                throw unknown
            }
            switch flow.binding {
            case .none: break
            case .bridge, .cookie:
                guard let bound = flow.browser, let browser, Sodium.equal(bound.span, browser.span) else {
                    throw Problem(
                        .stateInvalid, "this browser is not the one that began",
                        advice: "open the start link again, in one browser")
                }
            }
            flow.usedAt = transaction.now
            try transaction.update(flow: flow)
            try transaction.record(entry)
            return flow
        })
        return (flow, app)
    }

    /// Exchanges a code and stores what came of it; the flow was claimed before.
    func finish(_ flow: OAuthState, _ app: App, code: String, by actor: Actor, _ request: RequestID)
        throws(Problem) -> FlowResult
    {
        let tenant = slug(of: app.tenant)?.value
        do throws(Problem) {
            let slack = Slack(settings.urls)
            let pair = try clientPair(app)
            let answer = try ask(
                slack.exchange(
                    code: code, redirectURI: flow.redirectURI, clientID: pair.id, clientSecret: pair.secret))
            let granted: SlackInstallation
            do {
                granted = try answer.slackInstallation()
                try granted.check(isOf: app.key.appID)
            } catch { throw error.problem }
            if flow.purpose == .login { return try login(flow, app, granted, by: actor, request) }
            return try store(granted, flow, app, by: actor, request)
        } catch {
            let entry = AuditEntry(
                "oauth.exchange", .error, by: actor, request: request, tenant: tenant, app: app.key,
                reason: error.code.rawValue)
            _ = try vault.record(entry)
            throw error
        }
    }

    /// Asks who the person is, and lets go of the token (design, section 6).
    private func login(
        _ flow: OAuthState, _ app: App, _ granted: SlackInstallation, by actor: Actor, _ request: RequestID
    ) throws(Problem) -> FlowResult {
        guard let token = granted.user?.token else {
            throw Problem(.platformRefused, "the platform granted no user token", advice: "start again")
        }
        let answer = try ask(Slack(settings.urls).usersIdentity(token: token))
        let person: SlackPerson
        do { person = try answer.slackPerson() } catch { throw error.problem }
        _ = try vault.record(
            AuditEntry(
                "oauth.login", .allowed, by: actor, request: request, tenant: slug(of: app.tenant)?.value,
                app: app.key))
        return FlowResult(
            purpose: .login, installation: nil, workspaceName: granted.team?.name,
            identity: .init(userID: person.userID, team: person.teamID, email: person.email, verified: true),
            returnTo: flow.returnTo)
    }

    /// Writes every leg that came, apart, with the record, in one transaction.
    private func store(
        _ granted: SlackInstallation, _ flow: OAuthState, _ app: App, by actor: Actor, _ request: RequestID
    ) throws(Problem) -> FlowResult {
        let bot = granted.bot.map {
            (SecretBox($0.token), $0.refreshToken.map { SecretBox($0) }, $0.scope, $0.expiresIn)
        }
        let user = granted.user.map {
            (SecretBox($0.token), $0.refreshToken.map { SecretBox($0) }, $0.scope, $0.expiresIn)
        }
        let webhook = granted.webhook.map { SecretBox($0.url) }
        let tenant = slug(of: app.tenant)?.value
        let creator = actor.name ?? actor.kind.rawValue
        let id = try vault.change(always: { transaction throws(Problem) in
            var entry = AuditEntry(
                "oauth.install", .allowed, by: actor, request: request, tenant: tenant, app: app.key)
            func place(_ userID: String) throws(Problem) -> Installation {
                try transaction.installation(
                    app: app.id, tenant: app.tenant, enterpriseID: granted.enterprise?.id ?? "",
                    teamID: granted.team?.id ?? "",
                    teamName: granted.team?.name ?? granted.enterprise?.name ?? "",
                    isEnterprise: granted.isEnterpriseInstall, userID: userID,
                    botUserID: userID.isEmpty ? granted.botUserID ?? "" : "")
            }
            let workspace = try place("")
            if let (token, refresh, scope, expires) = bot {
                let version = try transaction.storeLeg(
                    .bot, of: workspace, token: token, refreshToken: refresh, scope: scope,
                    expiresAt: expires.map { transaction.now + $0 * 1000 }, by: creator)
                entry.kind = SecretKind.botToken.rawValue
                entry.version = version.version
                entry.fingerprint = version.fingerprint
            }
            if let (token, refresh, scope, expires) = user, let userID = granted.userID {
                let person = try place(userID)
                let version = try transaction.storeLeg(
                    .user, of: person, token: token, refreshToken: refresh, scope: scope,
                    expiresAt: expires.map { transaction.now + $0 * 1000 }, by: creator)
                entry.kind = entry.kind ?? SecretKind.userToken.rawValue
                entry.version = entry.version ?? version.version
                entry.fingerprint = entry.fingerprint ?? version.fingerprint
            }
            if let webhook {
                try transaction.store(
                    webhook, as: SecretName(app: app.id, installation: workspace.id, kind: .webhookURL),
                    tenant: app.tenant, by: creator, graceEnds: nil)
            }
            if app.claim == .unproven, var row = try transaction.app(app.key) {
                // The platform itself has said that this client pair is this App ID's.
                row.claim = .proven
                try transaction.update(app: row, takesAway: false)
            }
            try transaction.record(entry)
            return workspace.id
        })
        return FlowResult(
            purpose: flow.purpose, installation: id, workspaceName: granted.team?.name ?? granted.enterprise?.name,
            identity: granted.userID.map {
                .init(userID: $0, team: granted.team?.id ?? granted.enterprise?.id ?? "", email: nil, verified: true)
            }, returnTo: flow.returnTo)
    }

    /// A service brings the code itself (`POST …/oauth/callback`).
    package func callback(
        _ key: AppKey, code: String?, error: String?, state: String, browserBinding: String?, for caller: Caller,
        _ request: RequestID
    ) throws(Problem) -> FlowResult {
        let policy = gate.enter(caller, vault)
        try requireSound()
        let allowed: Allowed
        switch try decide(.finishOAuth, on: key, for: caller, policy) {
        case .success(let found): allowed = found
        case .failure(let denial):
            throw refuse(denial, "oauth.callback", caller.identity(in: policy), request, app: key)
        }
        // What follows waits for a platform, and hands out nothing that is secret: a revocation need not wait for it.
        gate.leave(caller)
        let flow: OAuthState
        let app: App
        do throws(Problem) {
            (flow, app) = try claim(
                state, key, by: allowed.identity.actor, service: allowed.service.id,
                browser: browserBinding.map(Self.hash), request: request)
        } catch {
            throw fail(
                error,
                AuditEntry(
                    "oauth.callback", .error, by: allowed.identity.actor, request: request,
                    tenant: allowed.tenant.slug.value, app: key))
        }
        guard error == nil, let code else {
            throw Problem(.platformRefused, "the user or the platform said no", advice: "start the authorization again")
        }
        let result = try finish(flow, app, code: code, by: allowed.identity.actor, request)
        // What was taken away while the platform was asked is not told any more.
        let later = gate.enter(caller, vault)
        if case .failure(let denial) = try decide(.finishOAuth, on: key, for: caller, later) {
            throw refuse(denial, "oauth.callback", caller.identity(in: later), request, app: key)
        }
        return result
    }
}
