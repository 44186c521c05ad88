package import Rules
import SQLite

/// Access handed to a service and not yet ended.
package struct Lease: Row, Sendable {
    /// How the holder uses the platform: through the gateway, or with the token itself.
    package enum Delivery: String, Sendable {
        case gateway
        case token
    }

    /// Where it stands; the raw values are in the file.
    package enum State: String, Sendable {
        case live
        case revoked
    }

    static let name = TableName.leases

    /// `ls_` and 32 hex digits of randomness; not a secret, since only its own service may use it.
    package let id: String
    package let service: Int64
    package let app: Int64
    package let installation: Int64
    package let leg: Leg
    package let grant: Int64
    package let delivery: Delivery
    package let methods: [String]
    package let scope: [String]
    package let createdAt: Int64
    package var expiresAt: Int64
    /// The boot clock's share of the promise "the earlier of wall and boot clock" (design, section 4).
    package let bootID: String
    package var bootExpires: Int64
    /// The token version handed out; 0 for a gateway lease, which lives through rotation.
    package let version: Int64
    package var state: State

    /// Every field as given.
    package init(
        id: String, service: Int64, app: Int64, installation: Int64, leg: Leg, grant: Int64, delivery: Delivery,
        methods: [String], scope: [String], createdAt: Int64, expiresAt: Int64, bootID: String, bootExpires: Int64,
        version: Int64
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
    }

    var values: [Value] {
        [
            .text(id), .int(service), .int(app), .int(installation), .text(leg.rawValue), .int(grant),
            .text(delivery.rawValue), .text(JSONText.text(methods)), .text(JSONText.text(scope)), .int(createdAt),
            .int(expiresAt), .text(bootID), .int(bootExpires), .int(version), .text(state.rawValue),
        ]
    }

    /// Whether the lease has ended by either clock; both in milliseconds.
    package func hasEnded(wall: Int64, boot: Int64, bootID: String) -> Bool {
        state != .live || wall >= expiresAt || (bootID == self.bootID && boot >= bootExpires)
    }
}
