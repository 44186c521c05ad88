package import Linux
internal import Rules
internal import Synchronization

/// Answers the calls that come to the courier's loopback listener, each on a thread of its own. Counted apart from
/// callbacks: however many there are, a browser is heard.
package final class GatewayDesk: Sendable {
    /// One call.
    package struct Call: Sendable {
        package let ask: GatewayAsk
        package let body: [UInt8]
        /// Ends the way its answer leaves on, from any thread: of an answer that is not with the client yet nothing more
        /// goes there.
        package let cut: @Sendable () -> Void
    }

    /// What came of it; `sent` is called once, when the client has the answer or never will.
    package struct Outcome: Sendable {
        let answer: ErrandAnswer
        let sent: @Sendable () -> Void

        /// Both as given.
        package init(_ answer: ErrandAnswer, sent: @escaping @Sendable () -> Void = {}) {
            self.answer = answer
            self.sent = sent
        }
    }

    /// Judges one call and does it.
    package typealias Answer = @Sendable (Call) -> Outcome

    /// As many as the listener takes connections; more come only from a courier that is not ours any more.
    static let maxCalls = 1024
    /// Time for a call to cross from the courier, who has all of it.
    private static let patience: Int64 = 10

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
        let stream = SharedStream(stream)
        do throws(Problem) {
            let frame = try Frame.receive(on: stream.descriptor, until: .after(seconds: Self.patience))
            let call = Call(
                ask: try GatewayAsk(frame), body: frame.body, cut: { stream.descriptor.shutDown() })
            let outcome = answer(call)
            defer { outcome.sent() }
            try ErrandReply.answer(outcome.answer).frame().send(
                on: stream.descriptor, until: .after(seconds: Self.patience))
            // The courier ends the stream when its client has all of it.
            do throws(SystemError) {
                _ = try stream.descriptor.waitReadable(until: .after(seconds: Self.takingSeconds))
            } catch {}
        } catch {}
    }

    /// Longer than the courier gives its client.
    private static let takingSeconds: Int64 = 75
}

/// A stream that several may end.
package final class SharedStream: Sendable {
    /// The stream, open as long as anybody holds this.
    package let descriptor: FileDescriptor

    /// Takes the descriptor over.
    package init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
}
