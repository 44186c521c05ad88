import Linux
import Testing

@testable import postern_sim

/// A call through the gateway under way: an answer of eight megabytes of which the beginning has come, or a body of six
/// of which half is sent.
private struct LongCall {
    static let half = [UInt8](repeating: UInt8(ascii: " "), count: 3 << 20)
    static let length = 2 * half.count + 2

    let wire: Wire
    let isUpload: Bool

    /// Whether it has ended without what it was for; what is left of it is read or sent.
    func isCut() -> Bool {
        guard isUpload else { return wire.rest(atLeast: 8 << 20).utf8.count < 8 << 20 }
        // The rest may still be taken by the kernel; what comes back is no answer of the platform's.
        try? wire.send(Self.half + Array("{}".utf8))
        return (try? wire.receive())?.status != 200
    }
}

/// A user with two leases of an app: one for broker.sock, and one for the TCP gateway.
private struct Holder {
    let gateway: TCPGateway
    let uid: UInt32?
    let lease: String
    let bearer: String
    let bearersLease: String

    init(_ gateway: TCPGateway, app: String = Stand.app, uid: UInt32? = Stand.bridge) throws {
        (self.gateway, self.uid) = (gateway, uid)
        lease = try gateway.stand.lease(app, uid: uid)
        let other = try gateway.access(app: app, uid: uid)
        bearer = try #require(other["access_token"]?.text, "\(other.text)")
        bearersLease = try #require(other["lease_id"]?.text)
    }

    func begin(tcp: Bool, upload: Bool) throws -> LongCall {
        let wire = tcp ? try gateway.connect(uid: uid) : try Wire(gateway.stand.brokerSocket, uid: uid)
        let call = upload ? "api.test" : "auth.test"
        let lines =
            ["POST \(tcp ? "/slack" : "/v1/gateway/\(lease)")/\(call) HTTP/1.1"]
            + (tcp ? gateway.headers(bearer) : ["Host: postern", "Content-Type: application/json"])
            + ["Content-Length: \(upload ? LongCall.length : 0)", "", ""]
        try wire.send(Array(lines.joined(separator: "\r\n").utf8) + (upload ? LongCall.half : []))
        return LongCall(wire: wire, isUpload: upload)
    }

    /// What a new call is told, at both doors.
    func codes() throws -> [String?] {
        [
            try gateway.stand.broker("POST", "gateway/\(lease)/auth.test", uid: uid).code,
            try gateway.call("/slack/auth.test", bearer, uid: uid).code,
        ]
    }
}

/// What takes leases away, and what gives the service its rights back.
private struct Taking: Sendable {
    let name: String
    let take: @Sendable (Stand, Holder) throws -> Void
    let mend: @Sendable (Stand) throws -> Void

    init(
        _ name: String, _ take: @escaping @Sendable (Stand, Holder) throws -> Void,
        mend: @escaping @Sendable (Stand) throws -> Void = { _ in }
    ) {
        (self.name, self.take, self.mend) = (name, take, mend)
    }

    static let methods = ["auth.test", "api.test"]

    private static func suspending(_ what: String) -> Taking {
        Taking(
            "\(what) suspended", { stand, _ in try stand.must("POST", "\(what)/suspend") },
            mend: { stand in try stand.must("POST", "\(what)/resume") })
    }

    private static func grant(_ stand: Stand) throws {
        try stand.grant(actions: ["access:bot"], methods: methods)
    }

    static let all = [
        Taking(
            "lease revoked",
            { stand, holder in
                for lease in [holder.lease, holder.bearersLease] { try stand.must("DELETE", "leases/\(lease)") }
            }),
        // Others' answers and decisions are as they were: giving a lease back is ordinary traffic.
        Taking(
            "lease given back",
            { stand, holder in
                for lease in [holder.lease, holder.bearersLease] {
                    // Once more is no mistake.
                    for _ in 0..<2 {
                        guard try stand.broker("DELETE", "leases/\(lease)").status == 204 else { throw NotThere() }
                    }
                }
            }),
        Taking(
            "the service's leases revoked",
            { stand, _ in try stand.must("POST", "leases/revoke", ["service": "bridge"]) }),
        suspending("apps/\(Stand.app)"), suspending("tenants/acme"), suspending("services/bridge"),
        Taking(
            "grant removed",
            { stand, _ in
                guard case .array(let grants)? = try stand.must("GET", "grants")["grants"] else { return }
                for grant in grants where grant["service"] == "bridge" {
                    guard case .integer(let id)? = grant["id"] else { continue }
                    try stand.must("DELETE", "grants/\(id)")
                }
            }, mend: grant),
        Taking(
            "service removed", { stand, _ in try stand.must("DELETE", "services/bridge") },
            mend: { stand in
                let uid = Stand.bridge ?? Privileges.uid
                try stand.must("POST", "services", ["name": "bridge", "selectors": [.string("uid:\(uid)")]])
                try grant(stand)
            }),
        Taking("app removed", { stand, _ in try stand.must("DELETE", "apps/\(Stand.app)") }),
    ]
}

@Suite struct `A call through the gateway that takes long` {
    /// Design, sections 4 and 6: what is under way ends with its lease, whatever ends that, and nothing else does.
    @Test func `is cut by whatever takes its lease away, both ways and at both doors, and no other is`() throws {
        let gateway = try TCPGateway(methods: Taking.methods)
        let stand = gateway.stand
        let sim = try #require(stand.sim)
        // Another service's, of another app of another tenant.
        try stand.add("A0OTHER0001", of: "globex")
        let others: UInt32? = Shell.isRoot ? 1003 : nil
        try stand.grant(
            "globex/slack/*", actions: ["access:bot"], methods: Taking.methods,
            service: others == nil ? "bridge" : "other")
        for taking in Taking.all {
            let mine = try Holder(gateway)
            let theirs = others == nil ? nil : try Holder(gateway, app: "slack/A0OTHER0001", uid: others)
            let (head, seen) = (try stand.head(), try sim.count("api.test"))
            try sim.fault("auth.test", "huge", times: theirs == nil ? 2 : 3)
            let doors = [false, true]
            let down = try doors.map { try mine.begin(tcp: $0, upload: false) }
            let keptDown = try theirs?.begin(tcp: false, upload: false)
            #expect(eventually { (down + [keptDown].compactMap(\.self)).allSatisfy { $0.wire.arrived() > 1000 } })
            let up = try doors.map { try mine.begin(tcp: $0, upload: true) }
            let keptUp = try theirs?.begin(tcp: true, upload: true)
            let uploads = up.count + (keptUp == nil ? 0 : 1)
            // On the record, thus on its way: too much to be kept for a second attempt.
            let areUnderWay = try eventually {
                try stand.records(after: head).count {
                    $0["action"] == "gateway.call" && $0["outcome"] == "allowed" && $0["reason"] == "api.test"
                } == uploads
            }
            #expect(areUnderWay, "\(taking.name)")
            try taking.take(stand, mine)
            // A body that stands still for ten seconds is given up: this one goes on first.
            for call in [keptUp, keptDown] { #expect(call?.isCut() != true, "\(taking.name), another's") }
            for call in up + down { #expect(call.isCut(), "\(taking.name): \(call.isUpload ? "up" : "down")") }
            // The platform saw the whole ones alone.
            #expect(try sim.count("api.test") == seen + uploads - up.count, "\(taking.name)")
            let codes = try mine.codes()
            #expect(
                codes.allSatisfy { ["expired", "denied", "invalid_token"].contains($0) }, "\(taking.name): \(codes)")
            try taking.mend(stand)
        }
    }
}
