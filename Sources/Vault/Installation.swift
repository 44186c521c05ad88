package import Rules
import SQLite

/// Where an app is installed (a workspace, an organisation) or which person of it gave consent.
package struct Installation: Row, Sendable {
    /// Where it stands; the raw values are in the file.
    package enum State: String, Sendable {
        case active
        case disconnected
    }

    static let name = TableName.installations

    package let id: Int64
    package let app: Int64
    package let tenant: Int64
    package var enterpriseID: String
    /// Slack's team; empty for an org-wide install.
    package var teamID: String
    package var teamName: String
    package var isEnterprise: Bool
    /// Empty for the installation itself, which has the bot leg; a person's has the user leg.
    package let userID: String
    package var botUserID: String
    package var state: State
    package let createdAt: Int64
    package var updatedAt: Int64

    init(
        id: Int64, app: Int64, tenant: Int64, enterpriseID: String, teamID: String, teamName: String,
        isEnterprise: Bool, userID: String, botUserID: String, createdAt: Int64
    ) {
        self.id = id
        self.app = app
        self.tenant = tenant
        self.enterpriseID = enterpriseID
        self.teamID = teamID
        self.teamName = teamName
        self.isEnterprise = isEnterprise
        self.userID = userID
        self.botUserID = botUserID
        state = .active
        self.createdAt = createdAt
        updatedAt = createdAt
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let state = State(rawValue: row.text(first + 9)) else { throw Self.name.unreadable }
        id = row.integer(first)
        app = row.integer(first + 1)
        tenant = row.integer(first + 2)
        enterpriseID = row.text(first + 3)
        teamID = row.text(first + 4)
        teamName = row.text(first + 5)
        isEnterprise = row.integer(first + 6) != 0
        userID = row.text(first + 7)
        botUserID = row.text(first + 8)
        self.state = state
        createdAt = row.integer(first + 10)
        updatedAt = row.integer(first + 11)
    }

    var values: [Value] {
        [
            .int(id), .int(app), .int(tenant), .text(enterpriseID), .text(teamID), .text(teamName),
            .int(isEnterprise ? 1 : 0), .text(userID), .text(botUserID), .text(state.rawValue), .int(createdAt),
            .int(updatedAt),
        ]
    }
}

/// What is known of a token leg; the access token itself is a secret of the leg's kind.
package struct LegRow: Row, Sendable {
    /// Where it stands; the raw values are in the file.
    package enum State: String, Sendable {
        case active
        case needsReauthorization = "needs_reauthorization"
        case revoked
    }

    static let name = TableName.legs

    package let installation: Int64
    package let leg: Leg
    /// Granted scopes, sorted.
    package var scope: [String]
    package var state: State
    /// When the access token ends, milliseconds since 1970; nil when it does not.
    package var expiresAt: Int64?
    var refreshSealed: [UInt8]?
    var refreshFingerprint: [UInt8]?
    /// Fences refreshes: every new pair raises it.
    package var generation: Int64
    /// The fingerprint of the refresh token that is being spent, while a refresh is in flight.
    var inFlight: [UInt8]?
    package var updatedAt: Int64

    init(installation: Int64, leg: Leg, scope: [String], expiresAt: Int64?, generation: Int64, now: Int64) {
        self.installation = installation
        self.leg = leg
        self.scope = scope
        state = .active
        self.expiresAt = expiresAt
        self.generation = generation
        updatedAt = now
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let leg = Leg(rawValue: row.text(first + 1)), let scope = JSONText.list(row.text(first + 2)),
            let state = State(rawValue: row.text(first + 3))
        else { throw Self.name.unreadable }
        installation = row.integer(first)
        self.leg = leg
        self.scope = scope
        self.state = state
        expiresAt = row.isNull(first + 4) ? nil : row.integer(first + 4)
        refreshSealed = row.isNull(first + 5) ? nil : row.blob(first + 5)
        refreshFingerprint = row.isNull(first + 6) ? nil : row.blob(first + 6)
        generation = row.integer(first + 7)
        inFlight = row.isNull(first + 8) ? nil : row.blob(first + 8)
        updatedAt = row.integer(first + 9)
    }

    var values: [Value] {
        [
            .int(installation), .text(leg.rawValue), .text(JSONText.text(scope)), .text(state.rawValue),
            .optional(expiresAt), .optional(refreshSealed), .optional(refreshFingerprint), .int(generation),
            .optional(inFlight), .int(updatedAt),
        ]
    }
}
