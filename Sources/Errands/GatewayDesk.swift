internal import Linux
package import Rules
internal import Synchronization

/// Answers the calls that come to the courier's loopback listener, each on a thread of its own. Counted apart from
/// callbacks: however many there are, a browser is heard.
package final class GatewayDesk: Sendable {
    /// One call.
    package struct Call: Sendable {
        package let ask: GatewayAsk
        /// The request's body, where all of it came with the call.
        package let body: [UInt8]
        fileprivate let stream: PassageStream

        /// Ends the way its answer leaves on, from any thread: of an answer that is not with the client yet nothing more
        /// goes there.
        package func cut() { stream.cut() }

        /// Lets a body come that did not come with the call. `courier_unavailable` where nobody waits for it.
        package func goOn() throws(Problem) {
            try stream.send(
                Frame(head: PassageReply.answer(status: 100, headers: [], isWhole: true).head),
                until: .after(seconds: GatewayDesk.patience))
        }

        /// The next bytes of that body at the beginning of `room`; 0 at its end. `courier_unavailable` where it breaks
        /// off.
        package func receive(_ room: inout MutableSpan<UInt8>) throws(Problem) -> Int {
            try stream.receive(chunk: &room, until: .after(seconds: GatewayDesk.bodySeconds))
        }
    }

    /// What came of it; `sent` is called once, when the client has the answer or never will.
    package struct Outcome: Sendable {
        /// What follows the beginning of a long answer.
        package struct Rest: Sendable {
            let pull: @Sendable (inout MutableSpan<UInt8>) -> Int?
            let cut: @Sendable () -> Void

            /// `pull` gives the next bytes, 0 at the end, nil where it breaks off; `cut`, called from other threads, ends
            /// one that waits.
            package init(
                pull: @escaping @Sendable (inout MutableSpan<UInt8>) -> Int?, cut: @escaping @Sendable () -> Void
            ) {
                self.pull = pull
                self.cut = cut
            }
        }

        let answer: ErrandAnswer
        let rest: Rest?
        let sent: @Sendable () -> Void

        /// Every field as given; the answer's body is all of it where there is no rest.
        package init(_ answer: ErrandAnswer, rest: Rest? = nil, sent: @escaping @Sendable () -> Void = {}) {
            self.answer = answer
            self.rest = rest
            self.sent = sent
        }
    }

    /// Judges one call and does it.
    package typealias Answer = @Sendable (Call) -> Outcome

    /// As many as the listener takes connections; more come only from a courier that is not ours any more.
    static let maxCalls = 1024
    /// Time for a call to cross from the courier, who has all of it.
    private static let patience: Int64 = 10
    /// Longer than the courier waits for a piece of its client's body.
    private static let bodySeconds: Int64 = 30

    /// Long answers under way.
    private let running = Mutex<[ObjectIdentifier: (stream: PassageStream, rest: Outcome.Rest)]>([:])
    private let calls = Atomic<Int>(0)
    private let answer: Answer

    init(_ answer: @escaping Answer) { self.answer = answer }

    /// Takes one call to a thread of its own. Where there is no room or no thread the stream closes, and the courier says
    /// that there is no answer.
    func hear(_ stream: consuming FileDescriptor) {
        guard calls.add(1, ordering: .relaxed).newValue <= Self.maxCalls else { return leave() }
        let number = stream.release()
        do throws(SystemError) {
            try Thread.start(name: "gateway") {
                self.serve(FileDescriptor(owning: number))
                self.leave()
            }
        } catch {
            _ = FileDescriptor(owning: number)
            leave()
        }
    }

    private func leave() { calls.subtract(1, ordering: .relaxed) }

    /// Nobody is told when the courier is gone: the client has seen its connection end.
    private func serve(_ stream: consuming FileDescriptor) {
        let stream = PassageStream(stream)
        do throws(Problem) {
            let frame = try stream.receive(maxBody: GatewayAsk.mostAtOnce, until: .after(seconds: Self.patience))
            let outcome = answer(Call(ask: try GatewayAsk(frame), body: frame.body, stream: stream))
            defer { outcome.sent() }
            let head = PassageReply.answer(
                status: outcome.answer.status, headers: outcome.answer.headers, isWhole: outcome.rest == nil
            ).head
            try stream.send(Frame(head: head, body: outcome.answer.body), until: .after(seconds: Self.patience))
            if let rest = outcome.rest { try pass(rest, to: stream) }
            // The courier ends the stream when its client has all of it.
            _ = stream.waitReadable(until: .after(seconds: Self.takingSeconds))
        } catch {}
    }

    private func pass(_ rest: Outcome.Rest, to stream: PassageStream) throws(Problem) {
        let id = ObjectIdentifier(stream)
        running.withLock { $0[id] = (stream, rest) }
        defer { _ = running.withLock { $0.removeValue(forKey: id) } }
        var piece = [UInt8](repeating: 0, count: 32 * 1024)
        while true {
            var room = piece.mutableSpan
            let count = rest.pull(&room)
            guard let count, count > 0 else {
                return try stream.endChunks(complete: count == 0, until: .after(seconds: Self.takingSeconds))
            }
            try stream.send(
                chunk: piece.span.extracting(..<count), until: .after(seconds: Self.takingSeconds))
        }
    }

    /// Ends long answers whose client is gone while the platform is waited for.
    func prune() {
        let gone = running.withLock { $0.values.filter { $0.stream.hasEnded } }
        for call in gone { call.rest.cut() }
    }

    /// Longer than the courier gives its client.
    private static let takingSeconds: Int64 = 75
}
