package import Rules
import SQLite

/// How often an app was called at its platform in one month.
package struct Usage: Row, Sendable {
    static let name = TableName.usage

    package let app: Int64
    /// `YYYY-MM`, in UTC.
    package let month: String
    package var calls: Int64

    init(app: Int64, month: String, calls: Int64) {
        self.app = app
        self.month = month
        self.calls = calls
    }

    init(_ row: borrowing Statement, from first: Int32) throws(Problem) {
        app = row.integer(first)
        month = row.text(first + 1)
        calls = row.integer(first + 2)
    }

    var values: [Value] { [.int(app), .text(month), .int(calls)] }
}

extension Transaction {
    /// Counts one call of an app in `month` (`YYYY-MM`). Returns how many there are with it.
    @discardableResult
    package func countCall(app: Int64, month: String) throws(Problem) -> Int64 {
        guard var row = try find(Usage.self, [.int(app), .text(month)]) else {
            try insert(Usage(app: app, month: month, calls: 1))
            return 1
        }
        row.calls += 1
        try update(row)
        return row.calls
    }

    /// Forgets what an app was called.
    func removeUsage(of app: Int64) throws(Problem) {
        for row in try rows(Usage.self, "SELECT app, month, calls, mac FROM usage WHERE app = ?1", [.int(app)]) {
            try delete(row)
        }
    }
}

extension Vault {
    /// How often an app was called in `month` (`YYYY-MM`) as last committed.
    package func calls(of app: Int64, in month: String) throws(Problem) -> Int64 {
        try readers.read { reader throws(Problem) in
            try reader.connection.find(Usage.self, [.int(app), .text(month)], reader.mac)?.calls ?? 0
        }
    }

    /// How often an app was called, by month, the newest first.
    package func usage(of app: Int64) throws(Problem) -> [Usage] {
        try readers.read { reader throws(Problem) in
            try reader.connection.rows(
                Usage.self, "SELECT app, month, calls, mac FROM usage WHERE app = ?1 ORDER BY month DESC", [.int(app)],
                reader.mac)
        }
    }
}
