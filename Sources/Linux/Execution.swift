import CLinux

/// Becoming another program, with what the caller's own command line and environment hold byte for byte: neither need be
/// UTF-8, so both are taken from where the kernel put them.
package struct Execution {
    /// The program's path.
    private let path: String
    /// Where its words begin in ours.
    private let firstWord: Int

    /// Why a program cannot be executed; what a shell would exit with.
    package enum Trouble: Error, Sendable, Equatable {
        /// No such program (127).
        case missing
        /// It is there, and may not be executed (126).
        case forbidden
    }

    /// The program that word `index` of our command line names, looked for in `searchPath` where it has no slash
    /// (execvp(3)).
    package init(word index: Int, searchPath: String) throws(Trouble) {
        firstWord = index
        let name = CommandLine.arguments[index]
        let candidates =
            name.contains("/")
            ? [name]
            : searchPath.split(separator: ":", omittingEmptySubsequences: false).map {
                $0.isEmpty ? "./\(name)" : "\($0)/\(name)"
            }
        var trouble = Trouble.missing
        for candidate in candidates where !name.isEmpty {
            var status = stat()
            guard unsafe stat(candidate, &status) == 0, Int32(status.st_mode) & S_IFMT != S_IFDIR else { continue }
            if unsafe access(candidate, X_OK) == 0 {
                path = candidate
                return
            }
            trouble = .forbidden
        }
        throw trouble
    }

    /// Becomes it; returns only the error. The environment is ours, of which `keeps` says what stays, and `added`
    /// (`NAME=value` each), which replace what has the same name.
    package func execute(added: [String], keeps: (String) -> Bool) -> SystemError {
        let replaced = Set(added.map { String($0.prefix { $0 != "=" }) })
        return unsafe Program.withCStrings(added) { entries in
            var environment: [UnsafeMutablePointer<CChar>?] = unsafe []
            var next = unsafe clinux_environment()
            while let entry = unsafe next?.pointee {
                let name = unsafe String(String(cString: entry).prefix { $0 != "=" })
                if !replaced.contains(name), keeps(name) { unsafe environment.append(entry) }
                unsafe next = next.map { unsafe $0 + 1 }
            }
            for index in added.indices { unsafe environment.append(entries[index]) }
            unsafe environment.append(nil)
            return unsafe run(&environment)
        }
    }

    private func run(_ environment: inout [UnsafeMutablePointer<CChar>?]) -> SystemError {
        let words = unsafe CommandLine.unsafeArgv + firstWord
        unsafe execve(path, words, &environment)
        let error = SystemError("execve")
        guard error.number == ENOEXEC else { return error }
        // A script without a first line that says whose: execvp(3) gives it to the shell, and so does everybody.
        return unsafe path.withCString { path in
            unsafe "/bin/sh".withCString { shell in
                var all: [UnsafeMutablePointer<CChar>?] = unsafe [
                    UnsafeMutablePointer(mutating: shell), UnsafeMutablePointer(mutating: path),
                ]
                var next = unsafe words + 1
                while let word = unsafe next.pointee {
                    unsafe all.append(word)
                    unsafe next += 1
                }
                unsafe all.append(nil)
                unsafe execve(shell, &all, &environment)
                return SystemError("execve")
            }
        }
    }
}

extension ChildProcess {
    /// Starts this very program again, with its own words byte for byte and `more` before them. It inherits the
    /// environment and every descriptor that is not close-on-exec, and `signals` as what is blocked.
    package static func again(_ more: [String], signals: SignalInbox.Mask) throws(SystemError) -> ChildProcess {
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var mask = signals.set
        unsafe posix_spawnattr_setsigmask(&attributes, &mask)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pid: pid_t = 0
        let result = unsafe Program.withCStrings(more) { more in
            var words: [UnsafeMutablePointer<CChar>?] = unsafe [CommandLine.unsafeArgv[0]]
            var next = unsafe more
            while let word = unsafe next.pointee {
                unsafe words.append(word)
                unsafe next += 1
            }
            for index in 1..<Int(CommandLine.argc) { unsafe words.append(CommandLine.unsafeArgv[index]) }
            unsafe words.append(nil)
            return unsafe posix_spawn(&pid, Program.path, nil, &attributes, &words, clinux_environment())
        }
        guard result == 0 else { throw SystemError("posix_spawn", result) }
        return ChildProcess(pid: pid)
    }

    /// What its descendants start and do not wait for becomes a child of this process, not of process 1
    /// (PR_SET_CHILD_SUBREAPER, prctl(2)).
    package static func adoptOrphans() { _ = clinux_prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

    /// The children of the main thread, which calls this; adopted ones are its too (proc_tid_children(5)). None where the
    /// kernel does not tell.
    package static var all: [ChildProcess] {
        (Proc.text("/proc/thread-self/children") ?? "").split(separator: " ").compactMap {
            Int32($0).map(ChildProcess.init)
        }
    }

    /// What has become of a child since one last asked.
    package enum Change: Sendable, Equatable {
        /// It was stopped by this signal, and can go on.
        case stopped(Int32)
        /// It has ended.
        case ended(Ending)
    }

    /// The next change; nil where there is none.
    package func change() -> Change? {
        var status: Int32 = 0
        guard unsafe waitpid(pid, &status, WNOHANG | WUNTRACED) == pid else { return nil }
        let stop = clinux_stopping_signal(status)
        return stop == 0 ? .ended(Ending(status: status)) : .stopped(stop)
    }
}

extension Program {
    /// Ends this process as a child ended: with its code, or by the signal that ended it, without a core file of ours.
    package static func end(as ending: ChildProcess.Ending) -> Never {
        guard case .signalled(let number) = ending else {
            guard case .exited(let code) = ending else { exit(1) }
            exit(code)
        }
        clinux_limit(clinux_limit_core(), 0, 0)
        clinux_default_signal(number)
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, number)
        unsafe pthread_sigmask(SIG_UNBLOCK, &set, nil)
        raise(number)
        exit(128 + number)
    }

    /// Stops this process as Ctrl-Z would, until somebody lets it go on.
    package static func stop() { raise(SIGSTOP) }
}
