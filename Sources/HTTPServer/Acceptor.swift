import Linux
import Rules
import Synchronization

/// The thread that accepts: it asks the program who may come in, keeps the limits and hands over to libmicrohttpd.
final class Acceptor: Sendable {
    private let listening: FileDescriptor
    private let core: Core
    private let daemon: Daemon
    private let refused = Refused()
    private let thread = Mutex<Thread?>(nil)

    init(listening: consuming FileDescriptor, core: Core, daemon: Daemon) {
        self.listening = listening
        self.core = core
        self.daemon = daemon
    }

    func start() throws(SystemError) {
        let started = try Thread.start(name: "http-accept") { self.accept() }
        thread.withLock { $0 = started }
    }

    /// What waits in the backlog is not taken any more; returns when the thread is done.
    func stop() {
        listening.shutDown()
        thread.withLock { $0.take() }?.join()
        refused.closeAll()
    }

    private func accept() {
        while !core.stopping.load(ordering: .acquiring) {
            refused.closeOld()
            do throws(SystemError) {
                let wait = refused.isEmpty ? Deadline.never : Deadline.after(milliseconds: 500)
                take(try listening.accept(until: wait).release())
            } catch {
                // Out of descriptors: those who wait stay in the backlog until something closes.
                if error.number != Socket.nobody { _ = core.stopped.wait(until: .after(milliseconds: 50)) }
            }
        }
    }

    private func take(_ descriptor: Int32) {
        if core.registry.isFull { return refuse(descriptor, nil) }
        guard let admission = core.service.connected(descriptor) else { return Socket.close(descriptor) }
        let connection = HTTPServer.Connection(descriptor: descriptor, admission: admission, core: core)
        guard core.registry.add(connection) else {
            refuse(descriptor, admission.context)
            return core.service.disconnected(admission.context)
        }
        // It closes the descriptor itself when it fails.
        guard daemon.add(descriptor) else {
            core.registry.remove(connection)
            return connection.ended()
        }
    }

    private func refuse(_ descriptor: Int32, _ context: (any AnyObject & Sendable)?) {
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
            held.append((descriptor, Now.milliseconds + 1000))
            return held.count > 64 ? held.removeFirst().descriptor : nil
        }
        if let oldest { Socket.close(oldest) }
    }

    func closeOld() {
        let now = Now.milliseconds
        close { $0 < now }
    }

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
    private let core: Core
    private let wake = Signal()
    private let thread = Mutex<Thread?>(nil)

    init(core: Core) { self.core = core }

    func start() throws(SystemError) {
        let started = try Thread.start(name: "http-reaper") { self.reap() }
        thread.withLock { $0 = started }
    }

    func stop() {
        wake.raise()
        thread.withLock { $0.take() }?.join()
    }

    private func reap() {
        let shortest = min(core.limits.receive, core.limits.send, core.limits.idle)
        let tick = Int64(min(1000, max(10, shortest / 4)))
        while !wake.wait(until: .after(milliseconds: tick)) { core.registry.expire(at: Now.milliseconds) }
    }
}
