import CLinux

/// Disk blocks kept for the day the disk is full: a file that is really allocated (design, section 4, `ballast`).
package enum Reserve {
    /// Makes the file `bytes` long with blocks behind it; ENOSPC where there is no room, the file then is empty.
    package static func fill(_ path: String, bytes: Int64) throws(SystemError) {
        let file = try FileDescriptor.open(path, .readWrite, creating: 0o600, followingLinks: false)
        let result = posix_fallocate(file.number, 0, off_t(bytes))
        if result != 0 {
            try file.truncate(to: 0)
            throw SystemError("fallocate", result)
        }
        try file.syncData()
    }

    /// Gives the blocks back to the file system. The file stays.
    package static func release(_ path: String) throws(SystemError) {
        let file = try FileDescriptor.open(path, .readWrite, followingLinks: false)
        try file.truncate(to: 0)
        try file.syncData()
    }

    /// True where the file has its full length.
    package static func isFilled(_ path: String, bytes: Int64) -> Bool {
        ((try? FileStatus.of(path)) ?? nil)?.size == bytes
    }
}
