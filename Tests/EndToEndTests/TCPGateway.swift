import Glibc
import Linux
import Outside
import Testing

@testable import postern_sim

/// A daemon that listens for unmodified SDKs on loopback, and one lease for them.
struct TCPGateway {
    let stand: Stand
    let planted: Stand.Planted
    let address: String
    var port: UInt16 { UInt16(address.split(separator: ":").last ?? "") ?? 0 }

    /// `methods` are those of the grant.
    init(
        methods: [String] = ["chat.postMessage", "auth.test"], listen: String = "127.0.0.1:0", flags: [String] = []
    ) throws {
        stand = try Stand(simulated: true, flags: ["--gateway-listen", listen] + flags).start()
        planted = try stand.furnish(actions: ["access:bot"], methods: methods)
        address = try Self.address(of: stand)
    }

    /// Where the gateway answers, once the courier has said so.
    static func address(of stand: Stand) throws -> String {
        var address: String?
        _ = try eventually {
            address = try stand.must("GET", "status")["courier"]?["gateway"]?.text
            return address != nil
        }
        return try #require(address, "\(stand.log.suffix(2000))")
    }

    /// What `access` says with `deliver: tcp`, to the service's user.
    func access(_ more: [String: JSON] = [:], app: String = Stand.app, uid: UInt32? = Stand.bridge) throws -> Reply {
        let body: [String: JSON] = ["as": "bot", "deliver": "tcp"]
        return try stand.broker(
            "POST", "apps/\(app)/access", .object(body.merging(more) { usual, given in given }), uid: uid)
    }

    func bearer(_ more: [String: JSON] = [:]) throws -> String {
        let reply = try access(more)
        return try #require(reply["access_token"]?.text, "\(reply.text)")
    }

    func connect(uid: UInt32? = Stand.bridge) throws -> Wire { try Wire(loopback: port, uid: uid) }

    /// The header fields an SDK sends.
    func headers(_ bearer: String, host: String? = nil) -> [String] {
        [
            "Host: \(host ?? address)", "Authorization: Bearer \(bearer)",
            "Content-Type: application/json; charset=utf-8",
        ]
    }

    static let message: JSON = ["channel": "#general", "text": "hello"]

    /// One call on a connection of its own.
    func call(
        _ path: String, _ bearer: String, method: String = "POST", body: JSON? = message, uid: UInt32? = Stand.bridge
    ) throws -> Reply {
        let wire = try connect(uid: uid)
        try wire.send(Wire.request(method, path, headers(bearer), body: body?.bytes ?? [], host: nil))
        return try wire.receive()
    }

    /// The reasons of refusals at the gateway, as the log has them.
    func refusals() throws -> [String] {
        try stand.records().filter { $0["action"] == "gateway.call" && $0["outcome"] == "denied" }
            .compactMap { $0["reason"]?.text }
    }
}
