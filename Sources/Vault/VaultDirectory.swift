import Linux
package import Rules

/// Where the parts of a state directory are (design, section 2).
package struct VaultDirectory: Sendable {
    package let path: String

    /// The state directory's path; nothing is looked at yet.
    package init(_ path: String) { self.path = path }

    package var vault: String { path + "/vault" }
    package var database: String { vault + "/vault.db" }
    package var auditIndex: String { vault + "/audit-index.db" }
    package var lock: String { vault + "/vault.lock" }
    package var ballast: String { vault + "/ballast" }
    package var spool: String { vault + "/spool" }
    package var anchors: String { path + "/anchors" }
    /// The audit key's public half, in hex: all that `audit verify` needs.
    package var auditPublicKey: String { path + "/audit.pub" }

    /// Whether there is a vault.db. Throws where the directory may not be looked into.
    package func hasVault() throws(Problem) -> Bool {
        do { return try FileStatus.of(database) != nil } catch { throw error.problem(doing: "look at \(database)") }
    }
}
