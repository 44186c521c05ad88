import Glibc
import Linux
import Rules
import SQLite

/// From the start of the program to the first audited secret, after kill -9 with a large write-ahead log.
enum Restart {
    static let logBytes: Int64 = 64 * 1024 * 1024

    static func measure(_ deployment: Deployment, _ options: Options, into report: inout Report) throws {
        options.note("growing the write-ahead log")
        let log = try growLog(deployment)
        deployment.kill()
        let vault = deployment.directory + "/data/vault"
        let copy = deployment.directory + "/crashed"
        try shell("cp -a \(vault) \(copy)")
        var series = Series()
        for round in 0...options.rounds {
            options.note("restart, round \(round)")
            try shell("rm -rf \(vault) && cp -a \(copy) \(vault) && sync -f \(vault)")
            let begun = Clock.monotonicNanoseconds
            try deployment.start()
            try firstRead(deployment)
            if round > 0 { series.add(Double(Clock.monotonicNanoseconds - begun) / 1e6) }
            deployment.kill()
        }
        report.notes.append("the write-ahead log had \(log / 1_000_000) MB when the daemon was killed")
        report.goals.append(Report.Goal("start to first audited read, ms", series, atMost: 300))
        try deployment.start()
        try firstRead(deployment)
    }

    /// Writes while a reader keeps the log from being emptied; how large it became.
    private static func growLog(_ deployment: Deployment) throws -> Int64 {
        let reader = try SQLite.Connection(deployment.database, .readOnly)
        try reader.execute("BEGIN")
        _ = try reader.integer("SELECT count(*) FROM sqlite_schema")
        let deadline = Deadline.after(seconds: 120)
        var size: Int64 = 0
        while size < logBytes, !deadline.hasPassed {
            _ = try Load.drive(deployment.brokerSocket, clients: 64, seconds: 0.5, requests: deployment.reads)
            size = try FileStatus.of(deployment.database + "-wal")?.size ?? 0
        }
        return size
    }

    /// Asks until there is an answer.
    static func firstRead(_ deployment: Deployment) throws {
        let deadline = Deadline.after(seconds: 30)
        while !deadline.hasPassed {
            if let connection = Connection(path: deployment.brokerSocket),
                connection.exchange(deployment.reads[0]) == 200
            {
                return
            }
            Signal().wait(until: .after(milliseconds: 1))
        }
        throw Problem(.internal, "the daemon does not serve after a restart")
    }
}
