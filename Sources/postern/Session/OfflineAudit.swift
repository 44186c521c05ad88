import Linux
import Rules
import Sealing
import Vault

/// Checks a copy of the log without a daemon: the one call into the vault's own code.
enum OfflineAudit {
    /// `vault` is a vault.db, the directory it is in, or a whole state directory. Anchors beside it are compared, too.
    static func verify(vault: String, publicKey: String) throws(Failure) -> JSON {
        let (file, directory) = try place(vault)
        let key = try readKey(publicKey)
        let lines = directory.map { anchors(VaultDirectory($0).anchors) } ?? []
        do throws(Problem) {
            let found = try AuditVerifier.verify(file: file, publicKey: key, anchors: lines)
            var answer: [String: JSON] = [
                "schema": 1, "ok": .bool(found.isSound), "records": .int(found.records),
                "checkpoints": .int(found.checkpoints), "head": .string(found.head),
                "signed_up_to": .int(found.signedUpTo), "public_key": .string(key.hex),
            ]
            if let damage = found.damage {
                answer["first_bad"] = ["seq": .int(damage.seq), "damage": .string(damage.kind)]
            }
            return .object(answer)
        } catch {
            throw Failure(error)
        }
    }

    /// The database, and the state directory when one was named.
    private static func place(_ path: String) throws(Failure) -> (file: String, directory: String?) {
        let whole = VaultDirectory(path)
        for (file, directory) in [(whole.database, path), (path + "/vault.db", nil), (path, nil)] as [(String, String?)]
        {
            if let status = try? FileStatus.of(file), status.kind == .file { return (file, directory) }
        }
        throw Failure(
            exit: Exit(5), code: "not_found", what: "there is no vault.db in \(path.shown)",
            next: "name the file, or the directory it is in")
    }

    private static func readKey(_ path: String) throws(Failure) -> Digest32 {
        do {
            let text = String(decoding: try Descriptor.contents(ofFile: path, atMost: 4096), as: UTF8.self)
            if let key = Digest32(hex: text.trimmed) { return key }
        } catch {
            throw Failure.error("the public key \(path.shown) cannot be read: \(error.what)")
        }
        throw Failure.usage("\(path.shown) is no public key of an audit log: 64 hex digits")
    }

    private static func anchors(_ path: String) -> [String] {
        guard let bytes = try? Descriptor.contents(ofFile: path, atMost: 64 << 20) else { return [] }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
