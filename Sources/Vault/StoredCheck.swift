package import Rules
import SQLite

/// The newest result of one check of an app's credentials.
package struct StoredCheck: Row, Sendable {
    static let name = TableName.checks

    package let app: Int64
    /// The check's own name; unique within the app.
    package let check: String
    /// `passed`, `failed`, `pending` or `inconclusive`.
    package let result: String
    /// What was compared, in words for people; never a secret.
    package let compared: String
    /// What to do; empty where there is nothing to do.
    package let advice: String
    package let checkedAt: Int64

    /// Every field as given; `checkedAt` is milliseconds since 1970.
    package init(app: Int64, check: String, result: String, compared: String, advice: String, checkedAt: Int64) {
        self.app = app
        self.check = check
        self.result = result
        self.compared = compared
        self.advice = advice
        self.checkedAt = checkedAt
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        app = row.integer(first)
        check = row.text(first + 1)
        result = row.text(first + 2)
        compared = row.text(first + 3)
        advice = row.text(first + 4)
        checkedAt = row.integer(first + 5)
    }

    var values: [Value] {
        [.int(app), .text(check), .text(result), .text(compared), .text(advice), .int(checkedAt)]
    }
}

extension Transaction {
    /// Writes a check's newest result in place of the one before.
    package func put(check: StoredCheck) throws(Problem) {
        if try find(StoredCheck.self, [.int(check.app), .text(check.check)]) == nil {
            try insert(check)
        } else {
            try update(check)
        }
    }

    /// What is known of an app's credentials at this point of the group.
    package func checks(of app: Int64) throws(Problem) -> [StoredCheck] {
        try rows(
            StoredCheck.self,
            "SELECT app, name, result, compared, advice, checked_at, mac FROM checks WHERE app = ?1", [.int(app)])
    }

    /// The newest result of one check; nil where there is none.
    package func check(_ name: String, of app: Int64) throws(Problem) -> StoredCheck? {
        try find(StoredCheck.self, [.int(app), .text(name)])
    }

    /// Forgets every result of an app.
    package func removeChecks(of app: Int64) throws(Problem) {
        for check in try checks(of: app) { try delete(check) }
    }

    /// Whether the current value of a secret has been there since before `time`; false where there is none.
    package func isOlder(_ secret: SecretName, than time: Int64) throws(Problem) -> Bool {
        guard let current = try head(of: secret)?.current else { return false }
        let version = try find(
            SecretVersion.self,
            [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue), .int(current)])
        return version.map { $0.createdAt <= time } ?? false
    }
}

extension Vault {
    /// What is known of an app's credentials, by name of the check.
    package func checks(of app: Int64) throws(Problem) -> [StoredCheck] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                StoredCheck.self,
                "SELECT app, name, result, compared, advice, checked_at, mac FROM checks WHERE app = ?1 ORDER BY name",
                [.int(app)], reader.mac)
        }
    }
}
