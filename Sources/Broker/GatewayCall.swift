import Errands
import Linux
package import Platforms
package import Rules
import Sealing
package import Vault

/// One call of a lease's holder to the platform, with the token on it; the holder never sees the token.
///
/// The body comes by `take`, then `finish` gives the answer. A body up to `buffered` bytes is kept until the platform has
/// answered, so that the call can be made once more with another token; a larger one is passed on as it comes, once.
/// Used by one thread; `cut` by any.
package final class GatewayCall: @unchecked Sendable {  // all but `passage` in the hands of one thread
    private let broker: Broker
    private let holder: LeaseHolder
    private var ask: GatewayRequest
    private let request: RequestID
    /// Bytes the body will have, where the holder said so.
    private let length: Int?
    private var received = 0
    /// The call under way whose body is passed on as it comes.
    private var streaming: AdmittedCall?
    /// When whoever sends the body must be done since the platform has stopped taking it: its answer says why. nil while
    /// it takes it.
    private var doneBy: Deadline?

    /// A body up to here is kept for a second attempt.
    package static let buffered = 1024 * 1024
    /// Seconds in which the rest of a body is thrown away, so that a client that reads only then gets the answer.
    private static let politeness: Int64 = 2

    /// A call whose body is still to come; `ask.body` is not looked at.
    package init(
        _ broker: Broker, _ holder: LeaseHolder, _ ask: GatewayRequest, length: Int?, _ request: RequestID
    ) {
        self.broker = broker
        self.holder = holder
        self.ask = ask
        self.ask.body = []
        self.length = length
        self.request = request
    }

    /// Refuses what cannot be allowed, before the body is there, on the record. The same is asked again when it counts.
    package func check() throws(Problem) { try check(length ?? 0) }

    /// The same for a body of at least so many bytes.
    private func check(_ count: Int) throws(Problem) {
        let policy = broker.gate.enter(holder, broker.vault)
        defer { broker.gate.leave(holder.answering) }
        let (lease, allowed) = try broker.gatewayLease(holder, policy, request)
        _ = try broker.gatewayMethod(ask, lease, allowed, request)
        // A form may hold a token of the caller's, and is looked through as a whole.
        guard let problem = tooLarge(count) else { return }
        throw broker.fail(problem, broker.gatewayEntry(lease, allowed, request))
    }

    /// Why a body of so many bytes is not taken; nil where it is.
    private func tooLarge(_ count: Int) -> Problem? {
        let limit = broker.settings.gatewayBodyLimit
        if count > limit { return Problem(.tooLarge, "a body through the gateway has at most \(limit) bytes") }
        return isForm && count > Self.buffered ? Self.formTooLarge : nil
    }

    /// The next piece of the body; true when it is passed on as it comes, which waits while the platform does not take it.
    /// Throws what `Broker.gateway` does, once the body is too large to be kept, and `too_large` beyond the limit.
    package func take(_ piece: Span<UInt8>) throws(Problem) -> Bool {
        received += piece.count
        if let problem = tooLarge(received) {
            guard streaming == nil else {
                end(because: problem.code.rawValue)
                throw problem
            }
            try check(received)
            throw problem
        }
        if streaming == nil {
            guard received > Self.buffered else {
                ask.body += [UInt8](copying: piece)
                return false
            }
            try begin()
        }
        if let doneBy {
            guard doneBy.hasPassed else { return false }
            throw refusalOfBody()
        }
        guard let admitted = streaming else { return true }
        if admitted.lease.isOver(at: broker.leaseMoment), broker.held(holder) == nil {
            end(because: "lease_ended")
            // On the record as any other use of it.
            try broker.enterAgain(holder, request)
            throw Denial.leaseEnded.problem(advice: "")
        }
        send(piece, to: admitted.passage)
        return true
    }

    private func send(_ piece: Span<UInt8>, to passage: Passage) {
        do throws(Problem) { try passage.send(piece, until: .after(seconds: 60)) } catch {
            doneBy = .after(seconds: Self.politeness)
        }
    }

    /// What to tell whoever goes on sending a body that nobody takes any more.
    private func refusalOfBody() -> Problem {
        do throws(Problem) {
            let answer = try finish()
            if case .stream(let stream) = answer.body { stream.end() }
            return Problem(
                .platformRefused, "the platform answered HTTP \(answer.status) before the body was complete",
                advice: "look at what the call sends")
        } catch { return error }
    }

    /// What is too large to be kept is on its way from here on, cut by whatever takes the lease away.
    private func begin() throws(Problem) {
        ask.isBodyElsewhere = true
        let admitted = try broker.admit(holder, ask, body: .chunks(length: length), request)
        streaming = admitted
        let (broker, holder, passage) = (broker, holder, admitted.passage)
        holder.answering.isReviewed(by: {
            if broker.held(holder) != nil { return true }
            passage.cut()
            return false
        })
        let kept = ask.body
        ask.body = []
        send(kept.span, to: passage)
    }

    private var isForm: Bool {
        ask.header("content-type")?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    }

    private static let formTooLarge = Problem(
        .tooLarge, "a form through the gateway has at most \(buffered) bytes",
        advice: "send large bodies as JSON, as multipart/form-data or as they are")

    /// The body is complete: the platform's answer, or why there is none. Throws what `Broker.gateway` does.
    package func finish() throws(Problem) -> GatewayAnswer {
        guard let admitted = streaming else { return try broker.gateway(holder, ask, request) }
        // Where it cannot be ended, the answer says why.
        if doneBy == nil { try? admitted.passage.endBody() }
        holder.answering.isReviewed(by: nil)
        broker.gate.leave(holder.answering)
        defer { streaming = nil }
        switch try broker.settle(admitted, holder, request) {
        case .answered(let answer): return answer
        // The body is gone, so the platform's own answer is all there is; the next call has the new token.
        case .refused(let want, let answer):
            broker.gate.leave(holder.answering)
            broker.renewForNext(want)
            try broker.enterAgain(holder, request)
            return answer
        }
    }

    /// Gives a call up whose body did not come whole, or whose connection has ended.
    package func end() { end(because: "body_incomplete") }

    private func end(because why: String) {
        guard let admitted = streaming else { return }
        streaming = nil
        holder.answering.isReviewed(by: nil)
        admitted.passage.cut()
        admitted.passage.end()
        broker.vault.recordLater(admitted.result(.error, why))
    }
}

/// A call that was allowed, is on the record and on its way.
struct AdmittedCall {
    let lease: Lease
    let allowed: Allowed
    let leg: LegRow
    let method: String
    let dialect: any Dialect
    let scan: TokenScan
    let passage: Passage
    /// The intent; the outcome is made of it.
    let entry: AuditEntry

    /// The record of what came of it.
    func result(_ outcome: AuditEntry.Outcome, _ reason: String) -> AuditEntry {
        var result = entry
        result.action = "gateway.result"
        result.outcome = outcome
        result.reason = reason
        return result
    }
}
