import Linux
package import Rules
package import Vault

/// Whether something would be allowed, which rule decided, and what would allow it.
package struct Explanation: Sendable {
    package let allowed: Bool
    package let rule: String
    package let text: String
    package let grant: Int64?
    /// The command that would allow it; nil where no grant would.
    package let suggestion: String?
    /// The service that the process is, or comes nearest to, with each of its selectors.
    package var service: Slug?
    package var selectors: [SelectorFinding] = []
}

extension Broker {
    /// Answers before anyone tries: by the service's grants, and where a process is named, also by whether it is that
    /// service.
    package func can(_ name: Slug, _ action: Action, _ key: AppKey, pid: Int32? = nil) throws(Problem) -> Explanation {
        let explanation = try can(name, action, key)
        guard let pid else { return explanation }
        let findings = try findings(try service(name), pid)
        let isIt = findings.allSatisfy { $0.reading == .holds }
        var answer =
            isIt
            ? explanation
            : Explanation(
                allowed: false, rule: Denial.noService.rawValue, text: "process \(pid) is not the service \(name)",
                grant: nil, suggestion: nil)
        answer.service = name
        answer.selectors = findings
        return answer
    }

    private func can(_ name: Slug, _ action: Action, _ key: AppKey) throws(Problem) -> Explanation {
        let policy = vault.policy
        guard let service = policy.service(name) else {
            throw Problem(.notFound, "there is no service \(name)", advice: "list them: postern service list")
        }
        guard let app = try vault.app(key), let tenant = policy.tenants[app.tenant]?.tenant else {
            return explain(.noSuchApp, name, action, key, owner: nil)
        }
        if service.state == .suspended { return explain(.serviceSuspended, name, action, key, owner: tenant.slug) }
        switch Policy.decide(action, on: key, of: tenant.slug, grants: policy.grants[service.id] ?? []) {
        case .deny(let denial): return explain(denial, name, action, key, owner: tenant.slug)
        case .allow(let grant):
            if tenant.state == .suspended { return explain(.tenantSuspended, name, action, key, owner: tenant.slug) }
            if app.state == .suspended { return explain(.appSuspended, name, action, key, owner: tenant.slug) }
            return Explanation(
                allowed: true, rule: "grant \(grant.id)", text: "grant \(grant.id) (\(grant.pattern)) allows it",
                grant: grant.id, suggestion: nil)
        }
    }

    /// The record of a request and what its outcome means.
    package func why(_ request: RequestID, _ call: AdminCall) throws(Problem) -> (AuditRecord, Explanation) {
        var filter = AuditFilter()
        filter.requestID = request
        filter.limit = 1
        guard let record = try vault.audit(filter).last, isVisible(record, to: call) else {
            throw Problem(
                .notFound, "no record has this request id",
                advice: "refusals above a budget are only counted: postern audit list --action suppressed")
        }
        let entry = record.entry
        guard entry.outcome == .denied, let denial = entry.reason.flatMap(Denial.init(rawValue:)) else {
            let text =
                entry.outcome == .allowed
                ? "it was allowed" : "no rule refused it, and it failed: \(entry.reason ?? "?")"
            return (
                record,
                Explanation(
                    allowed: entry.outcome != .denied, rule: entry.reason ?? "allowed", text: text, grant: nil,
                    suggestion: nil)
            )
        }
        guard let name = entry.actor.name.flatMap({ Slug($0) }), entry.actor.kind == .service, let key = entry.app,
            let action = Action.of(entry)
        else {
            return (record, explain(stranger: entry.actor, denial))
        }
        let owner = try vault.app(key).flatMap { slug(of: $0.tenant) }
        return (record, explain(denial, name, action, key, owner: owner))
    }

    /// For a process that is no service: the one it comes nearest to, and what is missing.
    private func explain(stranger actor: Actor, _ denial: Denial) -> Explanation {
        let isUnknown = [.noService, .identityChanged, .identityUnknown].contains(denial)
        let near = isUnknown ? nearest(to: actor) : nil
        var explanation = Explanation(
            allowed: false, rule: denial.rawValue, text: denial.explanation, grant: nil,
            suggestion: denial == .noService && near == nil
                ? actor.uid.map { "postern service add NAME --selector uid:\($0)" } : nil)
        explanation.service = near?.0.slug
        explanation.selectors = near?.1 ?? []
        return explanation
    }

    func isVisible(_ record: AuditRecord, to call: AdminCall) -> Bool {
        guard let only = call.onlyTenant else { return true }
        return record.entry.tenant != nil && record.entry.tenant == slug(of: only)?.value
    }

    private func explain(
        _ denial: Denial, _ service: Slug, _ action: Action, _ key: AppKey, owner: Slug?
    ) -> Explanation {
        let suggestion: String? =
            switch denial {
            case .noGrant, .outsideGrant:
                owner.map { Policy.smallestGrant(service: service, action: action, app: key, owner: $0) }
            case .serviceSuspended: "postern service resume \(service)"
            case .tenantSuspended: owner.map { "postern tenant resume \($0)" }
            case .appSuspended: "postern app resume \(key)"
            case .noSuchApp: "postern app add --tenant TENANT --profile \(key.platform.rawValue)"
            case .rateExceeded: "postern service edit \(service) --rate CALLS-PER-SECOND"
            case .tooManyLeases: "postern service edit \(service) --max-leases NUMBER"
            case .noService, .identityGone, .identityChanged, .identityUnknown, .noRole, .otherService, .otherProcess,
                .tooManyCalls, .leaseEnded, .unknownBearer, .otherUser, .wrongHost, .fromBrowser, .unknownPeer:
                nil
            }
        return Explanation(
            allowed: false, rule: denial.rawValue, text: denial.explanation, grant: nil, suggestion: suggestion)
    }
}

extension Action {
    /// The action a record is about; the names in the log are verbs of ours, those in grants are the contract's.
    static func of(_ entry: AuditEntry) -> Action? {
        switch entry.action {
        case "secret.read": entry.kind.flatMap(SecretKind.init(rawValue:)).map(Action.readSecret)
        case "access.issue", "gateway.call": entry.kind.flatMap(Leg.init(rawValue:)).map(Action.access)
        case "access.deliver": .deliverToken
        case "oauth.authorize": .startOAuth
        case "oauth.callback": .finishOAuth
        case "installation.list": .readInstallation
        default: nil
        }
    }
}
