import Rules
import SQLite
import Sealing

/// A version of a secret in force, its row and its head's checked; the value stays sealed.
struct VersionInForce {
    let head: Head
    let version: SecretVersion
    /// What the value is bound to.
    let associated: [UInt8]
}

/// Rows that a reader has read and checked, so that what every request asks for is neither looked up nor checked again
/// until something but the log changes.
///
/// Bounded: when there is no room it starts anew, which only means that rows are read a second time.
struct CheckedRows {
    /// Apps, and secrets, of one reader: at some 700 bytes each less than two megabytes.
    static let most = 1024
    /// Larger sealed values are read each time.
    static let largest = 1024

    private var apps: [AppKey: App] = [:]
    private var secrets: [SecretName: [VersionInForce]] = [:]

    func app(_ key: AppKey) -> App? { apps[key] }

    func versions(of secret: SecretName) -> [VersionInForce]? { secrets[secret] }

    mutating func keep(_ app: App) {
        if apps.count >= Self.most { apps.removeAll(keepingCapacity: true) }
        apps[app.key] = app
    }

    mutating func keep(_ versions: [VersionInForce], of secret: SecretName) {
        guard !versions.isEmpty, versions.allSatisfy({ ($0.version.sealed?.count ?? 0) <= Self.largest }) else {
            return
        }
        if secrets.count >= Self.most { secrets.removeAll(keepingCapacity: true) }
        secrets[secret] = versions
    }

    /// Something has changed since they were read.
    mutating func forget() {
        if !apps.isEmpty { apps.removeAll(keepingCapacity: true) }
        if !secrets.isEmpty { secrets.removeAll(keepingCapacity: true) }
    }
}

extension Reader {
    /// The app of this key, checked; nil when there is none.
    func app(_ key: AppKey) throws(Problem) -> App? {
        if let app = checked.app(key) { return app }
        var statement = try connection.ready(
            """
            SELECT id, platform, app_id, tenant, profile, state, claim, fields, redirect_uris, created_at, mac
            FROM apps WHERE platform = ?1 AND app_id = ?2
            """)
        statement.bind(1, key.platform.rawValue)
        statement.bind(2, key.appID.value)
        guard try statement.stepped() else { return nil }
        _ = try mac.check(.apps, statement)
        let app = try App(statement, from: 0)
        checked.keep(app)
        return app
    }

    /// The current and the previous version of a secret, the current one first; none where there is no such secret.
    func versionsInForce(of secret: SecretName) throws(Problem) -> [VersionInForce] {
        if let versions = checked.versions(of: secret) { return versions }
        let key: [Value] = [.int(secret.app), .int(secret.installation), .text(secret.kind.rawValue)]
        guard let head = try connection.find(Head.self, key, mac) else { return [] }
        var found: [VersionInForce] = []
        for version in [head.current, head.previous] {
            guard let version else { continue }
            if let row = try connection.find(SecretVersion.self, key + [.int(version)], mac) {
                found.append(VersionInForce(head: head, version: row, associated: associated(with: row)))
            } else if version == head.current {
                throw TableName.secrets.damaged("a row that table heads names as current is missing")
            }
        }
        checked.keep(found, of: secret)
        return found
    }
}
