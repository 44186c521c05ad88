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
        _ leaseID: String, path: String, verb: String, query: String, headers: [HeaderField], body: [UInt8],
        for caller: Caller, _ request: RequestID
    ) throws(Problem) -> PlatformAnswer {
        let ask = GatewayRequest(path: path, verb: verb, query: query, headers: headers, body: body)
        var refused: Int64?
        var mayRepeat = true
        while true {
            switch try gateway(leaseID, ask, for: caller, request, refused: refused) {
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

    private func gateway(
        _ leaseID: String, _ ask: GatewayRequest, for caller: Caller, _ request: RequestID, refused: Int64?
    ) throws(Problem) -> Step {
        var policy = gate.enter(caller, vault)
        let (lease, allowed) = try gatewayLease(leaseID, ask, caller, policy, request)
        var entry = AuditEntry(
            "gateway.call", .allowed, by: allowed.identity.actor, request: request,
            tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue, leaseID: leaseID,
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
                gate.leave(caller)
                _ = try ready(want)
                return .renewed
            }
            (leg, token) = (row, text)
            call = try dialect.gatewayCall(ask, token: token, try client(of: allowed.app, .address))
        } catch {
            guard error.code == .denied else { throw fail(error, entry) }
            throw refuse(
                .outsideGrant, "gateway.call", allowed.identity, request, app: allowed.app.key,
                kind: lease.leg.kind.rawValue, leaseID: leaseID)
        }
        guard try vault.record(entry, decidedUnder: allowed.epoch) else { return .again }
        gate.leave(caller)
        let answer: PlatformAnswer
        do { answer = try self.ask(call, timeoutSeconds: 30) } catch { throw fail(error, entry) }
        policy = gate.enter(caller, vault)
        _ = try gatewayLease(leaseID, ask, caller, policy, request)
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
        _ id: String, _ ask: GatewayRequest, _ caller: Caller, _ policy: PolicySnapshot, _ request: RequestID
    ) throws(Problem) -> (Lease, Allowed) {
        try requireSound()
        let identity = caller.identity(in: policy)
        switch try liveLease(id, caller, policy) {
        case .failure(let denial): throw refuse(denial, "gateway.call", identity, request, leaseID: id)
        case .success(let found):
            let (lease, allowed) = found
            guard lease.delivery == .gateway,
                let method = try dialect(of: allowed.app).gatewayMethod(path: ask.path, verb: ask.verb),
                Method.isCovered(method, by: lease.methods)
            else {
                throw refuse(
                    .outsideGrant, "gateway.call", identity, request, app: allowed.app.key,
                    kind: lease.leg.rawValue, leaseID: id)
            }
            return found
        }
    }

    /// A platform never sends our token back; one that did would hand it to the bridge.
    private func contains(_ answer: PlatformAnswer, _ token: String) -> Bool {
        guard token.utf8.count >= 8 else { return false }
        return String(decoding: answer.body, as: UTF8.self).contains(token)
            || answer.headers.contains { $0.value.contains(token) }
    }
}
