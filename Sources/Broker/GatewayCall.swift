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
    /// The platform has stopped taking the body: its answer says why.
    private var isBroken = false

    /// A body up to here is kept for a second attempt.
    package static let buffered = 1024 * 1024

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

    /// Refuses what cannot be allowed, before the body is there. The same is asked again when it counts.
    package func check() throws(Problem) {
        guard (length ?? 0) <= broker.settings.gatewayBodyLimit else { throw tooLarge }
        let policy = broker.gate.enter(holder.answering, broker.vault)
        defer { broker.gate.leave(holder.answering) }
        let (lease, allowed) = try broker.gatewayLease(holder, policy, request)
        _ = try broker.gatewayMethod(ask, lease, allowed, request)
        // A form may hold a token of the caller's, and is looked through as a whole.
        guard !isForm || (length ?? 0) <= Self.buffered else { throw Self.formTooLarge }
    }

    /// The next piece of the body; true when it is passed on as it comes, which waits while the platform does not take it.
    /// Throws what `Broker.gateway` does, once the body is too large to be kept, and `too_large` beyond the limit.
    package func take(_ piece: Span<UInt8>) throws(Problem) -> Bool {
        received += piece.count
        guard received <= broker.settings.gatewayBodyLimit else {
            end()
            throw tooLarge
        }
        if streaming == nil {
            guard received > Self.buffered else {
                ask.body += [UInt8](copying: piece)
                return false
            }
            try begin()
        }
        guard let passage = streaming?.passage, !isBroken else { return true }
        do throws(Problem) { try passage.send(piece, until: .after(seconds: 60)) } catch { isBroken = true }
        return true
    }

    /// What is too large to be kept is on its way from here on, cut by whatever takes the lease away.
    private func begin() throws(Problem) {
        guard !isForm else { throw Self.formTooLarge }
        ask.isBodyElsewhere = true
        let admitted = try broker.admit(holder, ask, body: .chunks(length: length), request)
        streaming = admitted
        let (broker, holder, passage) = (broker, holder, admitted.passage)
        holder.answering.isReviewed(by: {
            if broker.whenEnds(holder) != nil { return true }
            passage.cut()
            return false
        })
        let kept = ask.body
        ask.body = []
        do throws(Problem) { try passage.send(kept.span, until: .after(seconds: 60)) } catch { isBroken = true }
    }

    private var isForm: Bool {
        ask.header("content-type")?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    }

    private var tooLarge: Problem {
        Problem(.tooLarge, "a body through the gateway has at most \(broker.settings.gatewayBodyLimit) bytes")
    }

    private static let formTooLarge = Problem(
        .tooLarge, "a form through the gateway has at most \(buffered) bytes",
        advice: "send large bodies as JSON, as multipart/form-data or as they are")

    /// The body is complete: the platform's answer, or why there is none. Throws what `Broker.gateway` does.
    package func finish() throws(Problem) -> GatewayAnswer {
        guard let admitted = streaming else { return try broker.gateway(holder, ask, request) }
        do throws(Problem) { if !isBroken { try admitted.passage.endBody() } } catch { isBroken = true }
        holder.answering.isReviewed(by: nil)
        broker.gate.leave(holder.answering)
        defer { streaming = nil }
        switch try broker.settle(admitted, holder, request) {
        case .answered(let answer): return answer
        // The body is gone, so the platform's own answer is all there is; the next call has the new token.
        case .refused(let want, let answer):
            if broker.refreshing.mayReport(want.key, now: Clock.bootMilliseconds) == nil {
                do throws(Problem) { _ = try broker.ready(want) } catch {}
            }
            return answer
        }
    }

    /// Gives a call up whose body did not come whole, or whose connection has ended.
    package func end() {
        guard let passage = streaming?.passage else { return }
        holder.answering.isReviewed(by: nil)
        passage.cut()
        passage.end()
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
}
