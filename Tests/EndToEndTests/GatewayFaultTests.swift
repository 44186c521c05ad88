import Glibc
import HTTPClient
import Linux
import Synchronization
import Testing

@testable import postern_sim

/// Calls that end otherwise than they began.
@Suite struct `A call through the gateway` {
    private let stand: Stand
    private let sim: Simulated

    init() throws {
        stand = try Stand(simulated: true, flags: ["--gateway-body-limit", "2"]).start()
        sim = try #require(stand.sim)
    }

    /// Opens an upload of `length` bytes and sends so many of them.
    private func upload(_ lease: String, length: Int, sent: Int) throws -> Wire {
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        let lines = [
            "POST /v1/gateway/\(lease)/api.test HTTP/1.1", "Host: postern", "Content-Type: application/json",
            "Content-Length: \(length)", "", "",
        ]
        try wire.send(Array(lines.joined(separator: "\r\n").utf8) + [UInt8](repeating: 0x20, count: sent))
        return wire
    }

    private func isOnRecord(after seq: Int64 = 0, _ action: String, _ reason: String, _ lease: String) throws -> Bool {
        try eventually {
            try stand.records(after: seq).contains {
                $0["action"]?.text == action && $0["reason"]?.text == reason && $0["lease_id"]?.text == lease
            }
        }
    }

    /// The platform ends the bot's token, as if somebody had revoked it.
    private func endToken() throws {
        let token = try #require(try stand.token()["access_token"]?.text)
        _ = try HTTPClient().perform(
            HTTPClient.Request(
                "POST", "\(sim.base)/api/auth.revoke", headers: [.init("Authorization", "Bearer \(token)")]))
    }

    private func rotatingLease() throws -> String {
        try stand.furnishRotating()
        return try stand.lease()
    }

    @Test func `whose token the platform refuses is made once more, however many meet it at once`() throws {
        let lease = try rotatingLease()
        try endToken()
        let before = try sim.refreshes()
        // All of them are at the platform before the first has its answer.
        try sim.control(
            "POST", "faults", ["match": "auth.test", "fault": "delay", "delay_ms": 500, "times": 16])
        let complaints = try together((0..<16).map { ("\($0)", lease) }) { lease in
            let reply = try stand.broker("POST", "gateway/\(lease)/auth.test")
            return reply["ok"] == true ? [] : [reply.text]
        }
        #expect(complaints == [])
        #expect(try sim.refreshes() == before + 1)
    }

    @Test func `is made once more when the platform's complaint comes in two pieces`() throws {
        let lease = try rotatingLease()
        try endToken()
        try sim.fault("auth.test", "pieces")
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
    }

    /// A large one cannot be made again. Its token is renewed for the next, and no revocation waits for that.
    @Test func `holds up no revocation while its token is renewed`() throws {
        let lease = try rotatingLease()
        try endToken()
        try sim.control(
            "POST", "faults", ["match": "oauth.v2.access", "fault": "delay", "delay_ms": 3000, "times": 1])
        let body = JSON.object(["text": .string(String(repeating: "x", count: 1_500_000))])
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try wire.send(
            Wire.request(
                "POST", "/v1/gateway/\(lease)/auth.test", ["Content-Type: application/json"], body: body.bytes))
        let isRenewing = try eventually { try sim.control("GET", "faults")["faults"] == .array([]) }
        #expect(isRenewing)
        try stand.must("POST", "services", ["name": "third", "selectors": ["uid:1007"]])
        try stand.must("POST", "services/third/suspend")
        #expect(try wire.receive()["ok"] == false)
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
    }

    @Test func `with a lease that has ended is on the record, and so is an answer it did not get`() throws {
        try stand.furnish(methods: ["auth.test"])
        let (ended, late) = (try stand.lease(), try stand.lease())
        try stand.must("DELETE", "leases/\(ended)")
        let reply = try stand.broker("POST", "gateway/\(ended)/auth.test")
        #expect(reply.code == "expired")
        #expect(try isOnRecord("gateway.call", "lease_ended", ended))
        #expect(try stand.must("GET", "why/\(reply.requestID ?? "")")["rule"] == "lease_ended")
        #expect(try stand.broker("POST", "leases/\(ended)/renew", [:]).code == "expired")
        #expect(try isOnRecord("lease.renew", "lease_ended", ended))

        try sim.control(
            "POST", "faults", ["match": "auth.test", "fault": "delay", "delay_ms": 700, "times": 1])
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        try wire.send(Wire.request("POST", "/v1/gateway/\(late)/auth.test"))
        #expect(try eventually { try sim.control("GET", "faults")["faults"] == .array([]) })
        try stand.must("DELETE", "leases/\(late)")
        #expect(try wire.receive().code == "expired")
        #expect(try isOnRecord("gateway.result", "answer_dropped", late))
    }

    @Test func `that is too large, or does not come whole, is on the record`() throws {
        try stand.furnish(methods: ["auth.test", "api.test"])
        let lease = try stand.lease()
        let large = try upload(lease, length: 3 << 20, sent: 0)
        #expect(try large.receive().code == "too_large")
        #expect(try isOnRecord("gateway.call", "too_large", lease))
        let chunked = try Wire(stand.brokerSocket, uid: Stand.bridge)
        // It is refused before all of it is sent.
        try? chunked.send(
            Wire.request("GET", "/v1/gateway/\(lease)/api.test", ["Transfer-Encoding: chunked"])
                + Array("300000\r\n".utf8) + [UInt8](repeating: 0x20, count: 3 << 20))
        #expect(try chunked.receive().code == "too_large")
        #expect(try isOnRecord("gateway.result", "too_large", lease))
        let before = try stand.head()
        try upload(lease, length: 2_000_000, sent: 1_500_000).hangUp()
        #expect(try isOnRecord(after: before, "gateway.result", "body_incomplete", lease))
    }

    /// A client that trickles its body can keep its turn only as long as somebody takes it.
    @Test func `whose body nobody takes any more ends, however slowly it comes`() throws {
        try stand.furnish(methods: ["auth.test", "api.test"])
        let lease = try stand.lease()
        let wire = try upload(lease, length: 2_000_000, sent: 1_200_000)
        #expect(
            try eventually {
                try stand.records().contains { $0["action"] == "gateway.call" && $0["lease_id"]?.text == lease }
            })
        guard case .integer(let courier)? = try stand.must("GET", "status")["courier"]?["pid"] else {
            throw NotThere()
        }
        Glibc.kill(Int32(courier), SIGKILL)
        let isAnswered = eventually {
            do throws(SystemError) { try wire.send([0x20]) } catch {}
            return wire.arrived() > 0
        }
        #expect(isAnswered)
        #expect(wire.rest().contains("courier_unavailable"))
    }

    @Test func `in the middle of its body ends with its lease`() throws {
        try stand.furnish(methods: ["auth.test", "api.test"])
        let reply = try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot", "ttl": 2])
        let lease = try #require(reply["lease_id"]?.text, "\(reply.text)")
        let wire = try upload(lease, length: 2_000_000, sent: 1_200_000)
        let isAnswered = eventually {
            do throws(SystemError) { try wire.send([0x20]) } catch {}
            return wire.arrived() > 0
        }
        #expect(isAnswered)
        #expect(wire.rest().contains("\"code\":\"expired\""))
    }
}
