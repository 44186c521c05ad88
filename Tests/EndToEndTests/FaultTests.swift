import Glibc
import Linux
import Testing

@testable import postern_sim

@Suite struct `When the platform or the courier fails` {
    private func pid(of stand: Stand) throws -> Int32 {
        var pid: Int32 = 0
        _ = try eventually {
            guard case .integer(let number)? = try stand.must("GET", "status")["courier"]?["pid"] else { return false }
            pid = Int32(number)
            return true
        }
        return pid
    }

    @Test func `what it did instead of answering is named, recorded and loses nothing`() throws {
        let stand = try Stand(simulated: true).start()
        let planted = try stand.furnish()
        let lease = try stand.lease()
        let sim = try #require(stand.sim)
        // What the platform says is the bridge's to read, whatever it says.
        try sim.fault("auth.test", "html")
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").status == 200)
        for fault in ["refuse", "close", "truncate"] {
            try sim.fault("auth.test", fault)
            let reply = try stand.broker("POST", "gateway/\(lease)/auth.test")
            #expect(
                reply.status == 502 && ["platform_unreachable", "platform_refused"].contains(reply.code),
                "\(fault): \(reply.status) \(reply.text.prefix(200))")
        }
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
        // Last, since it comes with a wish to wait, which is remembered.
        try sim.fault("auth.test", "status:503")
        for status in [503, 429] {
            #expect(try stand.broker("POST", "gateway/\(lease)/auth.test").status == status)
        }
        #expect(try stand.read("bot_token")["value"]?.text == planted.botToken)
        let failed = try stand.records().filter { $0["action"] == "gateway.call" && $0["outcome"] == "error" }
        #expect(failed.count >= 3)
    }

    @Test func `verifying an app says what could not be checked, and keeps it`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish()
        let sim = try #require(stand.sim)
        for fault in ["html", "status:500", "close"] {
            // Something has to be new, or what was found before is told again.
            try stand.must("PUT", "apps/\(Stand.app)/secrets/verification_token", ["value": .string("fake-\(fault)")])
            try sim.fault("*", fault, times: 10)
            let reply = try stand.must("POST", "apps/\(Stand.app)/verify", ["fresh": true])
            #expect(
                reply["asked_now"] == true && reply.text.contains(#""result":"inconclusive""#),
                "\(fault): \(reply.text)")
            #expect(!reply.text.contains(#""result":"failed""#), "\(fault): an outage is no verdict: \(reply.text)")
            try sim.control("DELETE", "faults")
        }
        #expect(try stand.must("GET", "apps/\(Stand.app)")["claim"] == "proven")
    }

    @Test func `a platform that is down is named`() throws {
        let closed = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0)).boundPort ?? 0
        let stand = try Stand(flags: ["--platform-url", "slack.api=http://127.0.0.1:\(closed)/api"]).start()
        try stand.furnish()
        let reply = try stand.admin(
            "POST", "apps",
            [
                "tenant": "acme", "profile": "slack", "app_id": "A0555555555", "fields": ["client_id": "1.2"],
                "secrets": ["client_secret": "fake", "bot_token": "xoxb-fake"], "verify": true,
            ])
        // The credentials are kept, and what could not be asked says so.
        #expect(reply.status == 201 && reply["claim"] == "unproven", "\(reply.text)")
        guard case .array(let checks)? = reply["checks"] else {
            Issue.record("\(reply.text)")
            return
        }
        let token = try #require(checks.first { $0["name"] == "bot_token" })
        #expect(token["result"] == "inconclusive", "an outage is no verdict")
        #expect(token["compared"]?.text?.contains("platform_unreachable") == true)
        #expect(token["advice"]?.text?.isEmpty == false)
        #expect(try stand.must("GET", "apps/slack/A0555555555")["claim"] == "unproven")
    }

    @Test func `a killed courier fails what waits for it by name, and the next call works`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnish()
        let lease = try stand.lease()
        let sim = try #require(stand.sim)
        try sim.control(
            "POST", "faults", ["match": "auth.test", "fault": "delay", "delay_ms": 20_000, "times": 8])
        let waiting = try (0..<8).map { _ in
            let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
            try wire.send(Wire.request("POST", "/v1/gateway/\(lease)/auth.test"))
            return wire
        }
        let courier = try pid(of: stand)
        // All eight are at the platform.
        #expect(try eventually { try sim.control("GET", "faults")["faults"] == .array([]) })
        Glibc.kill(courier, SIGKILL)
        for wire in waiting {
            let reply = try wire.receive()
            #expect(reply.code == "courier_unavailable" && reply.status == 503, "\(reply.text)")
        }
        #expect(try stand.broker("POST", "gateway/\(lease)/auth.test")["ok"] == true)
        #expect(try pid(of: stand) != courier)
    }
}
