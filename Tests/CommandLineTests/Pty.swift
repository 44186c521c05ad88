import Glibc
import Linux

/// The real program on a real terminal of its own, typed at and read like a person would.
final class Pty {
    private let controller: FileDescriptor
    private let terminal: FileDescriptor
    private let child: ChildProcess
    private(set) var screen = ""
    /// How long anything may take, seconds: long, since a slow machine is no failure.
    private static let patience: Int64 = 60
    /// What was read and not awaited yet.
    private var fresh = ""

    init(_ arguments: [String], at admin: FakeAdmin, columns: UInt16 = 80, environment: [String] = []) throws {
        controller = try FileDescriptor.open("/dev/ptmx", .readWrite)
        // TIOCSPTLCK and TIOCGPTN (pty(7), ioctl_tty(2)); the importer cannot read these macros.
        var unlocked: Int32 = 0
        var number: Int32 = -1
        guard unsafe ioctl(controller.number, 0x4004_5431, &unlocked) == 0,
            unsafe ioctl(controller.number, 0x8004_5430, &number) == 0
        else { throw SystemFailure(number: errno) }
        terminal = try FileDescriptor.open("/dev/pts/\(number)", .readWrite)
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = unsafe ioctl(terminal.number, UInt(TIOCSWINSZ), &size)
        // setsid gives the child a session whose controlling terminal this is.
        child = try ChildProcess.start(
            "/usr/bin/setsid", ["--ctty", "--wait", Run.postern] + arguments,
            environment: ["PATH=/usr/bin:/bin", "HOME=/none", "TERM=xterm", "POSTERN_DATA_DIR=\(admin.directory)"]
                + environment,
            descriptors: [0: terminal.number, 1: terminal.number, 2: terminal.number])
    }

    /// Reads until the screen has `text` after what was awaited before; false when it does not come.
    func shows(_ text: String) -> Bool {
        let deadline = Deadline.after(seconds: Self.patience)
        while true {
            if let found = fresh.firstRange(of: text) {
                fresh.removeSubrange(..<found.upperBound)
                return true
            }
            if deadline.hasPassed { return false }
            fresh += read(waiting: 20) ?? ""
        }
    }

    /// What was printed meanwhile; nil when there is nothing after some milliseconds.
    private func read(waiting milliseconds: Int32) -> String? {
        var entry = pollfd(fd: controller.number, events: Int16(POLLIN), revents: 0)
        guard unsafe poll(&entry, 1, milliseconds) > 0, entry.revents & Int16(POLLIN) != 0 else { return nil }
        var chunk = [UInt8](repeating: 0, count: 4096)
        let count = unsafe Glibc.read(controller.number, &chunk, chunk.count)
        guard count > 0 else { return nil }
        let text = String(decoding: chunk[..<count], as: UTF8.self)
        screen += text
        return text
    }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe write(controller.number, bytes, bytes.count)
    }

    /// Whether what is typed is shown, as a shell wants it.
    var echoes: Bool {
        var state = termios()
        _ = unsafe tcgetattr(terminal.number, &state)
        return state.c_lflag & tcflag_t(ECHO) != 0 && state.c_lflag & tcflag_t(ICANON) != 0
            && state.c_lflag & tcflag_t(ISIG) != 0
    }

    /// Waits until the terminal is as `echoing` says.
    func becomes(echoing: Bool) -> Bool {
        let deadline = Deadline.after(seconds: Self.patience)
        while echoes != echoing {
            if deadline.hasPassed { return false }
            usleep(2000)
        }
        return true
    }

    /// setsid has become the program itself, since it led no process group.
    func send(signal: Int32) { child.send(signal: signal) }

    /// The exit code, or 128 and the signal.
    func end() throws -> Int32 {
        let deadline = Deadline.after(seconds: Self.patience)
        while !deadline.hasPassed {
            if let ending = child.endingIfOver() {
                while read(waiting: 0) != nil {}
                switch ending {
                case .exited(let code): return code
                case .signalled(let number): return 128 + number
                }
            }
            usleep(2000)
        }
        child.send(signal: SIGKILL)
        throw SystemFailure(number: ETIMEDOUT)
    }
}
