import Rules
import SQLite
import Sealing

/// Where an app is installed (a workspace, an organisation) or which person of it gave consent.
package struct Installation: Row, Sendable {
    /// Where it stands; the raw values are in the file.
    package enum State: String, Sendable {
        case active
        case disconnected
    }

    static let name = TableName.installations

    /// Stands in `userID` of the one installation of an app that has its configuration token: no platform has such an
    /// id, and no list shows it.
    package static let configuration = ":configuration"

    package let id: Int64
    package let app: Int64
    package let tenant: Int64
    package var enterpriseID: String
    /// Slack's team; empty for an org-wide install.
    package var teamID: String
    package var teamName: String
    package var isEnterprise: Bool
    /// Empty for the installation itself, which has the bot leg; a person's has the user leg.
    package var userID: String
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

    /// The name a person's pair waits under until the platform has said whose it is: of the flow, so that it is the
    /// same after a crash.
    package static func unplaced(_ flow: OAuthState) -> String {
        let start = Array(flow.hash.prefix(8))
        return "?" + Hex.encode(start.span)
    }

    /// Whether nobody has said yet where this one belongs.
    package var isUnplaced: Bool { userID.hasPrefix("?") }

    var values: [Value] {
        [
            .int(id), .int(app), .int(tenant), .text(enterpriseID), .text(teamID), .text(teamName),
            .int(isEnterprise ? 1 : 0), .text(userID), .text(botUserID), .text(state.rawValue), .int(createdAt),
            .int(updatedAt),
        ]
    }
}
