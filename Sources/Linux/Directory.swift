import CLinux

/// Directories and who owns them.
package enum Directory {
    /// Makes a directory with exactly this mode, whatever the umask; one that is there already is left as it is.
    package static func make(_ path: String, mode: UInt32) throws(SystemError) {
        if unsafe mkdir(path, mode) != 0 {
            guard clinux_errno() == EEXIST else { throw SystemError("mkdir") }
            return
        }
        guard unsafe chmod(path, mode) == 0 else { throw SystemError("chmod") }
    }

    /// Makes a directory that is not there yet, with exactly this mode.
    package static func makeNew(_ path: String, mode: UInt32) throws(SystemError) {
        guard unsafe mkdir(path, mode) == 0 else { throw SystemError("mkdir") }
        try setMode(path, mode)
    }

    /// Gives a file another name, at once in place of what has it, rename(2).
    package static func rename(_ path: String, to other: String) throws(SystemError) {
        guard unsafe CLinux.rename(path, other) == 0 else { throw SystemError("rename") }
    }

    /// Removes a directory that has nothing in it.
    package static func removeEmpty(_ path: String) throws(SystemError) {
        guard unsafe rmdir(path) == 0 else { throw SystemError("rmdir") }
    }

    /// Gives one file or directory to a user and group; a symbolic link itself, not what it points to.
    package static func give(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError) {
        guard unsafe lchown(path, uid, gid) == 0 else { throw SystemError("lchown") }
    }

    /// Opens a directory, to make files in it or to lock it.
    package static func open(_ path: String) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(
            result: unsafe clinux_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0), of: "open")
    }

    /// Makes a file that is not there yet in an open directory.
    package static func makeFile(
        _ name: String, mode: UInt32, in directory: borrowing FileDescriptor
    ) throws(SystemError) -> FileDescriptor {
        try FileDescriptor(
            result: unsafe clinux_openat(
                directory.number, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode), of: "openat")
    }

    /// Sets the permission bits of an open file.
    package static func setMode(of file: borrowing FileDescriptor, _ mode: UInt32) throws(SystemError) {
        guard fchmod(file.number, mode) == 0 else { throw SystemError("fchmod") }
    }

    /// Removes a file; one that is gone already counts as removed.
    package static func removeFile(_ path: String) throws(SystemError) {
        guard unsafe unlink(path) != 0, clinux_errno() != ENOENT else { return }
        throw SystemError("unlink")
    }

    /// Takes the lock of an open file or directory for good (flock(2)), together with all processes that share the
    /// descriptor; false while others have it.
    package static func lock(_ directory: borrowing FileDescriptor) -> Bool {
        flock(directory.number, LOCK_EX | LOCK_NB) == 0
    }

    /// Sets a file's permission bits, whatever the umask was when it was made.
    package static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        guard unsafe chmod(path, mode) == 0 else { throw SystemError("chmod") }
    }
}
