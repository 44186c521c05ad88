import Glibc
import Linux
import Testing

@testable import postern_sim

@Suite struct `A body on its way through the gateway` {
    private let stand: Stand

    init() throws {
        stand = try Stand(simulated: true).start()
        try stand.furnish(methods: ["auth.test", "api.test"])
    }

    private func open(_ request: [UInt8]) throws -> Wire {
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try wire.send(request)
        return wire
    }

    /// A request for so many bytes of JSON, of which none is sent yet.
    private func upload(_ lease: String, _ count: Int) -> [UInt8] {
        let lines = [
            "POST /v1/gateway/\(lease)/api.test HTTP/1.1", "Host: postern", "Content-Type: application/json",
            "Content-Length: \(count)", "", "",
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    /// What the keeper has of the machine's memory, KiB.
    private func memory() throws -> Int {
        let line = Shell.text(of: "/proc/\(stand.pid)/status").split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return try #require(line?.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap { Int($0) })
    }

    /// They hold a thread and two sockets each, and no lock.
    @Test func `that nobody reads, or whose reader is gone, holds nobody up`() throws {
        let sim = try #require(stand.sim)
        let (theirs, mine) = (try stand.lease(), try stand.lease())
        try sim.fault("auth.test", "endless", times: 24)
        let slow = try (0..<24).map { _ in try open(Wire.request("POST", "/v1/gateway/\(theirs)/auth.test")) }
        #expect(eventually { slow.allSatisfy { $0.arrived() > 1000 } })
        for _ in 0..<20 { #expect(try stand.broker("POST", "gateway/\(mine)/api.test")["ok"] == true) }
        // Half of them go away in the middle, without a word.
        for wire in slow[..<12] { wire.hangUp() }
        for _ in 0..<20 { #expect(try stand.broker("POST", "gateway/\(mine)/api.test")["ok"] == true) }
        // And a revocation waits for none of the others, which it ends.
        try stand.must("DELETE", "leases/\(theirs)")
        for wire in slow[12...] { #expect(wire.rest().utf8.count < 8 << 20) }
        #expect(try stand.broker("POST", "gateway/\(theirs)/auth.test").code == "expired")
        #expect(try stand.broker("POST", "gateway/\(mine)/api.test")["ok"] == true)
    }

    @Test func `takes no memory for its length`() throws {
        let lease = try stand.lease()
        let piece = [UInt8](repeating: UInt8(ascii: " "), count: 1 << 20)
        /// How much more memory the keeper has when all but the last two bytes have been sent.
        func send(_ pieces: Int) throws -> Int {
            let before = try memory()
            let wire = try open(upload(lease, pieces * piece.count + 2))
            for _ in 0..<pieces { try wire.send(piece) }
            let more = try memory() - before
            try wire.send(Array("{}".utf8))
            #expect(try wire.receive().status == 200)
            return more
        }
        // What the first of its kind needs stays.
        _ = try send(2)
        let more = try send(20)
        #expect(more < 4 * 1024, "\(more) KiB more for 20 MiB")
    }
}
