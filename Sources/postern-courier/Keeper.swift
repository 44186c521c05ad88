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

    /// Hands the keeper a call for the gateway, with its body where that is there (`GatewayAsk`). Throws `.badRequest` and
    /// `.headerTooLarge` for what is no call, `.stopping` where nobody takes it.
    func call(_ ask: GatewayAsk, body: [UInt8] = []) throws(Problem) -> GatewayPassage {
        let frame = try ask.frame(body: body)
        guard frame.head.count <= Frame.maxHead else {
            throw Problem(.headerTooLarge, "The header is larger than the gateway takes.")
        }
        do throws(Problem) {
            let stream = PassageStream(try open(.gateway))
            try stream.send(frame, until: .after(seconds: 30))
            return GatewayPassage(stream)
        } catch { throw GatewayPassage.lost }
    }

    /// Tells the keeper, for the log, what was refused here to a process of this user; nobody waits for an answer.
    func tell(_ refused: GatewayAsk.Refused, from uid: UInt32) {
        do throws(Problem) {
            let frame = try GatewayAsk(refused, uid: uid).frame(body: [])
            try frame.send(on: try open(.gateway), until: .after(seconds: 1))
        } catch { Log.warning("refusal_not_told", ["code": refused.code.rawValue]) }
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
