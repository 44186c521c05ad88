import Rules
import Synchronization

/// The thread that accepts: it asks the program who may come in, keeps the limits and hands over to libmicrohttpd.
final class Acceptor: Sendable {
    private let loop: Loop

    init(listening: Int32, core: Core, daemon: Daemon) {
        Socket.setNonblocking(listening)
        loop = Loop { stopped in
            let refused = Refused()
            Self.accept(listening, stopped, core, daemon, refused)
            Socket.close(listening)
            refused.closeAll()
        }
    }

    func start() -> Bool { loop.start() }

    func stop() { loop.stop() }

    private static func accept(
        _ listening: Int32, _ stopped: Int32, _ core: Core, _ daemon: Daemon, _ refused: Refused
    ) {
        while !Socket.hasSignal(stopped) {
            refused.closeOld()
            switch Socket.accept(listening) {
            case .connection(let descriptor): take(descriptor, core, daemon, refused)
            // Out of descriptors: those who wait stay in the backlog until something closes.
            case .exhausted: Socket.wait(for: [stopped], milliseconds: 50)
            case .nothing: Socket.wait(for: [listening, stopped], milliseconds: refused.isEmpty ? -1 : 500)
            case .closed: return
            }
        }
    }

    private static func take(_ descriptor: Int32, _ core: Core, _ daemon: Daemon, _ refused: Refused) {
        if core.registry.isFull { return refuse(descriptor, nil, core, refused) }
        guard let admission = core.service.connected(descriptor) else { return Socket.close(descriptor) }
        let connection = HTTPServer.Connection(descriptor: descriptor, admission: admission, core: core)
        guard core.registry.add(connection) else {
            refuse(descriptor, admission.context, core, refused)
            return core.service.disconnected(admission.context)
        }
        // It closes the descriptor itself when it fails.
        guard daemon.add(descriptor) else {
            core.registry.remove(connection)
            return connection.ended()
        }
    }

    private static func refuse(
        _ descriptor: Int32, _ context: (any AnyObject & Sendable)?, _ core: Core, _ refused: Refused
    ) {
        let problem = Problem(.tooManyConnections, "No more connections are taken now.", advice: "Try again shortly.")
        Socket.send(RawAnswer.bytes(core.service.refuse(problem, context)), to: descriptor)
        Socket.endWriting(descriptor)
        refused.add(descriptor)
    }
}

/// Refused connections, held for a second: closed at once, they would meet the client's request with an error before
/// it has read the answer.
private final class Refused: Sendable {
    private let held = Mutex<[(descriptor: Int32, until: UInt64)]>([])

    var isEmpty: Bool { held.withLock { $0.isEmpty } }

    func add(_ descriptor: Int32) {
        let oldest = held.withLock { held -> Int32? in
            held.append((descriptor, Clock.milliseconds() + 1000))
            return held.count > 64 ? held.removeFirst().descriptor : nil
        }
        if let oldest { Socket.close(oldest) }
    }

    func closeOld() { close { $0 < Clock.milliseconds() } }

    func closeAll() { close { _ in true } }

    private func close(_ due: (UInt64) -> Bool) {
        held.withLock { held in
            while let first = held.first, due(first.until) {
                Socket.close(first.descriptor)
                held.removeFirst()
            }
        }
    }
}

/// The thread that ends what waits too long.
final class Reaper: Sendable {
    private let loop: Loop

    init(core: Core) {
        let shortest = min(core.limits.receive, core.limits.send, core.limits.idle)
        let tick = Int32(min(1000, max(10, shortest / 4)))
        loop = Loop { stopped in
            while !Socket.hasSignal(stopped) {
                Socket.wait(for: [stopped], milliseconds: tick)
                core.registry.expire(at: Clock.milliseconds())
            }
        }
    }

    func start() -> Bool { loop.start() }

    func stop() { loop.stop() }
}
