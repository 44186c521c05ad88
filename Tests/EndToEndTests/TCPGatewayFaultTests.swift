import Glibc
import Linux
import Testing

@testable import postern_sim

@Suite struct `The TCP gateway, when things go wrong` {
    private static func courier(of stand: Stand) throws -> Int32 {
        var pid: Int64 = 0
        _ = try eventually {
            if case .integer(let number)? = try stand.must("GET", "status")["courier"]?["pid"] { pid = number }
            return pid != 0
        }
        return Int32(pid)
    }

    /// The port stays ours: who connects while there is no courier waits for the next one.
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `survives its courier, with the same port and no gap`() throws {
        let gateway = try TCPGateway()
        let bearer = try gateway.bearer()
        for _ in 0..<3 {
            let first = try Self.courier(of: gateway.stand)
            try gateway.stand.sim?.control(
                "POST", "faults",
                ["match": "auth.test", "fault": "delay", "delay_ms": 20_000, "times": 1])
            let under = try gateway.connect()
            try under.send(Wire.request("POST", "/slack/auth.test", gateway.headers(bearer), host: nil))
            #expect(try eventually { try gateway.stand.sim?.control("GET", "faults")["faults"]?.count == 0 })
            #expect(Glibc.kill(first, SIGKILL) == 0)
            // It can take a connection until it is gone. Then at once, not when the next one is there.
            #expect(eventually { Glibc.kill(first, 0) != 0 })
            // Many, so that some are let in before the next one has said that it is there.
            let waiting = try (0..<24).map { _ in try gateway.connect() }
            for wire in waiting {
                try wire.send(
                    Wire.request(
                        "POST", "/slack/chat.postMessage", gateway.headers(bearer), body: TCPGateway.message.bytes,
                        host: nil))
            }
            for wire in waiting {
                let reply = try wire.receive()
                #expect(reply["ok"] == true, "\(reply.text)")
            }
            #expect(throws: SystemError.self) { try under.receive() }
            #expect(try TCPGateway.address(of: gateway.stand) == gateway.address)
            #expect(try Self.courier(of: gateway.stand) != first)
        }
    }

    /// A flood here is none at the callback listener, nor for another user.
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `fills up for one user without closing to others or to browsers`() throws {
        let gateway = try TCPGateway()
        let bearer = try gateway.bearer()
        let held = try (0..<300).map { _ in try gateway.connect(uid: Stand.stranger) }
        for wire in held { try? wire.send(Array("POST /slack/auth.test HTTP/1.1\r\n".utf8)) }
        #expect(try held[299].receive().code == "too_many_connections")
        #expect(try gateway.call("/slack/auth.test", bearer)["ok"] == true)
        #expect(try Browser().get(gateway.stand.callback + "/nothing").status == 404)
    }

    /// What the courier alone says no to, the log has too, under the id that was told, without a byte of it.
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `puts on record what never became a call`() throws {
        let gateway = try TCPGateway()
        let host = "Host: \(gateway.address)"
        let long = String(repeating: "a", count: 60_000)
        for (uid, head, status, reason) in [
            (3001, "POST /slack/x HTTP/1.1\r\n\(host)\r\nX: \(long.prefix(26_000))", 431, "header_too_large"),
            (3002, "POST /slack/x HTTP/1.1\r\n\(host)\r\nContent-Length: 1\r\nContent-Length: 2", 400, "bad_request"),
            (3003, "POST /slack/\u{1} HTTP/1.1\r\n\(host)\r\nContent-Length: 0", 400, "bad_request"),
            (3004, "POST /slack/\(long) HTTP/1.1\r\n\(host)", 0, "bad_request"),
            (3005, "POST /slack/x HTTP/1.1\r\nX: \(long)", 0, "header_too_large"),
        ] as [(Int64, String, Int, String)] {
            let wire = try gateway.connect(uid: UInt32(uid))
            try? wire.send(Array((head + "\r\n\r\n").utf8))
            var id: String?
            // The library's own page has no id, and may be lost with what nobody read.
            if status == 0 {
                #expect(!wire.rest().hasPrefix("HTTP/1.1 2"))
            } else {
                let reply = try wire.receive()
                #expect(reply.status == status && reply.code == reason, "\(head.prefix(60)): \(reply.text)")
                id = reply.requestID
            }
            let isNoted = try eventually {
                try gateway.stand.records().contains {
                    $0["action"] == "gateway.call" && $0["outcome"] == "error" && $0["reason"]?.text == reason
                        && $0["actor"]?["uid"] == .integer(uid) && (id == nil || $0["request_id"]?.text == id)
                }
            }
            #expect(isNoted, "\(head.prefix(60))")
        }
        #expect(try !"\(gateway.stand.records())".contains("aaaaaaaa"))
    }

    @Test func `is off unless asked for, and on loopback only`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish()
        let refused = try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot", "deliver": "tcp"])
        #expect(refused.code == "unsupported", "\(refused.text)")
        // Nobody was told of a lease, so there is none.
        #expect(try stand.must("GET", "services/bridge")["live_leases"] == 0)
        #expect(try stand.must("GET", "status")["courier"]?["gateway"]?.text == nil)
    }

    @Test func `says at start that its port is taken`() throws {
        let taken = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        let bound = taken.boundPort
        let stand = try Stand(flags: ["--gateway-listen", "127.0.0.1:\(try #require(bound))"])
        let child = try stand.launch()
        #expect(try child.wait() == .exited(6))
        #expect(stand.log.contains("another process uses this port"))
    }
}

@Suite struct `A revocation at the TCP gateway` {
    /// Design, section 4: what a client has received when the revocation is acknowledged is what had left.
    @Test(arguments: ["lease", "service"])
    func `is followed by no answer, while sixteen clients hammer`(_ what: String) throws {
        let gateway = try TCPGateway()
        let lease = try gateway.access()
        let bearer = try #require(lease["access_token"]?.text)
        let depth = 30
        let request = Wire.request("POST", "/slack/auth.test", gateway.headers(bearer), host: nil)
        let clients = try (0..<16).map { _ in try gateway.connect() }
        for client in clients { try client.send((0..<depth).flatMap { _ in request }) }
        for client in clients { #expect(try client.receive()["ok"] == true) }
        if what == "lease" {
            try gateway.stand.must("DELETE", "leases/\(lease["lease_id"]?.text ?? "")")
        } else {
            try gateway.stand.must("POST", "services/bridge/suspend")
        }
        let left = clients.map { $0.arrived() }
        // However quick the ones before were: this one comes too late.
        for client in clients { try? client.send(request) }
        var after = 0
        var ended = 0
        for (client, left) in zip(clients, left) {
            for _ in 1...depth {
                // A connection may have been cut with an answer of before on it.
                guard let reply = try? client.receive(), reply.status == 200 else {
                    ended += 1
                    break
                }
                if client.taken > left { after += 1 }
            }
        }
        #expect(after == 0)
        #expect(ended == clients.count)
    }
}
