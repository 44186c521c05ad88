import CLinux

/// A list of files a process may read from now on, and nothing else of the file system (landlock(7)).
struct Landlock: ~Copyable {
    /// The kernel's ABI; 0 where Landlock is not built in or switched off.
    static var abi: Int32 { max(0, clinux_landlock_abi()) }

    // include/uapi/linux/landlock.h; Debian 12's header ends at ABI 2.
    private static let readFile: UInt64 = 1 << 2
    private static let readDirectory: UInt64 = 1 << 3
    private static let writeFile: UInt64 = 1 << 1
    private static let makeFile: UInt64 = 1 << 8
    private static let bindTCP: UInt64 = 1 << 0
    private static let abstractSockets: UInt64 = 1 << 0
    private static let signals: UInt64 = 1 << 1

    private static let pathOnly: Int32 = 0o10000000  // O_PATH, which glibc shows only under _GNU_SOURCE

    private let ruleset: FileDescriptor

    /// Everything is refused that this kernel can refuse: all file access, binding TCP ports (ABI 4; listeners are bound
    /// before), abstract Unix sockets and signals to processes outside (ABI 6). Connecting by TCP stays possible.
    init(abi: Int32) throws(SystemError) {
        var rules = clinux_landlock_ruleset()
        switch abi {
        case ...1: rules.handled_access_fs = (1 << 13) - 1
        case 2: rules.handled_access_fs = (1 << 14) - 1
        case 3, 4: rules.handled_access_fs = (1 << 15) - 1
        default: rules.handled_access_fs = (1 << 16) - 1
        }
        rules.handled_access_net = Self.bindTCP
        rules.scoped = Self.abstractSockets | Self.signals
        let size = abi < 4 ? 8 : abi < 6 ? 16 : 24
        ruleset = try FileDescriptor(
            result: unsafe clinux_landlock_create(&rules, size), of: "landlock_create_ruleset")
    }

    /// Lets the process read a file, or all below a directory. A path that does not exist is passed over.
    func allowReading(_ path: String) throws(SystemError) {
        let file: FileDescriptor
        do {
            file = try FileDescriptor(
                result: unsafe clinux_open(path, Self.pathOnly | O_CLOEXEC, 0), of: "open")
        } catch {
            return
        }
        let isDirectory = try file.status().kind == .directory
        let access = isDirectory ? Self.readFile | Self.readDirectory : Self.readFile
        guard clinux_landlock_allow(ruleset.number, file.number, access) == 0 else {
            throw SystemError("landlock_add_rule")
        }
    }

    /// Lets the process make files in an open directory and write to them; not read, list, rename or remove any.
    func allowMakingFiles(in directory: borrowing FileDescriptor) throws(SystemError) {
        guard clinux_landlock_allow(ruleset.number, directory.number, Self.makeFile | Self.writeFile) == 0 else {
            throw SystemError("landlock_add_rule")
        }
    }

    /// From now on, for this thread and those it starts. Needs no_new_privs.
    consuming func restrict() throws(SystemError) {
        guard clinux_landlock_restrict(ruleset.number) == 0 else { throw SystemError("landlock_restrict_self") }
    }
}
