import Linux
package import Platforms
package import Rules
import Sealing
package import Vault

extension Broker {
    /// Carries one call of a bridge to the platform with the token on it; the caller never sees the token.
    ///
    /// The durable intent comes before the errand leaves. While the platform is waited for, no revocation waits for
    /// us; when its answer is there, the lease is looked at once more, so that an answer to a revoked lease is dropped.
    package func gateway(
        _ holder: LeaseHolder, _ ask: GatewayRequest, _ request: RequestID
    ) throws(Problem) -> GatewayAnswer {
        GatewayAnswer(try carry(holder, ask, request))
    }

    private func carry(
        _ holder: LeaseHolder, _ ask: GatewayRequest, _ request: RequestID
    ) throws(Problem) -> PlatformAnswer {
        var refused: Int64?
        var mayRepeat = true
        while true {
            switch try step(holder, ask, request, refused: refused) {
            case .answered(let answer): return answer
            case .again: continue
            case .renewed: refused = nil
            // The platform has not looked at the call: with another token it is made once more.
            case .refused(let key, let generation, let answer):
                guard mayRepeat, refreshing.mayReport(key, now: Clock.bootMilliseconds) == nil else { return answer }
                refused = generation
                mayRepeat = false
            }
        }
    }

    private enum Step {
        case answered(PlatformAnswer)
        /// Who may do what has changed: from the beginning.
        case again
        /// The token was renewed first: from the beginning.
        case renewed
        /// The platform did not accept the token of this generation.
        case refused(RefreshFlights.Key, Int64, PlatformAnswer)
    }

    private func step(
        _ holder: LeaseHolder, _ ask: GatewayRequest, _ request: RequestID, refused: Int64?
    ) throws(Problem) -> Step {
        var policy = gate.enter(holder.answering, vault)
        let (lease, allowed) = try gatewayLease(holder, ask, policy, request)
        var entry = AuditEntry(
            "gateway.call", .allowed, by: allowed.identity.actor, request: request,
            tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue, leaseID: lease.id,
            reason: ask.path)
        let dialect: any Dialect
        let call: PlatformRequest
        let token: String
        let leg: LegRow
        do throws(Problem) {
            dialect = try self.dialect(of: allowed.app)
            var want = TokenWant(
                lease.leg, of: allowed.app, at: try vault.installation(lease.installation), for: request)
            want.refused = refused
            guard case (.serve, let row?) = try decide(&want, hasTried: false),
                let text = try use(
                    SecretName(app: lease.app, installation: lease.installation, kind: lease.leg.kind))
            else {
                gate.leave(holder.answering)
                _ = try ready(want)
                return .renewed
            }
            (leg, token) = (row, text)
            call = try dialect.gatewayCall(ask, token: token, try client(of: allowed.app, .address))
        } catch {
            guard error.code == .denied else { throw fail(error, entry) }
            throw refuse(
                .outsideGrant, "gateway.call", allowed.identity, request, app: allowed.app.key,
                kind: lease.leg.kind.rawValue, leaseID: lease.id)
        }
        guard try vault.record(entry, decidedUnder: allowed.epoch) else { return .again }
        gate.leave(holder.answering)
        let answer: PlatformAnswer
        do { answer = try self.ask(call, timeoutSeconds: 30) } catch { throw fail(error, entry) }
        policy = gate.enter(holder.answering, vault)
        _ = try gatewayLease(holder, ask, policy, request)
        guard !contains(answer, token) else {
            entry.reason = "token_in_answer"
            throw fail(Problem(.platformRefused, "the platform's answer held the token and was dropped"), entry)
        }
        let complaint = dialect.complaint(answer)
        entry.action = "gateway.result"
        entry.outcome = complaint == nil && answer.status < 400 ? .allowed : .error
        entry.reason = complaint?.code ?? "http_\(answer.status)"
        // The intent is what the answer depended on; an outcome that cannot be written is missing, no more.
        do { _ = try vault.record(entry) } catch { Log.warning("outcome_not_recorded", ["code": error.code.rawValue]) }
        guard let complaint, complaint.isAboutToken else { return .answered(answer) }
        guard leg.canRefresh || lease.leg == .tenant || lease.leg == .app else {
            if complaint.verdict == .reauth { try noteRefused(leg, allowed.app, complaint, request) }
            return .answered(answer)
        }
        return .refused(
            RefreshFlights.Key(app: lease.app, installation: lease.installation, leg: lease.leg), leg.generation, answer
        )
    }

    private func gatewayLease(
        _ holder: LeaseHolder, _ ask: GatewayRequest, _ policy: PolicySnapshot, _ request: RequestID
    ) throws(Problem) -> (Lease, Allowed) {
        try requireSound()
        switch try liveLease(holder, policy) {
        case .failure(let denial):
            throw refuse(denial, "gateway.call", holder.identity(in: policy), request, leaseID: holder.leaseID)
        case .success(let found):
            let (lease, allowed) = found
            guard let method = try dialect(of: allowed.app).gatewayMethod(path: ask.path, verb: ask.verb),
                Method.isCovered(method, by: lease.methods)
            else {
                throw refuse(
                    .outsideGrant, "gateway.call", allowed.identity, request, app: allowed.app.key,
                    kind: lease.leg.rawValue, leaseID: lease.id)
            }
            return found
        }
    }

    /// The live lease of whoever holds one at the gateway.
    private func liveLease(
        _ holder: LeaseHolder, _ policy: PolicySnapshot
    ) throws(Problem) -> Result<(Lease, Allowed), Denial> {
        switch holder {
        case .caller(let caller, let id):
            let found = try liveLease(id, caller, policy)
            guard case .success((let lease, _)) = found, lease.delivery != .gateway else { return found }
            return .failure(.outsideGrant)
        case .bearer(let hash, let uid, _): return try liveLease(bearer: hash, uid: uid, policy)
        }
    }

    /// A platform never sends our token back; one that did would hand it to the bridge.
    private func contains(_ answer: PlatformAnswer, _ token: String) -> Bool {
        guard token.utf8.count >= 8 else { return false }
        return String(decoding: answer.body, as: UTF8.self).contains(token)
            || answer.headers.contains { $0.value.contains(token) }
    }
}
