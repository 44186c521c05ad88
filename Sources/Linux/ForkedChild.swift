import CLinux

/// What a child of fork does to itself. All of it only in a process with one thread.
package enum ForkedChild {
    /// Moves `numbers` to 3, 4, … in that order, the first `inherited` of them without close-on-exec, and closes every
    /// other descriptor above 2, so that nothing the parent had open stays reachable. Standard input becomes /dev/null.
    package static func keepDescriptors(_ numbers: [Int32], inherited: Int) throws(SystemError) {
        let null = try FileDescriptor.open("/dev/null", .read)
        guard dup2(null.number, 0) >= 0 else { throw SystemError("dup2") }
        // Out of the way first: one may stand where another must go.
        let parked = try numbers.map { number throws(SystemError) in
            let copy = clinux_fcntl(number, F_DUPFD_CLOEXEC, 32)
            guard copy >= 0 else { throw SystemError("dup") }
            return copy
        }
        _ = null.release()  // closed with the rest
        for (index, copy) in parked.enumerated() {
            let target = Int32(3 + index)
            guard dup2(copy, target) >= 0 else { throw SystemError("dup2") }
            if index >= inherited { _ = clinux_fcntl(target, F_SETFD, FD_CLOEXEC) }
        }
        guard clinux_close_range(UInt32(3 + numbers.count), .max) == 0 else { throw SystemError("close_range") }
    }

    /// Is killed when `parent` ends, even when that has happened already.
    package static func dieWith(parent: Int32) {
        _ = clinux_prctl(PR_SET_PDEATHSIG, UInt(SIGKILL), 0, 0, 0)
        if getppid() != parent { _exit(1) }
    }

    /// Leaves the terminal's process group: Ctrl-C is for the daemon, which stops the rest in order.
    package static func leaveSession() { _ = setsid() }

    /// Becomes the program of an open file. Returns only the error.
    package static func execute(
        descriptor: Int32, arguments: [String], environment: [String]
    ) -> SystemError {
        Program.execute(descriptor, arguments: arguments, environment: environment)
    }

    package static var ownPID: Int32 { getpid() }
}

/// Tells when children have ended (signalfd(2)); SIGCHLD stays blocked in this process.
package struct ChildSignal: ~Copyable {
    private let descriptor: FileDescriptor

    /// Blocks SIGCHLD in this thread and reads it from a signalfd(2) instead.
    package init() throws(SystemError) {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGCHLD)
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
        descriptor = try FileDescriptor(
            result: unsafe signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK)), of: "signalfd")
    }

    /// In a child that executes another program, which would inherit the mask.
    package static func unblock() {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGCHLD)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
    }

    /// Waits until `other` can be read; calls `reap` whenever children have ended meanwhile.
    package func wait(
        for other: borrowing FileDescriptor, reap: (ChildProcess, ChildProcess.Ending) -> Void
    ) throws(SystemError) {
        while true {
            var entries = (
                pollfd(fd: other.number, events: Int16(POLLIN), revents: 0),
                pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)
            )
            let ready = unsafe withUnsafeMutableBytes(of: &entries) {
                unsafe poll($0.baseAddress!.assumingMemoryBound(to: pollfd.self), 2, -1)
            }
            if ready < 0, clinux_errno() != EINTR { throw SystemError("poll") }
            if entries.1.revents != 0 {
                var drained = [UInt8](repeating: 0, count: 1024)
                var span = drained.mutableSpan
                _ = try? descriptor.read(into: &span)
                while let (child, ending) = ChildProcess.reap() { reap(child, ending) }
            }
            if entries.0.revents != 0 { return }
        }
    }
}
