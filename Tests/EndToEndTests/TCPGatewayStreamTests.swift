import FoundationEssentials
import Linux
import Testing

@testable import postern_sim

@Suite struct `A long body at the TCP gateway` {
    private let gateway: TCPGateway
    private var stand: Stand { gateway.stand }

    init() throws {
        gateway = try TCPGateway(methods: ["auth.test", "api.test"], flags: ["--gateway-body-limit", "24"])
    }

    private func lease() throws -> (bearer: String, id: String) {
        let reply = try gateway.access()
        return (try #require(reply["access_token"]?.text, "\(reply.text)"), try #require(reply["lease_id"]?.text))
    }

    /// A head of which the body is sent by hand.
    private func head(_ bearer: String, _ fields: [String], path: String = "/slack/api.test") -> [UInt8] {
        let lines = ["POST \(path) HTTP/1.1"] + gateway.headers(bearer) + fields
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    @Test func `passes both ways as it comes, twenty megabytes of it, and leaves the connection as it was`() throws {
        let bearer = try lease().bearer
        let text = String(repeating: "a large body, ", count: 1_450_000)
        let wire = try gateway.connect()
        let body = JSON.object(["text": .string(text)]).bytes
        for _ in 0..<2 {
            try wire.send(Wire.request("POST", "/slack/api.test", gateway.headers(bearer), body: body, host: nil))
            let reply = try wire.receive()
            #expect(reply.status == 200 && reply.body.count > 20_000_000, "\(reply.text.prefix(300))")
            #expect(reply["args"]?["text"]?.text == text)
            try wire.send(Wire.request("POST", "/slack/auth.test", gateway.headers(bearer), host: nil))
            #expect(try wire.receive()["ok"] == true)
        }
        // Both processes have had it twice each way, and never as a whole.
        for pid in try pids() {
            let (now, most) = (try #require(Self.kib("VmRSS", of: pid)), try #require(Self.kib("VmHWM", of: pid)))
            #expect(most < now + 8 << 10, "\(now) \(most)")
        }
    }

    /// The keeper and the courier.
    private func pids() throws -> [String] {
        [String(stand.pid), try #require(try stand.must("GET", "status")["courier"]?["pid"]?.text)]
    }

    /// A line of a process's status, KiB.
    private static func kib(_ name: String, of pid: String) -> Int? {
        Shell.text(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix(name + ":") }?
            .split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) }
    }

    @Test func `may come in chunks, of no length told before`() throws {
        let bearer = try lease().bearer
        let wire = try gateway.connect()
        for count in [1, 3_000_000] {
            try wire.send(head(bearer, ["Transfer-Encoding: chunked"]))
            let body = JSON.object(["text": .string(String(repeating: "x", count: count))]).bytes
            for piece in stride(from: 0, to: body.count, by: 70_000).map({ body[$0..<min(body.count, $0 + 70_000)] }) {
                try wire.send(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8))
            }
            try wire.send(Array("0\r\n\r\n".utf8))
            let reply = try wire.receive()
            #expect(reply.status == 200 && reply["args"]?["text"]?.text?.utf8.count == count, "\(reply.status)")
        }
    }

    @Test func `is refused unread where it cannot be allowed`() throws {
        let bearer = try lease().bearer
        let form = "Content-Type: application/x-www-form-urlencoded"
        for (bearer, path, fields, code) in [
            (bearer, "/slack/api.test", ["Content-Length: 30000000"], "too_large"),
            ("ptcp_no", "/slack/api.test", ["Content-Length: 3000000"], "invalid_token"),
            (bearer, "/slack/users.list", ["Content-Length: 3000000"], "denied"),
            (bearer, "/slack/../api.test", ["Transfer-Encoding: chunked"], "bad_request"),
            (bearer, "/nowhere", ["Transfer-Encoding: chunked"], "not_found"),
        ] {
            let wire = try gateway.connect()
            try wire.send(head(bearer, fields, path: path))
            let reply = try wire.receive()
            #expect(reply.code == code && reply.requestID != nil, "\(path): \(reply.text)")
        }
        let wire = try gateway.connect()
        try wire.send(
            Wire.request(
                "GET", "/slack/api.test",
                ["Host: \(gateway.address)", "Authorization: Bearer \(bearer)", form, "Content-Length: 2000000"],
                host: nil))
        #expect(try wire.receive().code == "too_large")
        #expect(try gateway.stand.sim?.count("api.test") == 0)
    }

    @Test func `ends at the limit where nobody said how long it is`() throws {
        let bearer = try lease().bearer
        let wire = try gateway.connect()
        try wire.send(head(bearer, ["Transfer-Encoding: chunked"]))
        let piece = Array("100000\r\n".utf8) + [UInt8](repeating: 0x20, count: 1 << 20) + Array("\r\n".utf8)
        // The connection may be gone before its last words are read.
        #expect(throws: SystemError.self) { for _ in 0..<60 { try wire.send(piece) } }
        #expect(try stand.sim?.count("api.test") == 0)
        #expect(try gateway.call("/slack/auth.test", bearer)["ok"] == true)
    }

    @Test func `lets no byte of the token out`() throws {
        let bearer = try lease().bearer
        let token = try #require(gateway.planted.botToken)
        let padding = String(repeating: "x", count: 3_000_000)
        let body = JSON.object(["text": .string(padding + token + padding)])
        let wire = try gateway.connect()
        let fields = gateway.headers(bearer) + ["Connection: close"]
        try wire.send(Wire.request("POST", "/slack/api.test", fields, body: body.bytes, host: nil))
        let told = wire.rest()
        #expect(told.utf8.count > 1_000_000 && !told.contains(token) && !told.hasSuffix("}"))
        #expect(try eventually { try stand.records().contains { $0["reason"] == "token_in_answer" } })
    }

    /// Nothing of a call is left when its client is.
    @Test func `ends in both processes when its client is gone`() throws {
        let bearer = try lease().bearer
        #expect(try gateway.call("/slack/auth.test", bearer)["ok"] == true)
        let pids = try pids()
        func threads(_ name: String) throws -> Int {
            var count = 0
            for pid in pids {
                for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")
                where Shell.text(of: "/proc/\(pid)/task/\(task)/comm") == name + "\n" { count += 1 }
            }
            return count
        }
        try stand.sim?.fault("auth.test", "endless", times: 4)
        let down = try (0..<4).map { _ in try gateway.connect() }
        for wire in down {
            try wire.send(Wire.request("POST", "/slack/auth.test", gateway.headers(bearer), host: nil))
        }
        let up = try (0..<4).map { _ in try gateway.connect() }
        for wire in up {
            try wire.send(head(bearer, ["Content-Length: 20000000"]))
            try wire.send([UInt8](repeating: 0x20, count: 2_000_000))
        }
        #expect(eventually { down.allSatisfy { $0.arrived() > 1000 } })
        #expect(try eventually { try threads("gateway") >= 8 })
        for wire in down + up { wire.hangUp() }
        // One that waits for the next call is kept.
        #expect(try eventually { try threads("gateway") == 0 && threads("passage") <= 1 })
        #expect(try gateway.call("/slack/auth.test", bearer)["ok"] == true)
    }
}
