package import Rules
package import Vault

/// Requests that are refused before they are a call of anybody's: what they ask for is the sender's own text and not
/// recorded, only that something was refused, to whom and why.
extension Broker {
    /// What is wrong with a request itself, whatever it is about.
    private static let codes: Set<Problem.Code> = [
        .badRequest, .malformedJSON, .unknownKind, .cannotNarrow, .notFound, .methodNotAllowed, .expired, .tooLarge,
    ]

    /// Records a problem with what was asked on broker.sock, unless it is on record already, and returns what the caller
    /// is told.
    package func recorded(_ problem: Problem, of caller: Caller, _ request: RequestID) -> Problem {
        guard !problem.isOnRecord, Self.codes.contains(problem.code) else { return problem }
        let actor = caller.lastIdentity(in: caller.answering.policy(of: vault)).actor
        return fail(problem, AuditEntry("broker.call", .error, by: actor, request: request))
    }

    /// Records, within the budget, what the server refused by itself: too long a header or body, what is no HTTP, a
    /// request that did not come whole. `action` is the socket's. Waits for nothing, since it is called by threads that
    /// serve everybody; so nobody new is looked up either.
    package func noteRefused(_ problem: Problem, _ action: String, of caller: Caller, _ request: RequestID) {
        note(problem.code, action, by: caller.lastActor, request)
    }

    /// Refuses whoever is no service before a large body of his is kept: `denied`, on the record.
    package func requireService(_ caller: Caller, _ request: RequestID) throws(Problem) {
        let identity = caller.identity(in: caller.answering.policy(of: vault))
        guard identity.service == nil else { return }
        throw refuse(identity.denial, "broker.call", identity, request)
    }

    /// The same of what the courier refused by itself at the TCP gateway to a process of this user.
    package func noteRefused(_ code: Problem.Code, atGatewayFrom uid: UInt32, _ request: RequestID) {
        note(code, "gateway.call", by: Self.stranger(uid), request)
    }

    private func note(_ code: Problem.Code, _ action: String, by actor: Actor, _ request: RequestID) {
        guard budget.admits("uid:\(actor.uid ?? 0)", action + ".unread", by: actor) else { return }
        vault.recordLater(AuditEntry(action, .error, by: actor, request: request, reason: code.rawValue))
    }

    /// Somebody of whom nothing is known but the user.
    static func stranger(_ uid: UInt32) -> Actor {
        Actor(kind: .unknown, name: nil, uid: uid, gid: nil, pid: nil, loginUID: nil, exe: nil, unit: nil)
    }
}
