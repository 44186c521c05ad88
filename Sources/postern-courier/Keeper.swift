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

    /// Gives each errand's stream to `carry` and each of the gateway's to `pass`, until the keeper is gone.
    func serve(
        _ carry: (consuming FileDescriptor) -> Void, _ pass: (consuming FileDescriptor) -> Void
    ) throws(Problem) {
        while var received = try Control.receive(on: control) {
            guard let stream = received.stream.take(), [.carry, .passage].contains(received.control) else {
                throw Problem(.badRequest, "The keeper said what this courier does not know.")
            }
            if received.control == .carry { carry(stream) } else { pass(stream) }
        }
    }

    /// A renewed token, two calls to a platform and a commit fit into this.
    private static let callSeconds: Int64 = 120

    /// Has the keeper judge and make a call for the gateway. The stream stays until the client has the answer: its end
    /// from here says so, its end from there that nothing more may go to the client. Throws `.stopping` when no answer
    /// comes.
    func call(_ ask: GatewayAsk, body: [UInt8]) throws(Problem) -> (ErrandAnswer, SharedStream) {
        let frame = try ask.frame(body: body)
        do throws(Problem) {
            let stream = SharedStream(try open(.gateway))
            try frame.send(on: stream.descriptor, until: .after(seconds: 30))
            let reply = try ErrandReply(
                try Frame.receive(on: stream.descriptor, until: .after(seconds: Self.callSeconds)))
            if case .answer(let answer) = reply { return (answer, stream) }
        } catch {}
        throw Problem(.stopping, "The daemon does not answer.")
    }

    /// Our end of a stream whose other end only the keeper has, so that its end is seen here.
    private func open(_ message: Control) throws(Problem) -> FileDescriptor {
        let pair: SocketPair
        do { pair = try SocketPair(.stream) } catch { throw error.problem(doing: "open a stream to the keeper") }
        try message.send(on: control, with: pair.far.number)
        return pair.split { near, _ in near }
    }

    /// An exchange with the platform, an identity call and a commit fit into this.
    private static let answerSeconds: Int64 = 90

    /// Asks the keeper what a browser shall see. Throws `.courierUnavailable` when no answer comes.
    func ask(_ request: CallbackRequest) throws(Problem) -> CallbackAnswer {
        let frame = try request.frame()
        let near = try open(.callback)
        // A keeper that has too much to do answers without reading.
        do throws(Problem) { try frame.send(on: near, until: .after(seconds: 10)) } catch {}
        return try CallbackAnswer(try Frame.receive(on: near, maxBody: 0, until: .after(seconds: Self.answerSeconds)))
    }
}
