import HTTPServer
import Linux
import Rules

/// Puts the simulator on a socket.
enum Serve {
    /// A connection has nothing to remember.
    private final class Guest: Sendable {}

    /// Longest that a body without end is fed.
    private static let patience: Int64 = 120

    static func start(_ simulator: Simulator, on listening: consuming FileDescriptor) throws(Problem) -> HTTPServer {
        let guest = Guest()
        var limits = HTTPServer.Limits()
        limits.connectionsPerShare = limits.connections
        let service = HTTPServer.Service(
            connected: { _ in HTTPServer.Admission(context: guest, share: 0) },
            bodyLimit: { _ in 64 * 1024 * 1024 },
            refuse: { problem, _ in
                HTTPServer.Response(
                    status: problem.code.status, body: .bytes([UInt8](problem.reason.utf8)), close: true)
            },
            handle: { request in send(simulator.answer(read(request)), to: request) })
        return try HTTPServer(listening: listening, limits: limits, service: service)
    }

    private static func read(_ request: borrowing HTTPServer.Request) -> SimRequest {
        let body = unsafe request.body.withUnsafeBytes { unsafe [UInt8]($0) }
        return SimRequest(request.method, request.target, headers: request.headers, body: body)
    }

    private static func send(_ answer: SimAnswer, to request: borrowing HTTPServer.Request) -> HTTPServer.Response {
        guard case .whole = answer.ending else {
            spoil(answer, request)
            request.connection.cut()
            return HTTPServer.Response(status: 200, close: true)
        }
        return HTTPServer.Response(
            status: answer.status, headers: answer.headers.map { .init($0.name, $0.value) },
            body: answer.body.isEmpty ? .none : .bytes(answer.body))
    }

    /// Writes past the server, since no server would send what these endings need.
    private static func spoil(_ answer: SimAnswer, _ request: borrowing HTTPServer.Request) {
        // Lent: the server closes it.
        let socket = FileDescriptor(owning: request.descriptor)
        let deadline = Deadline.after(seconds: patience)
        var head = "HTTP/1.1 \(answer.status) Spoiled\r\nConnection: close\r\n"
        for (name, value) in answer.headers { head += "\(name): \(value)\r\n" }
        switch answer.ending {
        case .whole, .nothing: break
        case .half:
            head += "Content-Length: \(answer.body.count)\r\n\r\n"
            try? socket.send([UInt8](head.utf8) + answer.body.prefix(answer.body.count / 2), until: deadline)
        case .pieces:
            let half = answer.body.count / 2
            head += "Content-Length: \(answer.body.count)\r\n\r\n"
            do throws(SystemError) {
                try socket.send([UInt8](head.utf8) + answer.body.prefix(half), until: deadline)
                Clock.sleep(microseconds: 500_000)
                try socket.send(Array(answer.body.dropFirst(half)), until: deadline)
            } catch {
                // The caller did not wait for the rest.
            }
        case .never:
            do throws(SystemError) {
                try socket.send([UInt8]((head + "\r\n").utf8) + answer.body.dropLast(), until: deadline)
                let more = [UInt8](repeating: UInt8(ascii: " "), count: 65_536)
                while !deadline.hasPassed { try socket.send(more, until: deadline) }
            } catch {
                // The caller has given up, which is what this ending waits for.
            }
        }
        _ = socket.release()
    }
}
