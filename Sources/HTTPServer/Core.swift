import Linux
import Rules
import Synchronization

/// What all threads of one server share.
final class Core: Sendable {
    let limits: HTTPServer.Limits
    let service: HTTPServer.Service
    let registry: Registry
    /// Set when the server stops: answers then end their connection.
    let stopping = Atomic(false)
    /// Wakes the accepting thread from a pause.
    let stopped = Signal()

    init(limits: HTTPServer.Limits, service: HTTPServer.Service) {
        self.limits = limits
        self.service = service
        registry = Registry(total: limits.connections, each: limits.connectionsPerShare)
    }
}

/// The connections there are, by descriptor, counted in all and by share.
final class Registry: Sendable {
    private struct State {
        var connections: [Int32: HTTPServer.Connection] = [:]
        var shares: [UInt64: Int] = [:]
    }

    private let state = Mutex(State())
    private let total: Int
    private let each: Int

    init(total: Int, each: Int) {
        self.total = total
        self.each = each
    }

    var count: Int { state.withLock { $0.connections.count } }

    var isFull: Bool { count >= total }

    /// False when the limit or the share is used up.
    ///
    /// libmicrohttpd can lose a connection it was given without telling, when it has no memory for it; its descriptor
    /// then comes back, and the entry found under it is ended here.
    func add(_ connection: HTTPServer.Connection) -> Bool {
        let (added, lost) = state.withLock { state -> (Bool, HTTPServer.Connection?) in
            let lost = state.connections.removeValue(forKey: connection.descriptor)
            if let lost { Self.leave(&state, lost) }
            guard state.connections.count < total, state.shares[connection.share, default: 0] < each else {
                return (false, lost)
            }
            state.connections[connection.descriptor] = connection
            state.shares[connection.share, default: 0] += 1
            return (true, lost)
        }
        lost?.ended()
        return added
    }

    func connection(at descriptor: Int32) -> HTTPServer.Connection? {
        state.withLock { $0.connections[descriptor] }
    }

    func remove(_ connection: HTTPServer.Connection) {
        state.withLock { state in
            guard state.connections[connection.descriptor] === connection else { return }
            state.connections[connection.descriptor] = nil
            Self.leave(&state, connection)
        }
    }

    /// Ends what has waited too long.
    func expire(at now: UInt64) {
        for connection in all { connection.expire(at: now) }
    }

    /// Ends idle connections; true when none is left in the middle of a request.
    func drain() -> Bool {
        var drained = true
        for connection in all where !connection.endIfIdle() { drained = false }
        return drained
    }

    private var all: [HTTPServer.Connection] { state.withLock { Array($0.connections.values) } }

    private static func leave(_ state: inout State, _ connection: HTTPServer.Connection) {
        let left = state.shares[connection.share, default: 1] - 1
        state.shares[connection.share] = left > 0 ? left : nil
    }
}
