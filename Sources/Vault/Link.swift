package import Rules
import SQLite

/// A person of an installation who agreed to be linked, or whom an e-mail address matched.
package struct Link: Row, Sendable {
    /// What the link rests on; the raw values are in the file and on the wire.
    package enum How: String, Sendable, CaseIterable {
        case consent
        case email
    }

    static let name = TableName.links

    package let id: Int64
    package let app: Int64
    package let installation: Int64
    /// Who the service says the person is; empty where it did not say.
    package let subject: String
    /// The person at the platform.
    package let userID: String
    package let email: String?
    package let how: How
    package let createdAt: Int64
    package let createdBy: String

    init(
        id: Int64, app: Int64, installation: Int64, subject: String, userID: String, email: String?, how: How,
        createdAt: Int64, createdBy: String
    ) {
        self.id = id
        self.app = app
        self.installation = installation
        self.subject = subject
        self.userID = userID
        self.email = email
        self.how = how
        self.createdAt = createdAt
        self.createdBy = createdBy
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        guard let how = How(rawValue: row.text(first + 6)) else { throw Self.name.unreadable }
        id = row.integer(first)
        app = row.integer(first + 1)
        installation = row.integer(first + 2)
        subject = row.text(first + 3)
        userID = row.text(first + 4)
        email = row.isNull(first + 5) ? nil : row.text(first + 5)
        self.how = how
        createdAt = row.integer(first + 7)
        createdBy = row.text(first + 8)
    }

    var values: [Value] {
        [
            .int(id), .int(app), .int(installation), .text(subject), .text(userID), .optional(email),
            .text(how.rawValue), .int(createdAt), .text(createdBy),
        ]
    }
}

extension Transaction {
    /// Records that a person is linked; a link of the same person and subject is replaced.
    package func addLink(
        of installation: Installation, subject: String, userID: String, email: String?, how: Link.How,
        by creator: String
    ) throws(Problem) -> Link {
        for old in try links(of: installation.id) where old.userID == userID && old.subject == subject {
            try delete(old)
        }
        let link = Link(
            id: nextID(), app: installation.app, installation: installation.id, subject: subject, userID: userID,
            email: email, how: how, createdAt: now, createdBy: creator)
        try insert(link)
        return link
    }

    /// Undoes a link; `not_found` where there is none.
    package func removeLink(_ id: Int64) throws(Problem) -> Link {
        guard let link = try find(Link.self, [.int(id)]) else { throw Problem(.notFound, "no such link") }
        try delete(link)
        raiseEpoch()
        return link
    }

    /// Undoes every link of an installation. Returns how many.
    package func removeLinks(of installation: Int64) throws(Problem) -> Int {
        let found = try links(of: installation)
        for link in found { try delete(link) }
        if !found.isEmpty { raiseEpoch() }
        return found.count
    }

    private func links(of installation: Int64) throws(Problem) -> [Link] {
        try rows(
            Link.self,
            """
            SELECT id, app, installation, subject, user_id, email, how, created_at, created_by, mac
            FROM links WHERE installation = ?1 ORDER BY id
            """, [.int(installation)])
    }
}

extension Vault {
    /// The link of this id as last committed; nil where there is none.
    package func link(_ id: Int64) throws(Problem) -> Link? {
        try readers.read { reader throws(Problem) in try reader.connection.find(Link.self, [.int(id)], reader.mac) }
    }

    /// Who is linked under an installation, in the order they were.
    package func links(of installation: Int64) throws(Problem) -> [Link] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                Link.self,
                """
                SELECT id, app, installation, subject, user_id, email, how, created_at, created_by, mac
                FROM links WHERE installation = ?1 ORDER BY id
                """, [.int(installation)], reader.mac)
        }
    }
}
