import Glibc
import HTTPServer
import Linux
import Rules
import Synchronization

/// A server on a Unix socket in a directory of its own, answering from `handle`.
final class TestServer: Sendable {
    let path: String
    let server: HTTPServer
    let disconnections: Counter
    /// How often the server told of a request that it refused by itself.
    let refusals: Counter
    private let directory: String

    init(
        limits: HTTPServer.Limits = HTTPServer.Limits(), bodyLimit: Int = 1024 * 1024,
        connected: @escaping @Sendable (Int32) -> HTTPServer.Admission? = {
            HTTPServer.Admission(context: Guest(descriptor: $0), share: 0)
        },
        handle: @escaping @Sendable (borrowing HTTPServer.Request) -> HTTPServer.Response
    ) throws(Problem) {
        var template = Array("/tmp/postern-http-XXXXXX".utf8CString)
        directory = unsafe String(cString: mkdtemp(&template))
        path = directory + "/s"
        let disconnections = Counter()
        self.disconnections = disconnections
        let refusals = Counter()
        self.refusals = refusals
        server = try HTTPServer(
            listening: UnixListener(path: path, mode: 0o600).takeDescriptor(), limits: limits,
            service: HTTPServer.Service(
                connected: connected, disconnected: { _ in disconnections.add() }, bodyLimit: { _ in bodyLimit },
                refuse: { problem, _ in
                    refusals.add()
                    return HTTPServer.Response(
                        status: problem.code.status,
                        headers: [HTTPServer.Response.Header("Content-Type", "application/problem+json")],
                        body: .bytes(Array("{\"code\":\"\(problem.code.rawValue)\"}".utf8)))
                },
                handle: handle))
    }

    deinit {
        _ = server.stop(within: 30_000)
        _ = unsafe unlink(path)
        _ = unsafe rmdir(directory)
    }
}

/// What a connection of a test carries.
final class Guest: Sendable {
    let descriptor: Int32
    let requests = Counter()

    init(descriptor: Int32) { self.descriptor = descriptor }
}

final class Counter: Sendable {
    private let count = Atomic(0)

    var value: Int { count.load(ordering: .acquiring) }

    func add() { count.add(1, ordering: .acquiringAndReleasing) }
}

func text(_ text: String, status: Int = 200) -> HTTPServer.Response {
    HTTPServer.Response(status: status, body: .bytes(Array(text.utf8)))
}

/// Whether the condition came true within the time, half a minute if none is given.
func comesTrue(within milliseconds: Int = 30_000, _ condition: () -> Bool) -> Bool {
    for _ in 0..<(milliseconds / 5) {
        if condition() { return true }
        usleep(5000)
    }
    return condition()
}
