package import Rules
import SQLite
import Sealing

/// Access handed to a service and not yet ended.
package struct Lease: Row, Sendable {
    /// How the holder uses the platform: through the gateway, with the token itself, or through the gateway on loopback
    /// with a bearer.
    package enum Delivery: String, Sendable, CaseIterable {
        case gateway
        case token
        case tcp
    }

    /// Where it stands; the raw values are in the file.
    package enum State: String, Sendable {
        case live
        case revoked
    }

    static let name = TableName.leases

    /// `ls_` and 32 hex digits (`newID`); not a secret, since only its own service may use it.
    package let id: String
    package let service: Int64
    package let app: Int64
    package let installation: Int64
    package let leg: Leg
    package let grant: Int64
    package let delivery: Delivery
    package var methods: [String]
    package var scope: [String]
    package let createdAt: Int64
    package var expiresAt: Int64
    /// The boot clock's share of the promise "the earlier of wall and boot clock" (design, section 4).
    package let bootID: String
    package var bootExpires: Int64
    /// The token version handed out; 0 for a gateway lease, which lives through rotation.
    package let version: Int64
    package var state: State
    /// Its place among all that was ever given an id: leases given before another end with it (`Ending`). The writer
    /// sets it.
    var serial: Int64 = 0
    /// The user of the process that asked; nil where an older release gave the lease.
    package let uid: UInt32?
    /// The process that alone may use it, as `Peer` names it; empty where any of its service may.
    package let process: String
    /// BLAKE2b-256 of the bearer that stands for it on loopback TCP; empty where it has none.
    package let bearer: [UInt8]

    /// A new lease's id: 48 bits of the time in milliseconds, so that leases given one after the other lie beside each
    /// other in the file, and 80 random ones.
    package static func newID(at now: Int64) -> String {
        var bytes = Sodium.randomBytes(16)
        for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: now >> (40 - 8 * Int64(index))) }
        return "ls_" + Hex.encode(bytes.span)
    }

    /// Every field as given.
    package init(
        id: String, service: Int64, app: Int64, installation: Int64, leg: Leg, grant: Int64, delivery: Delivery,
        methods: [String], scope: [String], createdAt: Int64, expiresAt: Int64, bootID: String, bootExpires: Int64,
        version: Int64, uid: UInt32? = nil, process: String = "", bearer: [UInt8] = []
    ) {
        self.id = id
        self.service = service
        self.app = app
        self.installation = installation
        self.leg = leg
        self.grant = grant
        self.delivery = delivery
        self.methods = methods
        self.scope = scope
        self.createdAt = createdAt
        self.expiresAt = expiresAt
        self.bootID = bootID
        self.bootExpires = bootExpires
        self.version = version
        self.uid = uid
        self.process = process
        self.bearer = bearer
        state = .live
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let leg = Leg(rawValue: row.text(first + 4)), let delivery = Delivery(rawValue: row.text(first + 6)),
            let methods = JSONText.list(row.text(first + 7)), let scope = JSONText.list(row.text(first + 8)),
            let state = State(rawValue: row.text(first + 14))
        else { throw Self.name.unreadable }
        id = row.text(first)
        service = row.integer(first + 1)
        app = row.integer(first + 2)
        installation = row.integer(first + 3)
        self.leg = leg
        grant = row.integer(first + 5)
        self.delivery = delivery
        self.methods = methods
        self.scope = scope
        createdAt = row.integer(first + 9)
        expiresAt = row.integer(first + 10)
        bootID = row.text(first + 11)
        bootExpires = row.integer(first + 12)
        version = row.integer(first + 13)
        self.state = state
        serial = row.integer(first + 15)
        uid = row.isNull(first + 16) ? nil : UInt32(truncatingIfNeeded: row.integer(first + 16))
        process = row.text(first + 17)
        bearer = row.blob(first + 18)
    }

    var values: [Value] {
        [
            .text(id), .int(service), .int(app), .int(installation), .text(leg.rawValue), .int(grant),
            .text(delivery.rawValue), .text(JSONText.text(methods)), .text(JSONText.text(scope)), .int(createdAt),
            .int(expiresAt), .text(bootID), .int(bootExpires), .int(version), .text(state.rawValue),
            .int(serial), .optional(uid.map(Int64.init)), .text(process), .blob(bearer),
        ]
    }
}
