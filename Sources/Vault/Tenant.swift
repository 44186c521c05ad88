package import Rules
import SQLite

/// Whether something is in force or set aside by an admin.
package enum Standing: String, Sendable {
    case active
    case suspended
}

/// A customer.
package struct Tenant: Row, Sendable {
    static let name = TableName.tenants

    /// Never reused and never changed; what sealed rows are bound to.
    package let id: Int64
    package let slug: Slug
    /// The organisation's name, for people.
    package let title: String
    package var state: Standing
    package let createdAt: Int64

    init(id: Int64, slug: Slug, title: String, createdAt: Int64) {
        self.id = id
        self.slug = slug
        self.title = title
        state = .active
        self.createdAt = createdAt
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let slug = Slug(row.text(first + 1)), let state = Standing(rawValue: row.text(first + 3)) else {
            throw Self.name.unreadable
        }
        id = row.integer(first)
        self.slug = slug
        title = row.text(first + 2)
        self.state = state
        createdAt = row.integer(first + 4)
    }

    var values: [Value] { [.int(id), .text(slug.value), .text(title), .text(state.rawValue), .int(createdAt)] }
}

extension TableName {
    /// A row whose MAC is right but whose content is not ours: written by another version, or a bug.
    var unreadable: Problem {
        Problem(
            .integrityFailure, "a row of table \(sqlName) cannot be read",
            advice: "run `postern doctor`; restore from a backup if it confirms damage")
    }

    /// A row, or the set of rows, that was changed behind our back.
    func damaged(_ what: String) -> Problem {
        Problem(
            .integrityFailure, "table \(sqlName): \(what)",
            advice: "somebody changed vault.db from outside; stop, keep a copy, and restore from a backup")
    }
}
