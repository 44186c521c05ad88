internal import Linux
internal import Rules
internal import Synchronization

/// Answers the calls that come to the courier's loopback listener, each on a thread of its own. Counted apart from
/// callbacks: however many there are, a browser is heard.
package final class GatewayDesk: Sendable {
    /// Judges one call and does it.
    package typealias Answer = @Sendable (GatewayAsk, [UInt8]) -> ErrandAnswer

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
        do throws(Problem) {
            let frame = try Frame.receive(on: stream, until: .after(seconds: Self.patience))
            let reply = answer(try GatewayAsk(frame), frame.body)
            try ErrandReply.answer(reply).frame().send(on: stream, until: .after(seconds: Self.patience))
        } catch {}
    }
}
