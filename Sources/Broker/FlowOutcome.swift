import Errands
import FoundationEssentials
package import Rules
import Sealing
package import Vault

/// How a flow ended that a browser finished at our callback: for a repeated callback, and once for the service that
/// began it. Stands in the flow's row as JSON.
struct FlowOutcome: Codable {
    /// A page's name.
    var page: String
    var problem: Failed?
    var result: Gained?

    /// What the service is told when it came to nothing.
    struct Failed: Codable {
        let code: String
        let reason: String
        let advice: String
    }

    /// What it is told when it did not. Who the person is leaves the vault with the first answer.
    struct Gained: Codable {
        let installation: Int64?
        let workspaceName: String?
        let identity: FlowResult.Identity?
        let scopes: [FlowResult.Scopes]
        let link: Int64?
    }

    init(_ page: CallbackPage.Kind, _ problem: Problem? = nil) {
        self.page = page.rawValue
        self.problem = problem.map { Failed(code: $0.code.rawValue, reason: $0.reason, advice: $0.advice) }
    }

    init(_ result: FlowResult) {
        page = CallbackPage.Kind.success.rawValue
        self.result = Gained(
            installation: result.installation, workspaceName: result.workspaceName, identity: result.identity,
            scopes: result.scopes, link: result.link)
    }

    init?(_ text: String?) {
        guard let text, let found = try? JSONDecoder().decode(Self.self, from: Data(text.utf8)) else { return nil }
        self = found
    }

    var text: String {
        guard let data = try? JSONEncoder().encode(self) else { return "{\"page\":\"failed\"}" }
        return String(decoding: data, as: UTF8.self)
    }
}

/// What a service that began a flow learns of it.
package enum FlowNews: Sendable {
    /// Nobody has come back from the platform yet; seconds until nobody can.
    case pending(expiresIn: Int64)
    case done(FlowResult)
}

extension Broker {
    /// The outcome of a flow that a browser finished at our callback: told once, and only to the service that began it.
    ///
    /// A flow for a subject wants the `browser_binding` it began with, and a link is recorded only now: the service has
    /// it from the session of the person who came back, which is not the session of whoever only passed the link on.
    package func outcome(
        of state: String, browserBinding: String?, _ key: AppKey, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> FlowNews {
        while true {
            let policy = gate.enter(caller, vault)
            try requireSound()
            let allowed = try admit(.finishOAuth, on: key, for: caller, policy, "oauth.result", request)
            let entry = AuditEntry(
                "oauth.result", .allowed, by: allowed.identity.actor, request: request,
                tenant: allowed.tenant.slug.value, app: key)
            do throws(Problem) {
                let unknown = Problem(
                    .stateInvalid, "this state is unknown, expired, told already, or of another app",
                    advice: "start the authorization again")
                guard let flow = try vault.flow(Self.hash(state)), flow.app == allowed.app.id,
                    flow.service == allowed.service.id, flow.endsWithUs
                else { throw unknown }
                if let bound = flow.confirmation {
                    guard let browserBinding, Sodium.equal(bound.span, Self.hash(browserBinding).span) else {
                        throw Problem(
                            .stateInvalid, "this is not the session that began",
                            advice: "send the browser_binding of the session the person came back in")
                    }
                }
                guard let outcome = FlowOutcome(flow.outcome) else {
                    guard vault.now < flow.expiresAt + Self.exchangeMilliseconds else { throw unknown }
                    guard try vault.record(entry, decidedUnder: allowed.epoch) else { continue }
                    return .pending(expiresIn: max(0, flow.expiresAt - vault.now) / 1000)
                }
                guard outcome.result != nil || outcome.problem != nil else { throw unknown }
                let told = try vault.change(decidedUnder: allowed.epoch) { transaction throws(Problem) in
                    guard var row = try transaction.flow(flow.hash), var last = FlowOutcome(row.outcome),
                        last.result != nil || last.problem != nil
                    else { throw unknown }
                    let link = try Self.confirm(last.result, of: flow, allowed, entry, transaction)
                    last.result = nil
                    last.problem = nil
                    row.outcome = last.text
                    try transaction.update(flow: row)
                    try transaction.record(entry)
                    return [link].compactMap(\.self)
                }
                guard case .done(let links) = told else { continue }
                if let failed = outcome.problem {
                    throw Problem(
                        Problem.Code(rawValue: failed.code) ?? .internal, failed.reason, advice: failed.advice)
                }
                var result = FlowResult(outcome.result, of: flow, allowed.app)
                result.link = links.first ?? result.link
                return .done(result)
            } catch { throw error.code == .auditUnavailable ? error : fail(error, entry) }
        }
    }

    /// Records the link a person consented to, now that the service has confirmed whose session it was; nil where there
    /// is none to record.
    private static func confirm(
        _ gained: FlowOutcome.Gained?, of flow: OAuthState, _ allowed: Allowed, _ entry: AuditEntry,
        _ transaction: Transaction
    ) throws(Problem) -> Int64? {
        guard flow.purpose == .link, flow.binding == .both, let id = gained?.installation,
            let person = gained?.identity
        else { return nil }
        guard let place = try transaction.installation(id), place.state == .active else {
            throw Problem(.notFound, "the installation has just ended")
        }
        let link = try transaction.addLink(
            of: place, subject: flow.subject ?? "", userID: person.userID,
            email: person.emailIsVerified ? person.email : nil, how: .consent, by: allowed.service.slug.value)
        var record = entry
        record.action = "link.add"
        record.reason = Link.How.consent.rawValue
        try transaction.record(record)
        return link.id
    }

    /// An exchange, an identity call and a commit fit into this.
    private static let exchangeMilliseconds: Int64 = 90_000
}

extension FlowResult {
    fileprivate init(_ gained: FlowOutcome.Gained?, of flow: OAuthState, _ app: App) {
        self.init(app.key.platform, flow.purpose, returnTo: flow.returnTo)
        installation = gained?.installation
        workspaceName = gained?.workspaceName
        identity = gained?.identity
        scopes = gained?.scopes ?? []
        link = gained?.link
    }
}
