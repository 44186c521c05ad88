import CLinux

/// Signals that wait to be read instead of interrupting (signalfd(2)).
package struct SignalInbox: ~Copyable {
    /// What a thread holds back.
    package struct Mask: Sendable {
        let set: sigset_t
    }

    /// One signal that came.
    package struct Arrival: Sendable, Equatable {
        package let number: Int32
        /// From the kernel, as by a key at the terminal, which sends it to all of the foreground; else a process sent
        /// it to this one.
        package let isFromKernel: Bool

        /// Whether it asks for the end, and not for something else that a program may do: SIGHUP and the like are
        /// requests to many, and an end only where the terminal is gone.
        package var asksToEnd: Bool {
            [SIGINT, SIGQUIT, SIGTERM].contains(number) || (number == SIGHUP && isFromKernel)
        }
    }

    /// What was blocked before.
    package let before: Mask
    private let descriptor: FileDescriptor

    /// Blocks `numbers` in this thread and those that it starts.
    package init(_ numbers: [Int32]) throws(SystemError) {
        var set = sigset_t()
        var old = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, &old)
        before = Mask(set: old)
        descriptor = try FileDescriptor(
            result: unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK)), of: "signalfd")
    }

    /// The next that has come; nil where none has.
    package func next() -> Arrival? {
        var info = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        let got = unsafe withUnsafeMutableBytes(of: &info) {
            unsafe CLinux.read(descriptor.number, $0.baseAddress, size)
        }
        guard got == size else { return nil }
        return Arrival(number: Int32(info.ssi_signo), isFromKernel: info.ssi_code > 0)
    }

    /// Waits until a signal is there, one of `others` (-1 is none) can be read or has ended, or the deadline passes. Says
    /// which of the others it was.
    package func wait(or others: [Int32], until deadline: Deadline) throws(SystemError) -> [Bool] {
        var entries = ([descriptor.number] + others).map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        let ready = unsafe poll(&entries, nfds_t(entries.count), deadline.pollTimeout)
        if ready < 0, clinux_errno() != EINTR { throw SystemError("poll") }
        return entries.dropFirst().map { ready > 0 && $0.revents != 0 }
    }
}

extension SignalInbox {
    /// Runs `work` with the signals held back in this thread by which people and service managers end programs. One that
    /// came meanwhile acts afterwards.
    package static func holdingBackEnd<Result, Trouble: Error>(
        _ work: () throws(Trouble) -> Result
    ) throws(Trouble) -> Result {
        var set = sigset_t()
        var old = sigset_t()
        unsafe sigemptyset(&set)
        for number in [SIGHUP, SIGINT, SIGTERM] { unsafe sigaddset(&set, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &set, &old)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &old, nil) }
        return try work()
    }
}

/// Signals by name.
package enum SignalName {
    private static let numbers: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "TERM": SIGTERM, "USR1": SIGUSR1, "USR2": SIGUSR2,
        "WINCH": SIGWINCH, "CONT": SIGCONT,
    ]

    /// `HUP` or `SIGHUP`; nil for one that no program takes as a request.
    package static func number(_ name: String) -> Int32? {
        numbers[name.hasPrefix("SIG") ? String(name.dropFirst(3)) : name]
    }

    /// Those a program is told something with, for one that stands before another and passes them on.
    package static let passedOn: [Int32] = [
        SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP, SIGALRM,
    ]

    package static let childChanged: Int32 = SIGCHLD
    package static let end: Int32 = SIGTERM
    package static let kill: Int32 = SIGKILL

    /// Whether the terminal stops programs with it.
    package static func isTerminalStop(_ number: Int32) -> Bool { [SIGTSTP, SIGTTIN, SIGTTOU].contains(number) }

    /// Whether a program that gets it and knows nothing of it ends.
    package static func ends(_ number: Int32) -> Bool {
        [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM].contains(number)
    }
}
