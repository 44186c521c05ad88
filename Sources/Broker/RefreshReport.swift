import Linux
import Platforms
package import Rules
package import Vault

/// What came of a caller's report that the platform refused a token.
package struct ReportAnswer: Sendable {
    /// Whether the platform was asked for a new token because of this report.
    package let refreshed: Bool
    /// The token in force is still the one that was reported: the platform gave the same again, or has no other to give.
    package let sameToken: Bool
    /// When the token in force ends, milliseconds since 1970; nil when it does not.
    package let tokenExpiresAt: Int64?
}

extension Broker {
    /// A service says that the platform refuses the token of its lease: one renewal for everybody, at most once a minute
    /// for each token (`rate_limited` otherwise), for whatever reason it was renewed. A code that says nothing of the
    /// token changes nothing.
    package func report(
        _ id: String, code: String, for caller: Caller, _ request: RequestID
    ) throws(Problem) -> ReportAnswer {
        let policy = gate.enter(caller, vault)
        try requireSound()
        let (lease, allowed): (Lease, Allowed)
        switch try liveLease(id, caller, policy) {
        case .success(let found): (lease, allowed) = found
        case .failure(let denial):
            throw refuse(denial, "lease.report", caller.identity(in: policy), request, leaseID: id)
        }
        // What follows waits for a platform, and hands out nothing that is secret: a revocation need not wait for it.
        gate.leave(caller)
        let entry = AuditEntry(
            "lease.report", .allowed, by: allowed.identity.actor, request: request,
            tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue, leaseID: id,
            reason: Self.word(code))
        do throws(Problem) {
            guard try vault.record(entry, decidedUnder: allowed.epoch) else {
                return try report(id, code: code, for: caller, request)
            }
            return try renewReported(lease, allowed.app, code, request)
        } catch { throw error.code == .auditUnavailable ? error : fail(error, entry) }
    }

    private func renewReported(
        _ lease: Lease, _ app: App, _ code: String, _ request: RequestID
    ) throws(Problem) -> ReportAnswer {
        guard let place = try vault.installation(lease.installation),
            let leg = try vault.leg(lease.leg, of: lease.installation)
        else { throw Problem(.notFound, "the installation has no \(lease.leg.rawValue) leg any more") }
        let name = SecretName(app: app.id, installation: place.id, kind: lease.leg.kind)
        if lease.version > 0, let current = try vault.history(of: name)?.0.current, current != lease.version {
            // Somebody was faster: the token that was reported is not the one in force.
            return ReportAnswer(refreshed: false, sameToken: false, tokenExpiresAt: leg.expiresAt)
        }
        guard app.key.platform.saysTokenIsRefused(code), leg.canRefresh || lease.leg == .tenant || lease.leg == .app
        else {
            return ReportAnswer(refreshed: false, sameToken: true, tokenExpiresAt: leg.expiresAt)
        }
        var want = TokenWant(lease.leg, of: app, at: place, for: request)
        if let seconds = refreshing.mayReport(want.key, now: Clock.bootMilliseconds) {
            throw Problem(
                .rateLimited, "this token was renewed less than a minute ago",
                advice: "ask for access again, or report again in \(seconds) seconds", retryAfter: seconds)
        }
        defer { refreshing.reportEnded(want.key) }
        want.refused = leg.generation
        let after = try ready(want).1
        return ReportAnswer(
            refreshed: true, sameToken: after.generation == leg.generation, tokenExpiresAt: after.expiresAt)
    }

    /// A platform's code as a service repeats it, a word or a short number; what could be anything else is not written.
    private static func word(_ code: String) -> String {
        let bytes = Array(code.utf8)
        let isNumber = (1...9).contains(bytes.count) && bytes.allSatisfy { (48...57).contains($0) }
        let isWord =
            (1...40).contains(bytes.count)
            && bytes.allSatisfy { (97...122).contains($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
        return isNumber || isWord ? code : "other"
    }

    /// The platform says for good that a token without a refresh token is dead: a person has to install the app again.
    func noteRefused(_ row: LegRow, _ app: App, _ failure: PlatformFailure, _ request: RequestID) throws(Problem) {
        let owner = try vault.installation(row.installation)?.tenant ?? app.tenant
        let tenant = slug(of: owner)?.value
        try vault.change(always: { transaction throws(Problem) in
            guard var leg = try transaction.leg(row.leg, of: row.installation), leg.generation == row.generation,
                leg.state == .active
            else { return }
            leg.refused(failure.verdict.rawValue, failure.code, at: transaction.now)
            try transaction.update(leg: leg)
            try transaction.record(
                AuditEntry(
                    "token.refused", .error, by: .system, request: request, tenant: tenant, app: app.key,
                    kind: row.leg.rawValue, reason: failure.code))
        })
        refreshing.count(app.key.platform, "needs_reauthorization")
    }
}
