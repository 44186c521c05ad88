import Linux
import Rules
import Sealing
import Vault

/// The root key as a file: 32 random bytes as hex digits, mode 0600, of the daemon's user.
enum RootKeyFile {
    static func obtain(_ path: String, exists: Bool, for owner: Account?) throws(Failure) -> SecretBox {
        exists ? try read(path, for: owner) : try make(path, for: owner)
    }

    private static func read(_ path: String, for owner: Account?) throws(Failure) -> SecretBox {
        let file = try attempt("open the root key \(path.shown)") { () throws(SystemError) in
            try FileDescriptor.open(path, .read)
        }
        let status = try attempt("look at \(path.shown)") { () throws(SystemError) in try file.status() }
        guard status.kind == .file else { throw Failure.usage("\(path.shown) is no root key: it is not a file") }
        guard status.mode & 0o077 == 0 else {
            throw Failure(
                exit: .denied, code: "denied", what: "others may read the root key \(path.shown)",
                next: "chmod 600 \(path.shown)")
        }
        if let owner, status.uid != 0, status.uid != owner.uid {
            throw Failure(
                exit: .denied, code: "denied", what: "the root key \(path.shown) belongs to uid \(status.uid)",
                next: "chown \(owner.name) \(path.shown)")
        }
        do { return SecretBox(try RootKey.read(file)) } catch {
            throw Failure.usage(
                "\(path.shown) is no root key: \(error.reason)",
                next: "name a path where there is nothing, and one is made")
        }
    }

    private static func hex(of key: borrowing SecretBytes) -> String { Hex.encode(key.span) }

    private static func make(_ path: String, for owner: Account?) throws(Failure) -> SecretBox {
        let key = SecretBytes(random: 32)
        let text = hex(of: key) + "\n"
        try attempt("make the root key \(path.shown)", next: "make its directory first") { () throws(SystemError) in
            let file = try FileDescriptor.open(path, .write, creating: 0o600, exclusively: true)
            try file.write(Array(text.utf8))
            try file.syncData()
            if let owner { try Directory.give(path, uid: owner.uid, gid: owner.gid) }
        }
        return SecretBox(key)
    }
}
