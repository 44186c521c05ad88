import FoundationEssentials
import Linux

/// A directory of secret files on a tmpfs, for as long as this process lives. Its lock says that somebody does; a
/// directory that nobody locks was left behind by a process that was killed, and the next one takes it away.
final class FileDirectory {
    let path: String
    private let lock: FileDescriptor

    /// In $XDG_RUNTIME_DIR or /dev/shm, whichever first is a tmpfs. 0700. `prefix` says whose it is, `next` what to do
    /// where neither is one.
    init(_ environment: [String: String], prefix: String, otherwise next: String) throws(Failure) {
        // One that is left of another user's session is of no use (XDG Base Directory Specification: it is the user's own).
        let own = environment["XDG_RUNTIME_DIR"].flatMap { path in
            let status = path.hasPrefix("/") ? (try? FileStatus.of(path)) ?? nil : nil
            return status?.uid == Privileges.uid ? path : nil
        }
        let places = [own, "/dev/shm"].compactMap(\.self)
        guard let place = places.first(where: MemoryFile.isTemporary) else {
            throw Failure.error(
                "there is no tmpfs for the files: neither $XDG_RUNTIME_DIR nor /dev/shm is one",
                next: next)
        }
        FileDirectory.sweep(place, prefix)
        var path = ""
        lock = try attempt("make a directory in \(place)") { () throws(SystemError) in
            while true {
                path = "\(place)/\(prefix)\(ForkedChild.ownPID)-\(UInt32.random(in: 0 ..< .max))"
                try Directory.makeNew(path, mode: 0o700)
                // Another run may just have taken it for one left behind; then there is another name.
                guard let lock = try? Directory.open(path), Directory.lock(lock), try FileStatus.of(path) != nil else {
                    continue
                }
                return lock
            }
        }
        self.path = path
    }

    deinit { FileDirectory.remove(path) }

    private static func sweep(_ place: String, _ prefix: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] where name.hasPrefix(prefix) {
            let path = "\(place)/\(name)"
            guard let status = try? FileStatus.of(path), status.kind == .directory, status.uid == Privileges.uid,
                let directory = try? Directory.open(path), Directory.lock(directory)
            else { continue }
            remove(path)
        }
    }

    private static func remove(_ path: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            try? Directory.removeFile("\(path)/\(name)")
        }
        try? Directory.removeEmpty(path)
    }
}
