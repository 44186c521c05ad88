package import Broker
import Errands
import HTTPServer
package import Linux
package import Rules
import Synchronization
import Vault

/// Both sockets and the clockwork: what posternd runs once the vault is open.
package final class PosternServer: Sendable {
    private let broker: Broker
    private let bridges: HTTPServer
    private let admins: HTTPServer
    private let halt = Halt()
    private let clockwork: Thread

    /// Starts serving both sockets. Throws `internal` where there is no memory or thread for it.
    package init(
        _ broker: Broker, brokerSocket: consuming FileDescriptor, adminSocket: consuming FileDescriptor
    ) throws(Problem) {
        self.broker = broker
        let openAPI = PackageResources.openapi_json
        let bridge = BrokerRoutes(broker: broker, openAPI: openAPI)
        let admin = AdminRoutes(broker: broker, openAPI: openAPI)
        bridges = try HTTPServer(
            listening: brokerSocket,
            service: Self.service(
                broker, "broker.call", bodyLimit: bridge.bodyLimit, bodyPlace: bridge.bodyPlace, bridge.answer))
        admins = try HTTPServer(
            listening: adminSocket,
            service: Self.service(
                broker, "admin.call", bodyLimit: { _ in 1024 * 1024 }, bodyPlace: admin.bodyPlace, admin.answer))
        do throws(SystemError) {
            clockwork = try Thread.start(name: "clockwork") { [broker, halt] in Self.run(broker, until: halt) }
        } catch { throw error.problem(doing: "start a thread") }
    }

    /// Accepts nothing more, answers what is under way, signs the log and moves it into the file.
    package func stop() {
        // Those who watch would never be done.
        broker.stopWatching()
        let bridgesDone = bridges.stop(within: 8000)
        let adminsDone = admins.stop(within: 2000)
        if !bridgesDone || !adminsDone { Log.warning("stop_cut_requests_short") }
        // The clockwork uses what closing the vault uses: it has ended before.
        broker.stopRefreshing()
        halt.ask()
        clockwork.join()
        broker.endMinute()
        broker.courier?.stop()
        do {
            _ = try broker.vault.record(
                AuditEntry("daemon.stop", .allowed, by: .system, request: .next()))
        } catch { Log.warning("stop_not_recorded", ["code": error.code.rawValue]) }
        broker.vault.close()
    }

    /// `action` is what the log calls a request that never became a call.
    private static func service(
        _ broker: Broker, _ action: String, bodyLimit: @escaping @Sendable (borrowing HTTPServer.Request) -> Int,
        bodyPlace: @escaping @Sendable (borrowing HTTPServer.Request, Int?) -> HTTPServer.BodyPlace = { _, _ in .buffer
        },
        _ answer: @escaping @Sendable (borrowing HTTPServer.Request) -> HTTPServer.Response
    ) -> HTTPServer.Service {
        HTTPServer.Service(
            connected: { descriptor in
                // Who is there is asked before a byte is read; a peer the kernel will not name is not served.
                guard let peer = try? Peer(of: descriptor) else { return nil }
                let caller = Caller(peer)
                broker.connected(caller)
                return HTTPServer.Admission(context: caller, share: UInt64(peer.uid))
            },
            disconnected: { context in
                guard let caller = context as? Caller else { return }
                broker.disconnected(caller)
            },
            bodyLimit: bodyLimit,
            bodyPlace: bodyPlace,
            refuse: { problem, context in
                let request = RequestID.next()
                if let caller = context as? Caller { broker.noteRefused(problem, action, of: caller, request) }
                return Reply.problem(problem, request, close: true)
            },
            handle: answer)
    }

    /// Every second the file, every minute the log and what time has ended.
    private static func run(_ broker: Broker, until halt: Halt) {
        do {
            try broker.vault.checkTables()
        } catch {
            Log.error("vault_damaged", ["code": error.code.rawValue, "reason": error.reason])
        }
        var seconds = 0
        while !halt.isAsked(within: 1000) {
            seconds += 1
            broker.tick()
            let minute = seconds % 60 == 0
            if minute { broker.endMinute() }
            if seconds % 10 == 0 { broker.placeWaiting() }
            broker.vault.keepHouse(minute: minute)
        }
    }
}

/// Tells the clockwork to end.
private final class Halt: Sendable {
    private let asked = Atomic<Bool>(false)
    private let signal = Signal()

    func ask() {
        asked.store(true, ordering: .releasing)
        signal.raise()
    }

    /// Waits a while; true as soon as it is asked.
    func isAsked(within milliseconds: Int64) -> Bool {
        if asked.load(ordering: .acquiring) { return true }
        signal.wait(until: .after(milliseconds: milliseconds))
        return asked.load(ordering: .acquiring)
    }
}
