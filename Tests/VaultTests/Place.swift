import CTamper
import FoundationEssentials
import Glibc
import Rules
import SQLite
import Sealing
import Testing

@testable import Vault

/// A directory with a vault in it, for as long as a test lasts, and what its owner keeps elsewhere.
final class Place: Sendable {
    let directory: VaultDirectory
    let rootKey: [UInt8]

    /// An empty place.
    init(rootKey: [UInt8] = (1...32).map { UInt8($0) }) {
        var template = Array("/tmp/postern-vault-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { fatalError("no temporary folder") }
        directory = VaultDirectory(String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self))
        self.rootKey = rootKey
    }

    deinit { try? FileManager.default.removeItem(atPath: directory.path) }

    /// A place that somebody else tidies up.
    private init(at path: String) {
        directory = VaultDirectory(path)
        rootKey = [UInt8](repeating: 7, count: 32)
    }

    /// A place with a new vault.
    static func new(in path: String? = nil, admin: String? = "uid:1000") throws -> Place {
        let place = path.map { Place(at: $0) } ?? Place()
        let kit = KitKey()
        let selector = admin.flatMap { Selector($0) }
        _ = try VaultCreation.create(
            place.directory, rootKey: secret(place.rootKey), kitPublicKey: kit.publicKey,
            admin: selector.map { .init(selector: $0) })
        return place
    }

    /// The same vault once more, to be spoilt; its daemon must not be running.
    func copy() throws -> Place {
        let copy = Place(rootKey: rootKey)
        try FileManager.default.createDirectory(atPath: copy.directory.vault, withIntermediateDirectories: true)
        // The last connection of a daemon that has just ended moves the log into the file and removes it: then once more.
        for attempt in 0..<10 {
            let hadLog = FileManager.default.fileExists(atPath: directory.database + "-wal")
            for suffix in ["", "-wal"] { try? FileManager.default.removeItem(atPath: copy.directory.database + suffix) }
            do {
                for suffix in hadLog ? ["", "-wal"] : [""] {
                    try FileManager.default.copyItem(
                        atPath: directory.database + suffix, toPath: copy.directory.database + suffix)
                }
                if FileManager.default.fileExists(atPath: directory.database + "-wal") == hadLog { break }
            } catch { guard attempt < 9 else { throw error } }
        }
        try FileManager.default.copyItem(atPath: directory.auditPublicKey, toPath: copy.directory.auditPublicKey)
        try FileManager.default.copyItem(atPath: directory.anchors, toPath: copy.directory.anchors)
        return copy
    }

    func open(_ options: Vault.Options = .init()) throws(Problem) -> Vault {
        try Vault.open(directory, rootKey: secret(rootKey), options: options)
    }

    /// Why the vault is refused, at the latest by a check of every table; nil when it is not.
    func refusal() -> Problem? {
        do throws(Problem) {
            let vault = try open()
            try vault.checkTables()
            return nil
        } catch {
            return error
        }
    }

    /// Runs any SQL on the file as somebody with an editor for it would. Rows as text, columns parted by tabs.
    @discardableResult
    func tamper(_ sql: String) throws -> String {
        var failed: Int32 = 0
        guard let text = unsafe tamper_run(directory.database, sql, &failed) else { fatalError("no memory") }
        defer { unsafe free(text) }
        let answer = unsafe String(cString: text)
        guard failed == 0 else { throw Refused(reason: answer, sql: sql) }
        return answer
    }

    struct Refused: Error {
        let reason: String
        let sql: String
    }

    func rows(_ sql: String) throws -> [[String]] {
        try tamper(sql).split(separator: "\n").map {
            $0.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
        }
    }

    var publicKey: Digest32 {
        get throws {
            let text = try String(contentsOfFile: directory.auditPublicKey, encoding: .utf8)
            return try #require(Digest32(hex: String(text.prefix(64))))
        }
    }

    var anchors: [String] {
        get throws {
            try String(contentsOfFile: directory.anchors, encoding: .utf8).split(separator: "\n").map(String.init)
        }
    }
}

/// Guarded bytes out of a test's.
func secret(_ bytes: [UInt8]) -> SecretBytes { SecretBytes(copying: bytes.span) }

/// A secret value out of a test's text.
func box(_ text: String) -> SecretBox { SecretBox(secret(Array(text.utf8))) }

func slug(_ text: String) -> Slug {
    guard let slug = Slug(text) else { preconditionFailure("not a slug") }
    return slug
}

func slack(_ text: String) -> AppKey {
    guard let id = AppID(text) else { preconditionFailure("not an App ID") }
    return AppKey(.slack, id)
}

extension Vault {
    /// A secret's value as text, read as the broker reads it; nil where there is none.
    func value(_ name: SecretName, version: Int64? = nil, at moment: Int64? = nil) throws(Problem) -> String? {
        let slab = Slab()
        guard try read(name, version: version, at: moment ?? now, into: slab) != nil else { return nil }
        return String(decoding: [UInt8](copying: slab.span), as: UTF8.self)
    }

    /// All events of the log.
    func events() throws(Problem) -> [AuditRecord] {
        var filter = AuditFilter()
        filter.after = 0
        filter.limit = .max
        return try audit(filter)
    }
}

/// A record of something, for logs that need some.
func note(_ action: String = "test.note", by name: String = "tester") -> AuditEntry {
    AuditEntry(action, .allowed, by: Actor(kind: .service, name: name, uid: 7), request: .next())
}
