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
    /// Rows of one kind that one reader keeps: at some 700 bytes each less than a megabyte.
    static let most = 1024
    /// Larger sealed values are read each time.
    static let largest = 1024

    /// A leg of an installation, or of an app wherever it is.
    struct LegName: Hashable {
        let id: Int64
        let leg: Leg
    }

    struct Kept<Key: Hashable, Value> {
        private var all: [Key: Value] = [:]

        subscript(key: Key) -> Value? { all[key] }

        mutating func keep(_ value: Value, as key: Key) {
            if all.count >= most { all.removeAll(keepingCapacity: true) }
            all[key] = value
        }

        mutating func forget() { if !all.isEmpty { all.removeAll(keepingCapacity: true) } }
    }

    var apps = Kept<AppKey, App>()
    var appsByID = Kept<Int64, App>()
    var secrets = Kept<SecretName, [VersionInForce]>()
    var installations = Kept<Int64, Installation>()
    /// The first two installations of an app that have a leg.
    var places = Kept<LegName, [Installation]>()
    var legs = Kept<LegName, LegRow>()

    /// Something has changed since they were read.
    mutating func forget() {
        apps.forget()
        appsByID.forget()
        secrets.forget()
        installations.forget()
        places.forget()
        legs.forget()
    }
}

extension Reader {
    /// The app of this key, checked; nil when there is none.
    func app(_ key: AppKey) throws(Problem) -> App? {
        if let app = checked.apps[key] { return app }
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
        checked.apps.keep(app, as: key)
        return app
    }

    /// The app of this row id, checked; nil when there is none.
    func app(id: Int64) throws(Problem) -> App? {
        if let app = checked.appsByID[id] { return app }
        guard let app = try connection.find(App.self, [.int(id)], mac) else { return nil }
        checked.appsByID.keep(app, as: id)
        return app
    }

    /// The installation of this id, checked; nil where there is none.
    func installation(_ id: Int64) throws(Problem) -> Installation? {
        if let row = checked.installations[id] { return row }
        guard let row = try connection.find(Installation.self, [.int(id)], mac) else { return nil }
        checked.installations.keep(row, as: id)
        return row
    }

    /// A leg of an installation, checked; nil where it has none of that kind.
    func leg(_ leg: Leg, of installation: Int64) throws(Problem) -> LegRow? {
        let name = CheckedRows.LegName(id: installation, leg: leg)
        if let row = checked.legs[name] { return row }
        guard let row = try connection.find(LegRow.self, [.int(installation), .text(leg.rawValue)], mac) else {
            return nil
        }
        checked.legs.keep(row, as: name)
        return row
    }

    /// The current and the previous version of a secret, the current one first; none where there is no such secret.
    func versionsInForce(of secret: SecretName) throws(Problem) -> [VersionInForce] {
        if let versions = checked.secrets[secret] { return versions }
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
        if !found.isEmpty, found.allSatisfy({ ($0.version.sealed?.count ?? 0) <= CheckedRows.largest }) {
            checked.secrets.keep(found, as: secret)
        }
        return found
    }
}
