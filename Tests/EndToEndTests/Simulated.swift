import Glibc
import HTTPClient
import Linux
import Testing

@testable import postern_sim

/// A simulated Slack of this build, running as its own process until this value ends.
final class Simulated: Sendable {
    let base: String
    private let child: ChildProcess
    private let client = HTTPClient()
    /// The simulator ends with it, however the test ends.
    private let input: FileDescriptor

    init() throws {
        let input = try SocketPair(.stream)
        let output = try SocketPair(.stream)
        child = try ChildProcess.start(
            Program.sibling("postern-sim"), ["--end-with-stdin"],
            descriptors: [0: input.far.number, 1: output.far.number])
        self.input = input.split { near, far in near }
        let line = try output.split { near, far in
            _ = consume far
            var line: [UInt8] = []
            while line.last != UInt8(ascii: "\n") {
                line += try near.receive(exactly: 1, until: .after(seconds: 20))
            }
            return line
        }
        base = try #require(JSON(bytes: line)?["listening"]?.text)
    }

    deinit {
        child.send(signal: SIGTERM)
        goOn()
        _ = try? child.wait()
    }

    /// Leaves every call without an answer until `goOn`.
    func pause() { child.send(signal: SIGSTOP) }

    func goOn() { child.send(signal: SIGCONT) }

    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSON? = nil) throws -> JSON {
        let answer = try client.perform(HTTPClient.Request(method, "\(base)/_sim/\(path)", body: body?.bytes ?? []))
        try #require(answer.status == 200, "\(method) \(path)")
        return try #require(JSON(bytes: answer.body))
    }

    /// Slack's half of an app.
    func register(
        _ appID: String, redirect: String, scopes: [String] = ["chat:write", "users:read", "im:write", "im:history"],
        _ more: [String: JSON] = [:]
    ) throws -> JSON {
        let app: [String: JSON] = [
            "app_id": .string(appID), "workspace_name": "Acme", "bot_token": true,
            "redirect_urls": [.string(redirect)], "bot_scopes": .array(scopes.map(JSON.string)),
        ]
        return try control("POST", "apps", .object(app.merging(more) { _, new in new }))
    }

    func fault(_ match: String, _ fault: String, times: Int64 = 1) throws {
        try control(
            "POST", "faults", ["match": .string(match), "fault": .string(fault), "times": .integer(times)])
    }

    /// How many calls of a name it has accepted and refused.
    func count(_ call: String) throws -> Int {
        guard case .array(let entries)? = try control("GET", "ledger?call=\(call)")["entries"] else { return 0 }
        return entries.count
    }
}
