import Linux
import Testing
import WebhookVectors

@testable import postern_sim

/// Design, section 3: once an answer is sent, a scan of both processes finds nothing of what made it.
@Suite struct `After calls through the gateway at both doors` {
    private let gateway: TCPGateway
    private var stand: Stand { gateway.stand }

    init() throws {
        gateway = try TCPGateway(methods: ["*"])
    }

    /// A kept connection of each kind, and what a request on it needs.
    private struct Door {
        let wire: Wire
        let base: String
        let headers: [String]
        let host: String?

        func call(_ method: String, _ path: String, body: [UInt8] = []) throws -> Reply {
            try wire.send(Wire.request(method, base + path, headers, body: body, host: host))
            return try wire.receive()
        }
    }

    private func unix(_ app: String, _ leg: String) throws -> Door {
        let reply = try stand.broker("POST", "apps/\(app)/access", ["as": .string(leg)])
        let lease = try #require(reply["lease_id"]?.text, "\(reply.text)")
        return Door(
            wire: try Wire(stand.brokerSocket, uid: Stand.bridge), base: "/v1/gateway/\(lease)/",
            headers: ["Content-Type: application/json"], host: "postern")
    }

    private func tcp(_ app: String, _ leg: String, _ base: String) throws -> (door: Door, bearer: String) {
        let reply = try gateway.access(["as": .string(leg)], app: app)
        let bearer = try #require(reply["access_token"]?.text, "\(reply.text)")
        let door = Door(wire: try gateway.connect(), base: base, headers: gateway.headers(bearer), host: nil)
        return (door, bearer)
    }

    /// Calls of every length, both ways.
    private func work(_ door: Door) throws {
        let long = JSON.object(["text": .string(String(repeating: "a long body, ", count: 30_000))]).bytes
        let longer = JSON.object(["text": .string(String(repeating: "a longer body, ", count: 90_000))]).bytes
        for _ in 0..<10 { #expect(try door.call("POST", "auth.test")["ok"] == true) }
        for body in [long, longer] {
            let reply = try door.call("POST", "api.test", body: body)
            #expect(reply.status == 200 && reply.body.count > body.count, "\(reply.text.prefix(300))")
        }
        #expect(try door.call("POST", "auth.test/../x").status == 400)
    }

    /// Ones that end otherwise: the platform sends the token back, it answers with no end, the client does not wait.
    private func stumble(_ token: String, _ door: () throws -> Door) throws {
        let sim = try #require(stand.sim)
        for padding in [0, 40_000] {
            let text = String(repeating: "x", count: padding) + token
            let echoed = try door()
            try echoed.wire.send(
                Wire.request(
                    "POST", echoed.base + "api.test", echoed.headers, body: JSON.object(["text": .string(text)]).bytes,
                    host: echoed.host))
            #expect(!echoed.wire.rest(atLeast: 100).contains(token))
            echoed.wire.hangUp()
        }
        for fault in ["endless", "huge"] {
            try sim.fault("auth.test", fault)
            let gone = try door()
            try gone.wire.send(Wire.request("POST", gone.base + "auth.test", gone.headers, host: gone.host))
            #expect(eventually { gone.wire.arrived() > 1000 })
            gone.wire.hangUp()
        }
    }

    /// The platform does not take its token any more, so that there are two of them in one call.
    private func renew(_ customer: Customer, _ door: Door, _ traces: inout Traces) throws {
        try traces.add("app secret", customer.app["app_secret"]?.text)
        try traces.add("token before", try customer.access("tenant")["access_token"]?.text)
        try customer.sim.control(
            "POST", "expire", ["platform": .string(customer.platform), "app_id": .string(customer.appID)])
        let reply = try door.call("GET", "bot/v3/info")
        #expect(reply["code"] == 0, "\(reply.text)")
        #expect(try customer.sim.count("\(customer.platform):auth.v3.tenant_access_token.internal") == 2)
        try traces.add("token after", try customer.access("tenant")["access_token"]?.text)
    }

    /// Encrypted events, on one connection.
    private func webhooks(_ traces: inout Traces) throws -> Wire {
        let vector = try #require(try WebhookVector.all().first { $0.id == "feishu-event-encrypted-ok" })
        var secrets = vector.credentials
        let appID = try #require(secrets["app_id"])
        secrets["app_id"] = nil
        try stand.addWebhookApp("feishu", appID, secrets)
        try stand.grant("acme/*/*", actions: ["webhook:verify"])
        for (name, value) in secrets { try traces.add(name, value) }
        let inside = ["ou_7d8a6e6df7621556ce0d21922b676706ccs", "om_5ce6d572455d361153b7cb51da133945"]
        for part in inside { try traces.add("event", part) }
        let wire = try Wire(stand.brokerSocket, uid: Stand.bridge)
        for _ in 0..<20 {
            let sent = try SentVector(vector, now: Clock.wallMilliseconds / 1000)
            try wire.send(
                Wire.request(
                    "POST", "/v1/apps/feishu/\(appID)/webhooks/verify", sent.headers.map { "\($0[0]): \($0[1])" },
                    body: sent.body))
            let reply = try wire.receive()
            #expect(reply["valid"] == true && inside.allSatisfy(reply.text.contains), "\(reply.text)")
        }
        return wire
    }

    @Test func `no token, no bearer and no decrypted event is in memory, files, logs or audit export`() throws {
        var traces = try Traces(of: stand)
        let token = try #require(gateway.planted.botToken)
        try traces.add("token", token)
        let here = try unix(Stand.app, "bot")
        let (there, bearer) = try tcp(Stand.app, "bot", "/slack/")
        try traces.add("bearer", bearer)
        for door in [here, there] { try work(door) }
        try stumble(token) { try unix(Stand.app, "bot") }
        try stumble(token) { () throws -> Door in
            let (door, bearer) = try tcp(Stand.app, "bot", "/slack/")
            try traces.add("bearer of a stumble", bearer)
            return door
        }
        let (lark, feishu) = (try Customer("lark", stand), try Customer("feishu", stand))
        let (farther, fartherBearer) = try tcp("lark/\(lark.appID)", "tenant", "/open-apis/")
        try traces.add("bearer at Lark", fartherBearer)
        let nearer = try unix("feishu/\(feishu.appID)", "tenant")
        try renew(lark, farther, &traces)
        try renew(feishu, nearer, &traces)
        let open = try webhooks(&traces)
        // Connections of clients, and the courier's to the platform, are still there and keep nothing. What the courier
        // keeps is gone by itself 15 s after its last call, so it is used and looked at before.
        var left: [String] = []
        var isClean = false
        for _ in 0..<8 where !isClean {
            for door in [here, there] { #expect(try door.call("POST", "auth.test")["ok"] == true) }
            isClean = eventually(within: 8) {
                left = traces.inMemory()
                return left.isEmpty
            }
        }
        #expect(isClean, "\(left)")
        for wire in [here.wire, there.wire, nearer.wire, farther.wire, open] { wire.hangUp() }
        #expect(try traces.inFiles() == [])
    }

    /// A scan that could find nothing would prove nothing: while the platform is being asked, all of it is there.
    @Test(.enabled(if: Shell.isRoot, "not root: the memory of another process cannot be read"))
    func `the scan would have found them`() throws {
        var traces = try Traces(of: stand)
        let (door, bearer) = try tcp(Stand.app, "bot", "/slack/")
        try traces.add("token", gateway.planted.botToken)
        try traces.add("bearer", bearer)
        try stand.sim?.control("POST", "faults", ["match": "auth.test", "fault": "delay", "delay_ms": 60_000])
        try door.wire.send(Wire.request("POST", "/slack/auth.test", door.headers, host: nil))
        let isThere = eventually {
            let found = traces.inMemory()
            return ["token in posternd", "token in postern-courier", "bearer in postern-courier"].allSatisfy { trace in
                found.contains { $0.hasPrefix(trace) }
            }
        }
        #expect(isThere, "\(traces.inMemory())")
    }
}
