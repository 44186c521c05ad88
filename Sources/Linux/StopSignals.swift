import CLinux

/// SIGTERM, SIGINT and SIGHUP, taken by the thread that asks and by nobody else.
package enum StopSignals {
    /// What the daemon was told.
    package enum Received: Sendable, Equatable {
        /// SIGTERM or SIGINT.
        case stop
        /// SIGHUP.
        case reload
    }

    private static let numbers = [SIGTERM, SIGINT, SIGHUP]

    /// Keeps them from interrupting; call it before the first thread starts, since threads inherit it.
    package static func block() { change(SIG_BLOCK) }

    /// As if nobody had sent them; for a process that ends when its parent does.
    package static func ignore() { for number in numbers { clinux_ignore_signal(number) } }

    /// What they do without us; for a child before it executes another program.
    package static func restore() {
        for number in numbers { clinux_default_signal(number) }
        change(SIG_UNBLOCK)
    }

    private static func change(_ how: Int32) {
        var set = signals
        unsafe pthread_sigmask(how, &set, nil)
    }

    /// Waits for the next one.
    package static func next() -> Received {
        var set = signals
        var number: Int32 = 0
        while unsafe sigwait(&set, &number) != 0 {}
        return number == SIGHUP ? .reload : .stop
    }

    private static var signals: sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        for number in numbers { unsafe sigaddset(&set, number) }
        return set
    }
}
