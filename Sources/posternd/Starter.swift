import Errands
import Linux
import Rules
import Synchronization

/// The keeper's end of the starter: the process that starts couriers and does nothing else.
///
/// It is forked before the keeper has a key, a thread or an open vault, and takes the courier's user for good, so it
/// has less than the right to become that user, and no way to anything else.
final class Starter: Sendable {
    private let control: FileDescriptor
    private let turn = Mutex(())

    private init(control: consuming FileDescriptor) { self.control = control }

    /// Forks it. Only before the first thread; `courier` is whom to become, nil to stay who we are.
    /// `spool` is the open directory that couriers inherit, `gateway` the socket that listens for SDKs; it is closed here.
    static func fork(
        as courier: Account?, spool: Int32, gateway: consuming FileDescriptor?, arguments: [String]
    ) throws(Problem) -> Starter {
        let program = openProgram()
        let number = program.number
        let listening: Int32
        switch gateway {
        case .some(let socket): listening = socket.number
        case .none: listening = -1
        }
        do throws(SystemError) {
            let pair = try SocketPair(.messages)
            let far = pair.far.number
            _ = try ChildProcess.fork {
                StarterProcess(
                    control: far, spool: spool, program: number, gateway: listening, user: courier, arguments: arguments
                )
                .run()
            }
            _ = consume gateway
            _ = consume program
            return Starter(control: pair.split { near, _ in near })
        } catch {
            throw error.problem(doing: "start the starter")
        }
    }

    private static func openProgram() -> FileDescriptor {
        do { return try FileDescriptor.open(Program.sibling("postern-courier"), .read) } catch {
            Log.warning("courier_missing", ["reason": error, "path": Program.sibling("postern-courier")])
            return FileDescriptor(owning: -1)
        }
    }

    /// How long it takes at most to fork and execute.
    private static let patience: Int64 = 10

    /// Starts a courier and returns our end of its control channel. `courier_unavailable` where that cannot be done.
    func startCourier() throws(Problem) -> Courier.Started {
        let refusal: String
        do throws(SystemError) {
            let pair = try SocketPair(.messages)
            let far = pair.far.number
            let reply = try turn.withLock { _ throws(SystemError) -> String in
                let deadline = Deadline.after(seconds: Self.patience)
                try control.sendMessage(Array(StarterProcess.order.utf8), descriptors: [far], until: deadline)
                return try control.receiveMessage(until: deadline)?.text ?? "the starter has ended"
            }
            if let pid = Int32(reply) { return Courier.Started(control: pair.split { near, _ in near }, pid: pid) }
            refusal = reply
        } catch {
            refusal = "\(error)"
        }
        throw Problem(
            .courierUnavailable, "cannot start postern-courier: \(refusal)",
            advice: "check that it is installed next to posternd, then restart posternd")
    }
}
