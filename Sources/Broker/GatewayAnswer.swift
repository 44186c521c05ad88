import Errands
import Linux
package import Platforms
import Rules
import Vault

/// A platform's answer as a lease's holder gets it.
package struct GatewayAnswer: Sendable {
    /// The body, whole or still on its way.
    package enum Body: Sendable {
        case whole([UInt8])
        case stream(GatewayStream)
    }

    package let status: Int
    /// What of the platform's headers is passed on.
    package let headers: [HeaderField]
    package let body: Body
    /// Bytes the platform says the body has, as far as it does; to a HEAD none of them come.
    package let length: Int?

    init(_ answer: PlatformAnswer, body: Body) {
        status = answer.status
        length = answer.length
        // A field without a value says nothing, and no server of ours would send it.
        headers = answer.headers.filter { field in
            Self.passed.contains(field.name.lowercased()) && field.value.contains { $0 != " " && $0 != "\t" }
        }
        self.body = body
    }

    /// Not among them: cookies, where to go instead, how the body was compressed, what is about the connection.
    private static let passed: Set<String> = [
        "content-type", "content-language", "content-disposition", "content-range", "etag", "last-modified", "allow",
        "retry-after", "x-slack-req-id", "x-oauth-scopes", "x-accepted-oauth-scopes", "x-tt-logid",
        "x-ogw-ratelimit-limit", "x-ogw-ratelimit-reset", "inin-ratelimit-count", "inin-ratelimit-allowed",
        "inin-ratelimit-reset", "inin-correlation-id",
    ]
}

/// The body of an answer that is too long to be waited for, on its way from the courier to the lease's holder.
///
/// No more of it is in memory than a piece. `pull` is called by one thread at a time, `cut` by any; `end` once at last.
package final class GatewayStream: @unchecked Sendable {  // what changes is in the hands of the thread that pulls
    /// Bytes in all, where the platform said so.
    package let length: Int?
    private let source: Passage
    private var scan: TokenScan
    private var ready: [UInt8]
    private var sent = 0
    private var isOver = false
    private var isBroken = false
    private var passed = 0
    private let limit: Int
    private var lease: Lease
    /// Asked when its time is over: it may have been renewed. nil where it has ended.
    private let renewed: @Sendable () -> Lease?
    private let now: @Sendable () -> LeaseMoment
    /// Seconds the platform may be silent in the middle of a body.
    private static let patience: Int64 = 65
    private let note: @Sendable (String) -> Void
    private let atEnd: @Sendable () -> Void

    /// - Parameters:
    ///   - beginning: what has come of the body.
    ///   - note: called when it breaks off, with why, in the log's words.
    init(
        _ source: Passage, beginning: [UInt8], length: Int?, scan: TokenScan, limit: Int,
        lease: Lease, renewed: @escaping @Sendable () -> Lease?, now: @escaping @Sendable () -> LeaseMoment,
        note: @escaping @Sendable (String) -> Void,
        atEnd: @escaping @Sendable () -> Void
    ) {
        self.source = source
        self.length = length
        self.scan = scan
        self.limit = limit
        self.lease = lease
        self.renewed = renewed
        self.now = now
        self.note = note
        self.atEnd = atEnd
        ready = []
        take(beginning)
    }

    /// The next bytes at the beginning of `room`; 0 at the end, nil when the body breaks off: the token was in it, it is
    /// larger than an answer may be, the platform went away, or it was cut.
    package func pull(into room: inout MutableSpan<UInt8>) -> Int? {
        while sent == ready.count {
            (ready, sent) = ([], 0)
            if isOver { return isBroken ? nil : 0 }
            guard isHeld() else { continue }
            var piece = [UInt8](repeating: 0, count: 32 * 1024)
            var span = piece.mutableSpan
            let count: Int
            do { count = try source.next(&span, until: .after(seconds: Self.patience)) } catch {
                end(because: "broken_off")
                continue
            }
            // What comes when the lease has ended meanwhile does not leave.
            guard isHeld() else { continue }
            if count == 0 {
                isOver = true
                ready = scan.end()
            } else {
                take(Array(piece.prefix(count)))
            }
        }
        let count = min(room.count, ready.count - sent)
        for index in 0..<count { room[index] = ready[sent + index] }
        sent += count
        return count
    }

    /// Whether the lease still goes on; ends the stream where it does not.
    private func isHeld() -> Bool {
        guard lease.isOver(at: now()) else { return true }
        guard let longer = renewed() else {
            end(because: "lease_ended")
            return false
        }
        lease = longer
        return true
    }

    private func take(_ piece: [UInt8]) {
        passed += piece.count
        guard passed <= limit else { return end(because: "answer_too_large") }
        guard let free = scan.pass(piece) else { return end(because: "token_in_answer") }
        ready = free
    }

    private func end(because why: String) {
        (isOver, isBroken) = (true, true)
        source.cut()
        note(why)
    }

    /// Ends it where it is, from any thread.
    package func cut() { source.cut() }

    /// The answer has left, or its client is gone.
    package func end() {
        source.end()
        atEnd()
    }
}
