import Glibc
import Linux
import Testing

/// `postern`, or a program of the system, run as the service `bridge` of a stand: on a terminal of its own, or with its
/// output in a file.
final class Service {
    private let child: ChildProcess
    /// Its controlling side and its own; empty without one.
    private let terminal: [Int32]
    private let base: String
    /// What was read and not awaited yet.
    private var fresh = ""
    private(set) var screen = ""

    /// - Parameters:
    ///   - program: what to run instead of postern.
    ///   - uid: as whom; nil as we are, who is an administrator.
    ///   - onTerminal: whether it has a terminal to itself; else there is none, and no input.
    init(
        _ stand: Stand, _ words: [String], program: String = Program.sibling("postern"), uid: UInt32? = Stand.bridge,
        onTerminal: Bool = false, environment: [String] = []
    ) throws {
        base = "\(stand.path)/service-\(UInt64.random(in: 0 ..< .max))"
        var command = [program] + words
        if let uid {
            command = ["/usr/bin/setpriv", "--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups"] + command
        }
        command = ["/usr/bin/setsid"] + (onTerminal ? ["--ctty", "--wait"] : ["--wait"]) + command
        let variables =
            ["PATH=/usr/bin:/bin", "HOME=/none", "TERM=xterm", "POSTERN_DATA_DIR=\(stand.path)"] + environment
        if onTerminal {
            let controller = try FileDescriptor.open("/dev/ptmx", .readWrite)
            // TIOCSPTLCK and TIOCGPTN (pty(7), ioctl_tty(2)); the importer cannot read these macros.
            var unlocked: Int32 = 0
            var number: Int32 = -1
            let isOpen =
                unsafe ioctl(controller.number, 0x4004_5431, &unlocked) == 0
                && ioctl(controller.number, 0x8004_5430, &number) == 0
            try #require(isOpen)
            let terminal = try FileDescriptor.open("/dev/pts/\(number)", .readWrite)
            child = try ChildProcess.start(
                command[0], Array(command.dropFirst()), environment: variables,
                descriptors: [0: terminal.number, 1: terminal.number, 2: terminal.number])
            self.terminal = [controller.release(), terminal.release()]
        } else {
            let nothing = try FileDescriptor.open("/dev/null", .read)
            let out = try FileDescriptor.open("\(base).out", .append, creating: 0o600)
            let error = try FileDescriptor.open("\(base).err", .append, creating: 0o600)
            child = try ChildProcess.start(
                command[0], Array(command.dropFirst()), environment: variables,
                descriptors: [0: nothing.number, 1: out.number, 2: error.number])
            terminal = []
        }
    }

    deinit {
        child.send(signal: SIGKILL)
        _ = try? child.wait()
        for number in terminal { close(number) }
        for end in ["out", "err"] { _ = unsafe unlink("\(base).\(end)") }
    }

    /// setsid and setpriv have become the program itself.
    var pid: Int32 { child.pid }
    var out: String { Shell.text(of: "\(base).out") }
    var error: String { Shell.text(of: "\(base).err") }

    func send(signal: Int32) { child.send(signal: signal) }

    /// Waits until it has printed `text` after what was awaited before.
    func shows(_ text: String) -> Bool {
        guard !terminal.isEmpty else { return eventually { out.contains(text) || error.contains(text) } }
        return eventually {
            fresh += read()
            guard let found = fresh.firstRange(of: text) else { return false }
            fresh.removeSubrange(..<found.upperBound)
            return true
        }
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe write(terminal.first ?? -1, bytes, bytes.count)
    }

    /// How it ended.
    func end() throws -> ChildProcess.Ending {
        var ending: ChildProcess.Ending?
        let isOver = eventually {
            fresh += read()
            ending = child.endingIfOver()
            return ending != nil
        }
        try #require(isOver, "\(screen)\(out)\(error)")
        fresh += read()
        return try #require(ending)
    }

    private func read() -> String {
        guard let controller = terminal.first else { return "" }
        var text = ""
        while true {
            var entry = pollfd(fd: controller, events: Int16(POLLIN), revents: 0)
            guard unsafe poll(&entry, 1, 0) > 0, entry.revents & Int16(POLLIN) != 0 else { break }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = unsafe Glibc.read(controller, &chunk, chunk.count)
            guard count > 0 else { break }
            text += String(decoding: chunk[..<count], as: UTF8.self)
        }
        screen += text
        return text
    }
}

extension Service {
    /// The directories that runs have made on a tmpfs and not taken away.
    static var directories: [String] {
        guard let open = unsafe opendir("/dev/shm") else { return [] }
        defer { unsafe closedir(open) }
        var names: [String] = []
        while let entry = unsafe readdir(open) {
            let name = unsafe withUnsafePointer(to: entry.pointee.d_name) {
                unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name.hasPrefix("postern-run-") { names.append("/dev/shm/\(name)") }
        }
        return names
    }
}

extension Service {
    /// Whether it has printed `text` after what was awaited before; it has ended, so nothing more comes.
    func shows(anything text: String) -> Bool { fresh.contains(text) }
}
