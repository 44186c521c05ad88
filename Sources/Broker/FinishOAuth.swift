import Platforms
package import Rules
import Sealing
package import Vault

extension Broker {
    /// Takes a state out of use, whatever comes of it (single use), after checking all it is bound to.
    ///
    /// The record of it is the durable intent: the exchange follows only after this has been committed.
    func claim(
        _ state: String, _ key: AppKey, by actor: Actor, service: Int64?, browser: [UInt8]?, request: RequestID
    ) throws(Problem) -> (OAuthState, App) {
        while true {
            let claimed = try claim(
                state, key, by: actor, service: service, browser: browser, decidedUnder: vault.policy, request: request)
            if let claimed { return claimed }
        }
    }

    /// As above, unless the policy has moved since it was decided: then nil, and nothing is spent.
    func claim(
        _ state: String, _ key: AppKey, by actor: Actor, service: Int64?, browser: [UInt8]?,
        decidedUnder policy: PolicySnapshot, request: RequestID
    ) throws(Problem) -> (OAuthState, App)? {
        let unknown = Problem(
            .stateInvalid, "this state is unknown, expired, used, or of another app",
            advice: "start the authorization again")
        guard let app = try vault.app(key) else { throw unknown }
        let entry = AuditEntry(
            "oauth.exchange", .allowed, by: actor, request: request, tenant: slug(of: app.tenant)?.value, app: key,
            reason: "intent")
        guard policy.tenants[app.tenant]?.tenant.state == .active else { throw unknown }
        let outcome = try vault.change(decidedUnder: policy.epoch) { transaction throws(Problem) in
            guard var flow = try transaction.flow(Self.hash(state)), flow.app == app.id, flow.usedAt == nil,
                transaction.now < flow.expiresAt
            else { throw unknown }
            // As the app is now: one that was suspended, or whose redirect URI was taken away, finishes nothing.
            guard let app = try transaction.app(key), app.id == flow.app, app.state == .active,
                app.redirectURIs.contains(flow.redirectURI)
            else { throw unknown }
            // A browser at our callback brings a cookie; a bridge finishes only what it began itself.
            guard service == nil ? flow.endsWithUs : flow.service == service && !flow.endsWithUs else {
                throw unknown
            }
            switch flow.binding {
            case .none: break
            case .bridge, .cookie, .both:
                guard let bound = flow.endsWithUs ? flow.cookie : flow.browser, let browser,
                    Sodium.equal(bound.span, browser.span)
                else {
                    throw Problem(
                        .stateInvalid, "this browser is not the one that began",
                        advice: "open the start link again, in one browser")
                }
            }
            flow.usedAt = transaction.now
            try transaction.update(flow: flow)
            try transaction.record(entry)
            return (flow, app)
        }
        guard case .done(let claimed) = outcome else { return nil }
        return claimed
    }

    /// A service brings the code itself (`POST …/oauth/callback`).
    package func callback(
        _ key: AppKey, code: String?, error: String?, state: String, browserBinding: String?, for caller: Caller,
        _ request: RequestID
    ) throws(Problem) -> FlowResult {
        let (flow, app, allowed) = try claim(key, code, state, browserBinding, for: caller, request)
        guard error == nil, let code else {
            _ = try vault.record(
                AuditEntry(
                    "oauth.callback", .denied, by: allowed.identity.actor, request: request,
                    tenant: allowed.tenant.slug.value, app: key, reason: "denied_by_user"))
            throw Problem(.platformRefused, "the user or the platform said no", advice: "start the authorization again")
        }
        let result: FlowResult
        do {
            result = try finish(flow, app, code: code, state: state, by: allowed.identity.actor, request)
        } catch { throw error.problem }
        // What was taken away while the platform was asked is not told any more.
        let later = gate.enter(caller, vault)
        if case .failure(let denial) = try decide(.finishOAuth, on: key, for: caller, later) {
            throw refuse(denial, "oauth.callback", caller.identity(in: later), request, app: key)
        }
        return result
    }

    /// Decides, and takes the state out of use under the same policy.
    private func claim(
        _ key: AppKey, _ code: String?, _ state: String, _ browserBinding: String?, for caller: Caller,
        _ request: RequestID
    ) throws(Problem) -> (OAuthState, App, Allowed) {
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            let allowed = try admit(.finishOAuth, on: key, for: caller, policy, "oauth.callback", request)
            // What follows waits for a platform, and hands out nothing that is secret: a revocation need not wait for
            // it.
            gate.leave(caller)
            do throws(Problem) {
                guard code?.utf8.count ?? 0 <= Self.longestCode else {
                    throw Problem(.badRequest, "code is at most \(Self.longestCode) bytes long")
                }
                let claimed = try claim(
                    state, key, by: allowed.identity.actor, service: allowed.service.id,
                    browser: browserBinding.map(Self.hash), decidedUnder: policy, request: request)
                if let claimed { return (claimed.0, claimed.1, allowed) }
            } catch {
                throw fail(
                    error,
                    AuditEntry(
                        "oauth.callback", .error, by: allowed.identity.actor, request: request,
                        tenant: allowed.tenant.slug.value, app: key))
            }
        }
    }

    /// Bytes of a code; documented ones are far below.
    static let longestCode = 2048
}
