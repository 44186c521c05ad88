import SQLite

/// One table whose rows carry a MAC: its statements, written out so that none is ever assembled.
///
/// The key columns come first and `mac` last; parameters are numbered like the columns, so that the same binding
/// serves inserting and updating.
struct Table: Sendable {
    let name: String
    let create: SQL
    /// All rows, in order of the key, `mac` as the last column.
    let select: SQL
    let find: SQL
    let insert: SQL
    let update: SQL
    let delete: SQL
    let keyColumns: Int
    /// All columns but `mac`.
    let columns: Int
    /// Checked at start and held in memory; the others are checked in the background and by `doctor`.
    let isSmall: Bool
}

/// The tables under MAC, each with its place in the row of set digests.
package enum TableName: Int, CaseIterable, Sendable {
    case meta
    case keys
    case tenants
    case apps
    case secrets
    case heads
    case installations
    case legs
    case services
    case grants
    case roles
    case leases
    case oauthStates
    case revocations
    case links
    case integrations
    case checks
    case usage
    case endings

    /// The table's name in SQL, which messages use too.
    package var sqlName: String { table.name }

    var table: Table {
        switch self {
        case .meta: .meta
        case .keys: .keys
        case .tenants: .tenants
        case .apps: .apps
        case .secrets: .secrets
        case .heads: .heads
        case .installations: .installations
        case .legs: .legs
        case .services: .services
        case .grants: .grants
        case .roles: .roles
        case .leases: .leases
        case .oauthStates: .oauthStates
        case .revocations: .revocations
        case .links: .links
        case .integrations: .integrations
        case .checks: .checks
        case .usage: .usage
        case .endings: .endings
        }
    }
}
