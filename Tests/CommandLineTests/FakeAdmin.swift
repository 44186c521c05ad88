import Glibc
import HTTPServer
import Linux
import Rules
import Synchronization

/// An admin socket that answers from a table, and remembers what it was asked.
final class FakeAdmin: Sendable {
    struct Call: Sendable, Equatable {
        let method: String
        /// With the query, without `/v1/admin/`.
        let target: String
        let body: String
    }

    let directory: String
    private let server: HTTPServer
    private let memory: Memory

    private final class Memory: Sendable {
        let calls = Mutex<[Call]>([])
    }

    var socket: String { directory + "/run/admin.sock" }
    var calls: [Call] { memory.calls.withLock { $0 } }
    /// Those that change something.
    var changes: [Call] { calls.filter { $0.method != "GET" } }

    /// `answers` by method and path without query: a status and a body. What is not in it is answered 404.
    init(_ answers: [String: (Int, String)] = [:]) throws {
        directory = try temporaryDirectory()
        guard unsafe mkdir(directory + "/run", 0o755) == 0 else { throw SystemFailure(number: errno) }
        let memory = Memory()
        self.memory = memory
        server = try HTTPServer(
            listening: UnixListener(path: directory + "/run/admin.sock", mode: 0o600).takeDescriptor(),
            service: HTTPServer.Service(
                connected: { _ in HTTPServer.Admission(context: memory, share: 0) },
                refuse: { problem, _ in HTTPServer.Response(status: problem.code.status) },
                handle: { request in
                    let target = String(request.target.dropFirst("/v1/admin/".count))
                    memory.calls.withLock {
                        $0.append(Call(method: request.method, target: target, body: text(of: request.body)))
                    }
                    let path = target.prefix { $0 != "?" }
                    let (status, body) = answers["\(request.method) \(path)"] ?? (404, problem("not_found", 404))
                    return HTTPServer.Response(status: status, body: .bytes(Array(body.utf8)))
                }))
    }

    deinit {
        _ = server.stop(within: 5000)
        for name in ["/run/admin.sock", "/run", ""] { _ = unsafe remove(directory + name) }
    }
}

private func text(of span: RawSpan) -> String {
    var bytes: [UInt8] = []
    for index in 0..<span.byteCount { unsafe bytes.append(span.unsafeLoad(fromByteOffset: index, as: UInt8.self)) }
    return String(decoding: bytes, as: UTF8.self)
}

/// A problem document as the daemon sends it.
func problem(_ code: String, _ status: Int, detail: String = "our words", advice: String = "do this") -> String {
    """
    {"schema":1,"type":"about:blank","title":"T","status":\(status),"detail":"\(detail)","code":"\(code)",\
    "request_id":"01JREQUEST","advice":"\(advice)"}
    """
}

struct SystemFailure: Error {
    let number: Int32
}

func temporaryDirectory() throws -> String {
    var template = Array("/tmp/postern-cli-XXXXXX".utf8CString)
    guard let path = unsafe mkdtemp(&template) else { throw SystemFailure(number: errno) }
    return unsafe String(cString: path)
}
