import Errands
import Linux
import Rules

/// The keeper as the courier sees it: one control channel, and a stream for each question.
final class Keeper: Sendable {
    private let control: FileDescriptor

    /// Takes over the descriptor the starter left us.
    init(control: consuming FileDescriptor) { self.control = control }

    /// Says once that this courier is bound, confined and able to carry.
    func report(_ report: CourierReport) throws(Problem) { try Control.ready(report).send(on: control) }

    /// Gives each errand's stream to `carry`, until the keeper is gone.
    func serve(_ carry: (consuming FileDescriptor) -> Void) throws(Problem) {
        while var received = try Control.receive(on: control) {
            guard received.control == .carry, let stream = received.stream.take() else {
                throw Problem(.badRequest, "The keeper said what this courier does not know.")
            }
            carry(stream)
        }
    }

    /// An exchange with the platform, an identity call and a commit fit into this.
    private static let answerSeconds: Int64 = 90

    /// Asks the keeper what a browser shall see. Throws `.courierUnavailable` when no answer comes.
    func ask(_ request: CallbackRequest) throws(Problem) -> CallbackAnswer {
        let pair: SocketPair
        do { pair = try SocketPair(.stream) } catch { throw error.problem(doing: "open a stream to the keeper") }
        let frame = try request.frame()
        try Control.callback.send(on: control, with: pair.far.number)
        return try pair.split { near, far throws(Problem) in
            // Only the keeper has it now, so that its end is seen here.
            _ = consume far
            // A keeper that has too much to do answers without reading.
            do throws(Problem) { try frame.send(on: near, until: .after(seconds: 10)) } catch {}
            return try CallbackAnswer(
                try Frame.receive(on: near, maxBody: 0, until: .after(seconds: Self.answerSeconds)))
        }
    }
}
