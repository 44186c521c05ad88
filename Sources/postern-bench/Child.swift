import Glibc
import Linux

/// A program started for a measurement, ended with this value.
final class Child {
    let pid: pid_t
    private var lifeline: Int32
    private var ended = false

    /// Its standard input is a pipe that closes when we are gone, its output goes to our standard error or nowhere.
    init(_ arguments: [String], environment: [String] = Environment.all, quiet: Bool = false) throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw SystemError("pipe", errno) }
        _ = fcntl(ends[1], F_SETFD, FD_CLOEXEC)
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        unsafe posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
        unsafe posix_spawn_file_actions_addclose(&actions, ends[0])
        if quiet {
            for number in [1, 2] as [Int32] {
                unsafe posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_WRONLY, 0)
            }
        } else {
            unsafe posix_spawn_file_actions_adddup2(&actions, 2, 1)
        }
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        var argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
        var envp = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer {
            for index in unsafe argv.indices { unsafe free(argv[index]) }
            for index in unsafe envp.indices { unsafe free(envp[index]) }
        }
        var pid: pid_t = 0
        let result = unsafe posix_spawn(&pid, arguments[0], &actions, nil, &argv, &envp)
        close(ends[0])
        guard result == 0 else {
            close(ends[1])
            throw SystemError("posix_spawn", result)
        }
        self.pid = pid
        lifeline = ends[1]
    }

    deinit { end(SIGKILL) }

    /// Sends the signal and waits until the program is gone.
    func end(_ signal: Int32 = SIGTERM) {
        guard !ended else { return }
        kill(pid, signal)
        _ = wait()
    }

    /// Waits for the program's end; its exit status, 128 and more for a signal.
    @discardableResult
    func wait() -> Int32 {
        guard !ended else { return 0 }
        ended = true
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0, errno == EINTR {}
        close(lifeline)
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }

    /// Resident memory in MB: VmRSS of /proc/PID/status.
    var residentMegabytes: Double? { resident(pid) }
}

/// Reads until the other end of standard input is closed: the life of a child of ours.
func waitForEndOfInput() {
    var byte: UInt8 = 0
    while unsafe read(0, &byte, 1) > 0 {}
}

/// VmRSS of a process in MB, nil when it is gone.
func resident(_ pid: Int32) -> Double? {
    guard let file = try? FileDescriptor.open("/proc/\(pid)/status", .read),
        let bytes = try? file.readToEnd(atMost: 65536)
    else { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmRSS:") {
        return line.split(separator: " ").compactMap { Double($0) }.first.map { $0 / 1024 }
    }
    return nil
}
