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
        var policy = gate.enter(caller, vault)
        let (lease, allowed) = try gatewayLease(leaseID, path, caller, policy, request)
        var entry = AuditEntry(
            "gateway.call", .allowed, by: allowed.identity.actor, request: request,
            tenant: allowed.tenant.slug.value, app: allowed.app.key, kind: lease.leg.rawValue, leaseID: leaseID,
            reason: path)
        let kind = lease.leg.kind
        guard let token = try use(SecretName(app: lease.app, installation: lease.installation, kind: kind))
        else { throw fail(Problem(.notFound, "the installation has no token for this leg"), entry) }
        let call: PlatformRequest
        do {
            call = try Slack(settings.urls).gatewayCall(
                path: path, verb: verb, query: query, headers: headers, body: body, token: token)
        } catch {
            guard error.code == .denied else { throw fail(error, entry) }
            throw refuse(
                .outsideGrant, "gateway.call", allowed.identity, request, app: allowed.app.key, kind: kind.rawValue,
                leaseID: leaseID)
        }
        guard try vault.record(entry, decidedUnder: allowed.epoch) else {
            return try gateway(
                leaseID, path: path, verb: verb, query: query, headers: headers, body: body, for: caller, request)
        }
        gate.leave(caller)
        let answer: PlatformAnswer
        do { answer = try ask(call, timeoutSeconds: 30) } catch { throw fail(error, entry) }
        policy = gate.enter(caller, vault)
        _ = try gatewayLease(leaseID, path, caller, policy, request)
        guard !contains(answer, token) else {
            entry.reason = "token_in_answer"
            throw fail(Problem(.platformRefused, "the platform's answer held the token and was dropped"), entry)
        }
        entry.action = "gateway.result"
        entry.outcome = answer.status < 400 ? .allowed : .error
        entry.reason = "http_\(answer.status)"
        // The intent is what the answer depended on; an outcome that cannot be written is missing, no more.
        do { _ = try vault.record(entry) } catch { Log.warning("outcome_not_recorded", ["code": error.code.rawValue]) }
        return answer
    }

    private func gatewayLease(
        _ id: String, _ path: String, _ caller: Caller, _ policy: PolicySnapshot, _ request: RequestID
    ) throws(Problem) -> (Lease, Allowed) {
        try requireSound()
        let identity = caller.identity(in: policy)
        switch try liveLease(id, caller, policy) {
        case .failure(let denial): throw refuse(denial, "gateway.call", identity, request, leaseID: id)
        case .success(let found):
            let (lease, allowed) = found
            guard lease.delivery == .gateway, let method = Slack.gatewayMethod(path),
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
