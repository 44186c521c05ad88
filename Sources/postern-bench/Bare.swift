import HTTPServer
import Linux
import Rules

/// The bare server: same library, threads and socket as the daemon, and a fixed answer.
enum Bare {
    enum Shape: String {
        case threads
        case pool
        case suspending
    }

    private final class Nobody: Sendable {}

    /// Serves in this process until standard input ends: what `postern-bench bare` does.
    static func serve(path: String, body: Int, shape: Shape) throws {
        let answer = [UInt8](repeating: UInt8(ascii: "x"), count: body)
        let listener = try UnixListener(path: path, mode: 0o600).takeDescriptor()
        switch shape {
        case .threads:
            let nobody = Nobody()
            let server = try HTTPServer(
                listening: listener,
                service: HTTPServer.Service(
                    connected: { _ in HTTPServer.Admission(context: nobody, share: 0) },
                    refuse: { problem, _ in HTTPServer.Response(status: problem.code.status) },
                    handle: { _ in
                        HTTPServer.Response(
                            status: 200,
                            headers: [
                                .init("Content-Type", "application/json"), .init("X-Request-Id", "0123456789abcdef"),
                            ], body: .bytes(answer))
                    }))
            waitForEndOfInput()
            _ = server.stop(within: 1000)
        case .pool, .suspending:
            let trial = try PoolTrial(
                listening: listener, threads: 2, workers: shape == .suspending ? 16 : 0, answer: answer)
            waitForEndOfInput()
            withExtendedLifetime(trial) {}
        }
    }

    /// A process that does so; ready when this returns.
    static func start(path: String, body: Int, shape: Shape = .threads) throws -> Child {
        let child = try Child([Program.path, "bare", path, String(body), shape.rawValue])
        for _ in 0..<500 {
            if Connection(path: path) != nil { return child }
            Signal().wait(until: .after(milliseconds: 10))
        }
        throw Problem(.internal, "the bare server did not start")
    }
}
