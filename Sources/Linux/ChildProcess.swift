import CLinux

/// A child of this process.
package struct ChildProcess: Sendable {
    package let pid: Int32

    /// How a child ended.
    package enum Ending: Sendable, Equatable, CustomStringConvertible {
        case exited(Int32)
        case signalled(Int32)

        init(status: Int32) {
            let signal = clinux_ending_signal(status)
            self = signal == 0 ? .exited(clinux_exit_status(status)) : .signalled(signal)
        }

        package var description: String {
            switch self {
            case .exited(let code): "exit \(code)"
            case .signalled(let number): "signal \(number)"
            }
        }
    }

    /// Starts a program (posix_spawn(3)); safe in a process with threads.
    ///
    /// `environment` are `NAME=value` entries, by default ours. `descriptors` maps numbers in the child to ours; those not
    /// named are the same as ours up to 2 and closed above. Signals are unblocked.
    package static func start(
        _ path: String, _ arguments: [String], environment: [String]? = nil, descriptors: [Int32: Int32] = [:]
    ) throws(SystemError) -> ChildProcess {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        // First out of the way of all targets, then into place: one may stand where another must go. The copies in
        // between are closed by exec.
        var parked: [Int32] = []
        defer { for copy in parked { _ = close(copy) } }
        for (target, source) in descriptors.sorted(by: { $0.key < $1.key }) {
            let copy = clinux_fcntl(source, F_DUPFD_CLOEXEC, 64)
            guard copy >= 0 else { throw SystemError("dup") }
            parked.append(copy)
            unsafe posix_spawn_file_actions_adddup2(&actions, copy, target)
        }
        // Ours are close-on-exec; those that a library or whoever started us left open are not.
        let highest = max(2, descriptors.keys.max() ?? 2)
        for number in 3..<(highest + 1) where descriptors[number] == nil {
            unsafe posix_spawn_file_actions_addclose(&actions, number)
        }
        unsafe posix_spawn_file_actions_addclosefrom_np(&actions, highest + 1)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var pid: pid_t = 0
        let result = unsafe Program.withCStrings([path] + arguments) { arguments in
            unsafe Program.withCStrings(environment ?? Environment.all) { environment in
                unsafe posix_spawn(&pid, path, &actions, &attributes, arguments, environment)
            }
        }
        guard result == 0 else { throw SystemError("posix_spawn", result) }
        return ChildProcess(pid: pid)
    }

    /// A copy of this process that runs `body` and ends with its result. Only before the first thread starts: a child
    /// of fork has only the thread that called it, and locks of the others stay locked.
    package static func fork(_ body: () -> Int32) throws(SystemError) -> ChildProcess {
        let pid = clinux_fork()
        guard pid >= 0 else { throw SystemError("fork") }
        if pid == 0 { _exit(body()) }
        return ChildProcess(pid: pid)
    }

    /// Sends a signal; a child that ended already is not waited for here, so its pid is still its own.
    package func send(signal: Int32) { _ = kill(pid, signal) }

    /// Waits for the end; ECHILD where somebody has waited already.
    @discardableResult
    package func wait() throws(SystemError) -> Ending {
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0 {
            guard clinux_errno() == EINTR else { throw SystemError("waitpid") }
        }
        return Ending(status: status)
    }

    /// How it ended; nil while it runs.
    package func endingIfOver() -> Ending? {
        var status: Int32 = 0
        return unsafe waitpid(pid, &status, WNOHANG) == pid ? Ending(status: status) : nil
    }

    /// Whether any child is left that has not been waited for.
    package static var hasAny: Bool {
        let result = waitid(P_ALL, 0, nil, WNOHANG | WNOWAIT | WEXITED)
        return result == 0 || clinux_errno() != ECHILD
    }

    /// The next child that has ended, if any.
    package static func reap() -> (child: ChildProcess, ending: Ending)? {
        var status: Int32 = 0
        let pid = unsafe waitpid(-1, &status, WNOHANG)
        return pid > 0 ? (ChildProcess(pid: pid), Ending(status: status)) : nil
    }
}
