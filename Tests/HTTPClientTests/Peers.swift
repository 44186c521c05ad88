import Glibc
import HTTPServer
import Linux
import Rules

/// An HTTP server on loopback TCP that tests make answer.
final class LoopbackServer: Sendable {
    let port: UInt16
    private let server: HTTPServer

    private final class Nobody: Sendable {}

    init(handle: @escaping @Sendable (borrowing HTTPServer.Request) -> HTTPServer.Response) throws {
        let listener = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        port = listener.boundPort ?? 0
        let nobody = Nobody()
        server = try HTTPServer(
            listening: listener,
            service: HTTPServer.Service(
                connected: { _ in HTTPServer.Admission(context: nobody, share: 0) },
                refuse: { problem, _ in HTTPServer.Response(status: problem.code.status) }, handle: handle))
    }

    deinit { _ = server.stop(within: 5000) }

    var url: String { "http://127.0.0.1:\(port)" }
}

/// A TCP server that sends fixed bytes to whoever comes, then closes or, with none to say, stays silent.
final class RawServer: Sendable {
    let port: UInt16
    private let thread: Thread
    private let stop: @Sendable () -> Void

    private final class Box: Sendable {
        let descriptor: FileDescriptor
        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    init(saying answer: String?) throws {
        let box = Box(try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0)))
        port = box.descriptor.boundPort ?? 0
        stop = { box.descriptor.shutDown() }
        thread = try Thread.start(name: "raw") {
            while let client = try? box.descriptor.accept() {
                guard let answer else {
                    // Until the client gives up.
                    _ = try? client.receive(exactly: 1 << 20, until: .after(seconds: 30))
                    continue
                }
                _ = try? client.receive(exactly: 16, until: .after(seconds: 30))
                try? client.send(Array(answer.utf8), until: .after(seconds: 30))
            }
        }
    }

    deinit {
        stop()
        thread.join()
    }

    var url: String { "http://127.0.0.1:\(port)" }
}

/// A loopback port nobody listened on a moment ago.
func freePort() throws -> UInt16 {
    let listener = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
    return listener.boundPort ?? 0
}
