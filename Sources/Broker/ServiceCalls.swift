import Linux
package import Rules
package import Vault

/// What services make of the daemon at the moment: how many calls each has under way, and how fast they come (design,
/// section 6). In memory; strangers are nobody here.
final class ServiceCalls: Sendable {
    /// Calls of one service that may be under way at once.
    static let mostAtOnce = 1024

    private struct Entry {
        var underWay = 0
        /// When the calls so far would have come at the service's rate, nanoseconds on the monotonic clock.
        var dueAt: Int64 = 0
    }

    /// What the next call of a service meets.
    enum Verdict {
        case goOn
        case tooManyAtOnce
        /// Too fast; in so many seconds another one may come.
        case tooFast(seconds: Int64)
    }

    private let entries = Gate<[Int64: Entry]>([:])

    /// A call begins: it is under way until `end`, if it may go on. As many calls as a service may make in one second may
    /// come at once.
    func begin(_ service: Int64, rate: Int64, now: Int64 = Clock.monotonicNanoseconds) -> Verdict {
        entries.withLock { entries in
            var entry = entries[service] ?? Entry()
            guard entry.underWay < Self.mostAtOnce else { return .tooManyAtOnce }
            if rate > 0 {
                // The generic cell rate algorithm: one number instead of a bucket and the time it was looked at.
                let each = 1_000_000_000 / rate
                let due = max(entry.dueAt, now)
                let early = due + each - now - max(1_000_000_000, each)
                guard early <= 0 else { return .tooFast(seconds: (early + 999_999_999) / 1_000_000_000) }
                entry.dueAt = due + each
            }
            entry.underWay += 1
            entries[service] = entry
            return .goOn
        }
    }

    /// A call has ended.
    func end(_ service: Int64) {
        entries.withLock { entries in
            // Not changed in place: reaching into a dictionary costs three allocations.
            guard var entry = entries[service] else { return }
            entry.underWay -= 1
            entries[service] = entry
        }
    }

    /// Forgets those who have nothing under way and have not come too fast.
    func endMinute(now: Int64 = Clock.monotonicNanoseconds) {
        entries.withLock { entries in entries = entries.filter { $0.value.underWay > 0 || $0.value.dueAt > now } }
    }
}

extension Broker {
    /// A call of a service begins, unless it has reached one of its caps: `rate_limited`. It is under way until
    /// `answered`, or from the beginning no more where it lasts as long as its connection (`isLong`).
    package func begin(_ caller: Caller, isLong: Bool = false, _ request: RequestID) throws(Problem) {
        let policy = caller.answering.policy(of: vault)
        let identity = caller.lastIdentity(in: policy)
        guard let service = identity.service else { return }
        // One that was refused before its body had come has no answer of its own.
        answered(caller)
        try begin(service, identity, request)
        if isLong { calls.end(service.id) } else { caller.answering.isCounted(of: service.id) }
    }

    /// The same for a call over TCP: it is one of the service whose lease the bearer stands for. Whoever shows none is
    /// refused later, and nobody here.
    package func begin(
        bearer hash: [UInt8], uid: UInt32, _ answering: Answering, _ request: RequestID
    ) throws(Problem) {
        let policy = answering.policy(of: vault)
        guard let lease = try vault.lease(ofBearer: hash), lease.uid == uid,
            let service = policy.services.first(where: { $0.id == lease.service })
        else { return }
        try begin(service, identity(of: service, uid: uid, policy), request)
        answering.isCounted(of: service.id)
    }

    private func begin(
        _ service: ServiceRow, _ identity: Caller.Identity, _ request: RequestID
    ) throws(Problem) {
        switch calls.begin(service.id, rate: service.rate) {
        case .goOn: return
        case .tooManyAtOnce:
            throw limit(
                .tooManyCalls,
                Problem(
                    .rateLimited,
                    "this service has \(ServiceCalls.mostAtOnce) calls under way, which is all it may have at once",
                    advice: "wait for some of them", retryAfter: 1), "service.call", identity, request)
        case .tooFast(let seconds):
            throw limit(
                .rateExceeded,
                Problem(
                    .rateLimited, "this service makes more than \(service.rate) calls a second, which is all it may",
                    advice: "come again in \(seconds) s", retryAfter: seconds), "service.call", identity, request)
        }
    }
}
