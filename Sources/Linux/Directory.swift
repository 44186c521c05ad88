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

    /// Gives one file or directory to a user and group; a symbolic link itself, not what it points to.
    package static func give(_ path: String, uid: UInt32, gid: UInt32) throws(SystemError) {
        guard unsafe lchown(path, uid, gid) == 0 else { throw SystemError("lchown") }
    }

    /// Sets a file's permission bits, whatever the umask was when it was made.
    package static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        guard unsafe chmod(path, mode) == 0 else { throw SystemError("chmod") }
    }
}
