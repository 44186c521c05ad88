import CLinux
package import Rules

/// Starting again in an environment in which freed memory does not keep what was in it (design, section 3).
package enum Scrubbing {
    /// glibc: no thread cache (its small blocks are never overwritten) and every freed byte overwritten. Both must be set
    /// before the program starts.
    static let tunables = "glibc.malloc.tcache_count=0:glibc.malloc.perturb=165"

    /// Set by us, whatever was there.
    private static let ours = [("GLIBC_TUNABLES", tunables), ("SWIFT_BACKTRACE", "enable=no")]

    private static let kept: Set<String> = [
        "PATH", "LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES", "HOME", "TZ", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY",
        "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR", "TERM",
    ]
    private static let keptPrefixes = ["POSTERN_", "LISTEN_"]

    /// Whether a variable survives the new start.
    package static func keeps(_ name: some StringProtocol) -> Bool {
        kept.contains(String(name)) || keptPrefixes.contains { name.hasPrefix($0) }
    }

    /// What the new start sees: the listed variables of `environment` (`NAME=value` each) and ours.
    package static func scrubbed(_ environment: [String]) -> [String] {
        environment.filter { entry in
            guard let equals = entry.firstIndex(of: "=") else { return false }
            let name = entry[..<equals]
            return keeps(name) && !ours.contains { $0.0 == name }
        } + ours.map { "\($0.0)=\($0.1)" }
    }

    /// True once this process runs with freed memory scrubbed.
    package static var isDone: Bool {
        ours.allSatisfy { Environment.value(of: $0.0) == $0.1 }
    }

    /// Executes the same program with the same arguments once more, scrubbed; returns where that has been done.
    ///
    /// Call it first in main. `unsupported` where the program has file capabilities or is set-uid: glibc then ignores
    /// the tunables (AT_SECURE, ld.so(8)), and the promise could not be kept.
    package static func reexecute() throws(Problem) {
        guard getauxval(UInt(AT_SECURE)) == 0 else {
            throw Problem(
                .unsupported, "this program was started with file capabilities or set-uid",
                advice: "remove them (setcap -r); start it as root with --user, or let the service manager drop root")
        }
        guard !isDone else { return }
        let path = Program.path
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, .read)
            throw Program.execute(
                file.number, arguments: CommandLine.arguments, environment: scrubbed(Environment.all))
        } catch {
            throw error.problem(doing: "start \(path) again with a clean environment")
        }
    }
}

/// The environment variables of this process.
package enum Environment {
    /// `NAME=value` each.
    package static var all: [String] {
        var entries: [String] = []
        guard var next = unsafe clinux_environment() else { return [] }
        while let entry = unsafe next.pointee {
            unsafe entries.append(String(cString: entry))
            unsafe next += 1
        }
        return entries
    }

    /// nil where it is not set.
    package static func value(of name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

/// The program this process runs.
package enum Program {
    /// Its absolute path; `/proc/self/exe` where the file has been replaced since.
    package static var path: String {
        guard let path = Proc.link("/proc/self/exe"), (try? FileStatus.of(path)) ?? nil != nil else {
            return "/proc/self/exe"
        }
        return path
    }

    /// Gives the process the name of its file again: one executed by descriptor is called by a number before Linux 6.14.
    static func restoreName() {
        guard let path = Proc.link("/proc/self/exe"), let slash = path.lastIndex(of: "/") else { return }
        rename(String(path[path.index(after: slash)...]))
    }

    /// What ps and the kernel's log call this process; the first 15 bytes.
    package static func rename(_ name: String) { _ = unsafe clinux_set_thread_name(name) }

    /// The path of another program in the same directory.
    package static func sibling(_ name: String) -> String {
        let path = Proc.link("/proc/self/exe") ?? ""
        guard let slash = path.lastIndex(of: "/") else { return name }
        return path[...slash] + name
    }

    /// Ends the process.
    package static func exit(_ code: Int32) -> Never { CLinux.exit(code) }

    /// Becomes the program of an open file; returns only the error. Descriptors without close-on-exec stay open.
    static func execute(
        _ file: Int32, arguments: [String], environment: [String]
    ) -> SystemError {
        unsafe withCStrings(arguments) { arguments in
            unsafe withCStrings(environment) { environment in
                unsafe clinux_execute(file, arguments, environment)
                return SystemError("execve")
            }
        }
    }

    static func withCStrings<R>(
        _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> R
    ) -> R {
        var pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
        defer { for index in unsafe pointers.indices { unsafe free(pointers[index]) } }
        return unsafe pointers.withUnsafeMutableBufferPointer { unsafe body($0.baseAddress!) }
    }
}
