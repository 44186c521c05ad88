import HTTPServer
import Linux
import Rules
import Synchronization

/// A small platform on 127.0.0.1: says back what it was sent.
final class LoopbackPlatform: Sendable {
    let port: UInt16
    private let server: HTTPServer
    private let seen: Seen

    final class Seen: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    private final class Nobody: Sendable {}

    init(redirect: String = "") throws {
        let seen = Seen()
        self.seen = seen
        let socket = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        port = socket.boundPort ?? 0
        let service = HTTPServer.Service(
            connected: { _ in HTTPServer.Admission(context: Nobody(), share: 0) },
            bodyLimit: { _ in 8 * 1024 * 1024 },
            refuse: { problem, _ in HTTPServer.Response(status: problem.code.status) },
            handle: { request in
                seen.add("\(request.method) \(request.target)")
                switch request.path {
                case "/bytes":
                    let count = request.query("n").flatMap { Int($0) } ?? 0
                    return HTTPServer.Response(status: 200, body: .bytes(.init(repeating: 0x61, count: count)))
                case "/slow":
                    Clock.sleep(microseconds: 700_000)
                    return HTTPServer.Response(status: 200, body: .bytes(Array("late".utf8)))
                case "/redirect":
                    return HTTPServer.Response(
                        status: 302, headers: [HTTPServer.Response.Header("Location", redirect)])
                case "/authorize":
                    let state = request.query("state") ?? ""
                    let back = request.query("redirect_uri") ?? ""
                    return HTTPServer.Response(
                        status: 302,
                        headers: [HTTPServer.Response.Header("Location", "\(back)?code=the.code&state=\(state)")])
                default:
                    let body = request.body
                    var bytes = Array("\(request.method) \(request.target)\n".utf8)
                    for (name, value) in request.headers { bytes += Array("\(name): \(value)\n".utf8) }
                    bytes += Array("\n".utf8)
                    for index in 0..<body.byteCount {
                        bytes.append(unsafe body.unsafeLoad(fromByteOffset: index, as: UInt8.self))
                    }
                    return HTTPServer.Response(
                        status: 200, headers: [HTTPServer.Response.Header("X-OAuth-Scopes", "chat:write")],
                        body: .bytes(bytes))
                }
            })
        server = try HTTPServer(listening: socket, service: service)
    }

    deinit { _ = server.stop(within: 1000) }

    /// Method and target of each request so far.
    var requests: [String] { seen.all }
    func url(_ target: String) -> String { "http://127.0.0.1:\(port)\(target)" }
}

/// Accepts, reads a request's head, writes what it was told to, closes.
final class RawPlatform: Sendable {
    let port: UInt16
    private let accepted = Mutex(0)
    private let listening: FileDescriptor

    init(_ answer: String) throws {
        listening = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        port = listening.boundPort ?? 0
        let copy = try listening.duplicate().release()
        let answer = Array(answer.utf8)
        try Thread.start(name: "raw platform") { [weak self] in
            let listening = FileDescriptor(owning: copy)
            while let socket = try? listening.accept() {
                self?.accepted.withLock { $0 += 1 }
                var head: [UInt8] = []
                var chunk = [UInt8](repeating: 0, count: 4096)
                while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
                    var span = chunk.mutableSpan
                    guard let got = try? socket.receive(into: &span, until: .after(seconds: 30)), got > 0 else { break }
                    head += chunk[..<got]
                }
                try? socket.send(answer, until: .after(seconds: 30))
            }
        }
    }

    deinit { listening.shutDown() }

    var connections: Int { accepted.withLock { $0 } }
    func url(_ target: String) -> String { "http://127.0.0.1:\(port)\(target)" }
}
