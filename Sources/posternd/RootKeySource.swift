import Linux
import Rules

/// Where the root key is read from at start (design, section 3).
enum RootKeySource: Sendable, Equatable, CustomStringConvertible {
    case file(String)
    /// A name in $CREDENTIALS_DIRECTORY (systemd's LoadCredential); its mode is the service manager's business.
    case credential(String)

    init?(_ text: String) {
        if text.hasPrefix("file:"), text.utf8.count > 5 {
            self = .file(String(text.dropFirst(5)))
        } else if text.hasPrefix("credential:"), text.utf8.count > 11, !text.contains("/"), !text.hasSuffix(":.."),
            !text.hasSuffix(":.")
        {
            self = .credential(String(text.dropFirst(11)))
        } else {
            return nil
        }
    }

    var description: String {
        switch self {
        case .file(let path): "file:\(path)"
        case .credential(let name): "credential:\(name)"
        }
    }

    /// Opens it, as root where we still are, without reading: the key must not be in memory that fork copies.
    ///
    /// A file must be regular, mode 0600 or less, and belong to `uid` (the user we serve as) or to root when root
    /// started us. `notFound`, `denied`, or `badRequest` with the command that puts it right.
    func open(for uid: UInt32, asRoot: Bool) throws(Problem) -> FileDescriptor {
        switch self {
        case .file(let path):
            let file = try Self.open(path, advice: "postern init makes one; check --root-key")
            let status: FileStatus
            do { status = try file.status() } catch { throw error.problem(doing: "look at \(path)") }
            guard status.kind == .file else { throw Problem(.badRequest, "\(path) is not a file") }
            guard status.uid == uid || asRoot && status.uid == 0 else {
                throw Problem(
                    .denied, "the root key \(path) belongs to uid \(status.uid), not to the daemon's user",
                    advice: "chown \(uid) \(path)")
            }
            guard status.mode & 0o077 == 0 else {
                throw Problem(.denied, "others may read the root key \(path)", advice: "chmod 600 \(path)")
            }
            return file
        case .credential(let name):
            guard let directory = Environment.value(of: "CREDENTIALS_DIRECTORY") else {
                throw Problem(
                    .notFound, "there is no $CREDENTIALS_DIRECTORY",
                    advice: "set LoadCredential=\(name):PATH in the unit, or use --root-key file:PATH")
            }
            return try Self.open("\(directory)/\(name)", advice: "set LoadCredential=\(name):PATH in the unit")
        }
    }

    private static func open(_ path: String, advice: String) throws(Problem) -> FileDescriptor {
        do { return try FileDescriptor.open(path, .read) } catch {
            throw error.problem(
                error.isMissing ? .notFound : error.isForbidden ? .denied : .internal,
                doing: "open the root key \(path)",
                advice: advice)
        }
    }
}
