package import Errands
import Linux
import Platforms
import Rules
import Sealing
import Vault

extension Broker {
    /// Answers the callback listener; what it gets is what any browser on the Internet may send.
    package func answer(_ browser: CallbackRequest) -> CallbackAnswer {
        let request = RequestID.next()
        guard let key = AppKey("\(browser.platform)/\(browser.appID)"), let state = browser.state,
            state.utf8.count == 43
        else { return refused(browser, request) }
        do throws(Problem) {
            switch browser.kind {
            case .start: return try start(key, state, browser, request)
            case .callback: return try finish(key, state, browser, request)
            }
        } catch {
            switch error.code {
            case .stateInvalid: return refused(browser, request)
            case .conflict: return .page(CallbackPage(.wrongBrowser, reference: request.description))
            case .platformUnreachable, .courierUnavailable:
                return .page(CallbackPage(.platformDown, reference: request.description))
            default: return .page(CallbackPage(.failed, reference: request.description))
            }
        }
    }

    /// Binds the flow to this browser by a cookie, and sends it to the platform.
    private func start(
        _ key: AppKey, _ state: String, _ browser: CallbackRequest, _ request: RequestID
    ) throws(Problem) -> CallbackAnswer {
        guard let app = try vault.app(key) else { return refused(browser, request) }
        let name = cookieName(state)
        let known = browser.cookies[name]
        let fresh = Base64.url.encode(Sodium.randomBytes(32).span)
        let hash = Self.hash(state)
        let tenant = slug(of: app.tenant)?.value
        let flow = try vault.change(always: { transaction throws(Problem) in
            guard var flow = try transaction.flow(hash), flow.app == app.id, flow.endsWithUs,
                flow.usedAt == nil, transaction.now < flow.expiresAt
            else { throw Problem(.stateInvalid, "no such flow") }
            if let bound = flow.cookie {
                // The same browser may open the link twice; another one may not take it over.
                guard let known, Sodium.equal(bound.span, Self.hash(known).span) else {
                    throw Problem(.conflict, "another browser has this flow")
                }
                return flow
            }
            flow.bind(cookie: Self.hash(known ?? fresh))
            try transaction.update(flow: flow)
            try transaction.record(
                AuditEntry(
                    "oauth.start", .allowed, by: Actor(kind: .system, name: "browser"), request: request,
                    tenant: tenant,
                    app: key))
            return flow
        })
        let url = try authorizationURL(flow, app, state)
        return .redirect(to: url, setCookie: CallbackCookie(name: name, value: known ?? fresh))
    }

    private func finish(
        _ key: AppKey, _ state: String, _ browser: CallbackRequest, _ request: RequestID
    ) throws(Problem) -> CallbackAnswer {
        let actor = Actor(kind: .system, name: "browser")
        let cookie = browser.cookies[cookieName(state)]
        if let repeated = try firstOutcome(state, cookie) { return repeated }
        let (flow, app): (OAuthState, App)
        do throws(Problem) {
            (flow, app) = try claim(
                state, key, by: actor, service: nil, browser: cookie.map(Self.hash), request: request)
        } catch {
            guard error.code == .stateInvalid else { throw error }
            if try belongsToAnotherBrowser(state, key) {
                denied(browser, request, app: key, reason: "wrong_browser")
                return .page(CallbackPage(.wrongBrowser, reference: request.description))
            }
            return refused(browser, request)
        }
        guard browser.error == nil, let code = browser.code, code.utf8.count <= Self.longestCode else {
            remember(
                FlowOutcome(
                    .deniedByUser,
                    Problem(
                        .platformRefused, "the user or the platform said no", advice: "start the authorization again")),
                flow)
            _ = try vault.record(
                AuditEntry(
                    "oauth.callback", .denied, by: actor, request: request, tenant: slug(of: app.tenant)?.value,
                    app: key, reason: "denied_by_user"))
            return .page(CallbackPage(.deniedByUser, purpose: flow.purpose, reference: request.description))
        }
        do throws(FlowFailure) {
            let result = try finish(flow, app, code: code, state: state, by: actor, request)
            remember(FlowOutcome(result), flow)
            return .page(
                CallbackPage(
                    .success, purpose: flow.purpose, workspaceName: result.workspaceName, returnTo: result.returnTo,
                    reference: request.description))
        } catch {
            remember(FlowOutcome(error.page, error.problem), flow)
            Log.warning("callback_failed", ["app": key, "code": error.problem.code.rawValue, "request": request])
            return .page(CallbackPage(error.page, purpose: flow.purpose, reference: request.description))
        }
    }

    /// A repeated callback from the same browser shows the first outcome.
    private func firstOutcome(_ state: String, _ cookie: String?) throws(Problem) -> CallbackAnswer? {
        guard let cookie, let flow = try vault.flow(Self.hash(state)), flow.usedAt != nil, let bound = flow.cookie,
            Sodium.equal(bound.span, Self.hash(cookie).span),
            let kind = FlowOutcome(flow.outcome).flatMap({ CallbackPage.Kind(rawValue: $0.page) })
        else { return nil }
        return .page(CallbackPage(kind, purpose: flow.purpose, returnTo: flow.returnTo))
    }

    private func belongsToAnotherBrowser(_ state: String, _ key: AppKey) throws(Problem) -> Bool {
        guard let flow = try vault.flow(Self.hash(state)), let app = try vault.app(key), flow.app == app.id else {
            return false
        }
        return flow.usedAt == nil && vault.now < flow.expiresAt
    }

    private func remember(_ outcome: FlowOutcome, _ flow: OAuthState) {
        var outcome = outcome
        // Nobody fetches what no service began: who the person is does not stay.
        if flow.service == nil { outcome.result = nil }
        let text = outcome.text
        do {
            try vault.change(always: { transaction throws(Problem) in
                guard var row = try transaction.flow(flow.hash) else { return }
                row.outcome = text
                try transaction.update(flow: row)
            })
        } catch { Log.warning("outcome_not_kept", ["code": error.code.rawValue]) }
    }

    /// One page for every state that is not ours, within the budget of its address (design, section 8).
    private func refused(_ browser: CallbackRequest, _ request: RequestID) -> CallbackAnswer {
        denied(browser, request, app: nil, reason: "state_invalid")
        return .page(CallbackPage(.expiredLink, reference: request.description))
    }

    /// Records a browser's refusal, within the budget of its address.
    private func denied(_ browser: CallbackRequest, _ request: RequestID, app: AppKey?, reason: String) {
        let actor = Actor(kind: .unknown, name: "browser")
        guard budget.admits("address:\(browser.address)", "oauth.callback", by: actor) else { return }
        do {
            _ = try vault.record(
                AuditEntry("oauth.callback", .denied, by: actor, request: request, app: app, reason: reason))
        } catch { Log.warning("callback_not_recorded", ["code": error.code.rawValue]) }
    }

    /// One cookie a flow, so that two flows in one browser do not disturb each other.
    private func cookieName(_ state: String) -> String {
        let digest = Digest32.hash("cookie:\(state)".utf8.span).hex
        return CallbackCookie.prefix + String(digest.prefix(16))
    }
}
