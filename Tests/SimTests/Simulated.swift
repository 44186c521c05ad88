import HTTPClient
import Linux
import Platforms
import Testing

@testable import postern_sim

/// A simulator of this build, running as its own process until this value ends.
final class Simulated: Sendable {
    let base: String
    private let child: ChildProcess
    private let client = HTTPClient()
    /// The simulator ends with it, however the test ends.
    private let input: FileDescriptor

    init(_ arguments: [String] = []) throws {
        let input = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        child = try ChildProcess.start(
            Program.sibling("postern-sim"), ["--end-with-stdin"] + arguments,
            descriptors: [0: input.far.number, 1: output.far.number])
        self.input = input.split { near, far in near }
        base = try Self.listening(output.split { near, far in near })
    }

    deinit {
        child.send(signal: 15)
        _ = try? child.wait()
    }

    private static func listening(_ output: borrowing FileDescriptor) throws -> String {
        var line: [UInt8] = []
        while line.last != UInt8(ascii: "\n") {
            line += try output.receive(exactly: 1, until: .after(seconds: 30))
        }
        return try #require(JSON(bytes: line)?["listening"]?.text)
    }

    /// Any request; redirects are not followed.
    func send(
        _ method: String, _ path: String, _ headers: [String: String] = [:], body: String = "", timeout: Int = 10_000
    ) throws(HTTPClient.Failure) -> HTTPClient.Answer {
        var request = HTTPClient.Request(
            method, base + path, headers: headers.map { HTTPClient.Header($0.key, $0.value) }, body: [UInt8](body.utf8))
        request.timeout = timeout
        return try client.perform(request)
    }

    /// A request built by Platforms, sent as the courier would.
    func carry(_ request: PlatformRequest) throws(HTTPClient.Failure) -> PlatformAnswer {
        let answer = try client.perform(
            HTTPClient.Request(
                request.method, request.url, headers: request.headers.map { .init($0.name, $0.value) },
                body: request.body))
        return PlatformAnswer(
            status: answer.status, headers: answer.headers.map { HeaderField($0.name, $0.value) }, body: answer.body)
    }

    /// One of the simulation's own calls; fails the test when it is refused.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSON? = nil) throws -> JSON {
        let answer = try send(
            method, "/_sim/\(path)", body: body.map { String(decoding: $0.bytes, as: UTF8.self) } ?? "")
        try #require(answer.status == 200, "\(method) \(path)")
        return try #require(JSON(bytes: answer.body))
    }

    /// A Web API call with a form: the JSON it answers.
    func call(_ method: String, _ form: String = "", bearer: String? = nil) throws -> JSON {
        var headers = ["Content-Type": "application/x-www-form-urlencoded"]
        headers["Authorization"] = bearer.map { "Bearer \($0)" }
        return try #require(JSON(bytes: try send("POST", "/api/\(method)", headers, body: form).body))
    }
}

extension JSON {
    subscript(index: Int) -> JSON? {
        guard case .array(let items) = self, items.indices.contains(index) else { return nil }
        return items[index]
    }

    var count: Int {
        guard case .array(let items) = self else { return 0 }
        return items.count
    }
}
