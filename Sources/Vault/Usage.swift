import Linux
package import Rules
import SQLite
import Synchronization

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

    /// The month of a moment in milliseconds since 1970, in UTC.
    static func month(of moment: Int64) -> String { String(Clock.text(ofMilliseconds: moment).prefix(7)) }
}

extension Transaction {
    /// Adds the calls of this group to the months' counts: one row a group, however many calls.
    ///
    /// Readers are not told that anything changed, since they would let go of their snapshots for it at every call; who
    /// wants to know the count asks `Vault.usage` or `Vault.callsThisMonth`.
    func storeCounts() throws(Problem) {
        let month = Usage.month(of: now)
        // A later change of the group may have removed the app.
        for (app, calls) in counting where try find(App.self, [.int(app)]) != nil {
            counted.append(try countCall(app: app, month: month, by: calls))
        }
    }

    /// Adds calls of an app to its count of `month` (`YYYY-MM`); returns the count.
    @discardableResult
    package func countCall(app: Int64, month: String, by calls: Int64 = 1) throws(Problem) -> Usage {
        guard var row = try find(Usage.self, [.int(app), .text(month)]) else {
            let first = Usage(app: app, month: month, calls: calls)
            try insert(first)
            return first
        }
        row.calls += calls
        try update(row)
        return row
    }

    /// Forgets what an app was called.
    func removeUsage(of app: Int64) throws(Problem) {
        counting[app] = nil
        for row in try rows(Usage.self, "SELECT app, month, calls, mac FROM usage WHERE app = ?1", [.int(app)]) {
            try delete(row)
        }
    }
}

extension Vault {
    /// Appends the record of a call to an app's platform and counts the call; returns when both are durable, false when
    /// the policy moved since `epoch`.
    package func recordCall(_ entry: AuditEntry, of app: Int64, decidedUnder epoch: Int64) throws(Problem) -> Bool {
        try run(WriteJob(.call(entry, app: app), epoch: epoch, isRevoking: false))
    }

    /// Appends a record with the next group that is written, within a second; nobody waits for it. One that cannot be
    /// written is logged.
    package func recordLater(_ entry: AuditEntry) {
        writer.leave(WriteJob(.record(entry), epoch: nil, isRevoking: false))
    }

    /// How often an app was called in this month (UTC), as last committed.
    package func callsThisMonth(of app: Int64) throws(Problem) -> Int64 {
        let month = Usage.month(of: now)
        if let known = core.usage.withLock({ $0[app] }), known.month == month { return known.calls }
        let row = try readers.read { reader throws(Problem) in
            try reader.connection.find(Usage.self, [.int(app), .text(month)], reader.mac)
        }
        let usage = row ?? Usage(app: app, month: month, calls: 0)
        core.usage.withLock { known in
            // Somebody may have called meanwhile.
            if known[app]?.month != month { known[app] = usage }
        }
        return usage.calls
    }

    /// How often an app was called, by month, the newest first.
    package func usage(of app: Int64) throws(Problem) -> [Usage] {
        try readers.snapshot { reader throws(Problem) in
            try reader.connection.rows(
                Usage.self, "SELECT app, month, calls, mac FROM usage WHERE app = ?1 ORDER BY month DESC", [.int(app)],
                reader.mac)
        }
    }

    /// How often each app was called in this month (UTC), of those that were.
    package func usageThisMonth() throws(Problem) -> [Usage] {
        let month = Usage.month(of: now)
        return try readers.snapshot { reader throws(Problem) in
            try reader.connection.rows(
                Usage.self, "SELECT app, month, calls, mac FROM usage WHERE month = ?1", [.text(month)], reader.mac)
        }
    }
}
