import CLinux

/// Which file it is, and which state of it: what a digest of its contents is remembered by (design, section 5), and by
/// what a file is known to be still the one that was read.
package struct FileIdentity: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
    let size: UInt64
    /// When contents or inode last changed (ctime, nanoseconds since 1970), which no user can set.
    let changed: Int64
    private let mode: UInt32

    /// What a path leads to, through symbolic links and through those of /proc; nil where that may not be looked at.
    package init?(following path: String) { self.init(at: AT_FDCWD, path) }

    /// The open file.
    init?(of file: borrowing FileDescriptor) { self.init(at: file.number, "") }

    /// The open file with this number, which stays open meanwhile.
    package init?(open descriptor: Int32) { self.init(at: descriptor, "") }

    private init?(at directory: Int32, _ path: String) {
        var found = clinux_file()
        guard unsafe clinux_file(directory, path, &found) == 0 else { return nil }
        device = found.device
        inode = found.inode
        size = found.size
        changed = found.changed
        mode = found.mode
    }

    var isRegular: Bool { Int32(mode) & S_IFMT == S_IFREG }

    /// Whether it is the same file, in whatever state.
    func isSameFile(as other: FileIdentity) -> Bool { device == other.device && inode == other.inode }
}

extension FileDescriptor {
    /// Whether the contents are answers of a user's process (FUSE), which can give another each time.
    var isMadeUp: Bool { clinux_is_made_up(number) != 0 }
}
