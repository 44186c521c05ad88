import FoundationEssentials
import Linux
import Rules

/// Where the demo is played: a directory of its own, the programs in it, and the processes that run.
final class Stage {
    let console: Console
    let directory: String
    /// Whom the daemon and the courier become; nil unless we are root.
    let users: (keeper: String, courier: String)?
    private var daemon: ChildProcess?
    private var simulator: ChildProcess?
    /// The simulator ends when this does.
    private var simulatorInput: FileDescriptor?
    private(set) var lastWords: [String] = []

    var state: String { directory + "/state" }
    var programs: String { directory + "/bin" }
    private var log: String { directory + "/posternd.log" }

    init(_ console: Console) throws(Failure) {
        self.console = console
        users = try Stage.findUsers()
        directory = try Stage.makeDirectory()
        try bring(["postern", "posternd", "postern-courier", "postern-sim"])
    }

    private static func findUsers() throws(Failure) -> (String, String)? {
        guard Privileges.isRoot else { return nil }
        func first(_ names: [String]) -> String? { names.first { Accounts.account(named: $0) != nil } }
        guard let keeper = first(["postern", "nobody"]), let courier = first(["postern-courier", "daemon", "games"])
        else {
            throw Failure.error(
                "as root the demo needs two unprivileged users, such as nobody and daemon",
                next: "run it as another user")
        }
        return (keeper, courier)
    }

    private static func makeDirectory() throws(Failure) -> String {
        let base = ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
        let path = "\(base)/postern-demo-\(String(UInt64.random(in: 0 ... .max), radix: 36))"
        try attempt("make \(path)") { () throws(SystemError) in try Directory.make(path, mode: 0o711) }
        return path
    }

    /// Links or copies our programs to where other users can reach them; a home directory may be closed to them.
    private func bring(_ names: [String]) throws(Failure) {
        try attempt("make \(programs)") { () throws(SystemError) in
            try Directory.make(programs, mode: 0o755)
        }
        for name in names { try bring(name, as: name) }
    }

    /// Puts a program under another name, for a selector that tells programs apart.
    func bring(_ name: String, as other: String) throws(Failure) {
        let source = Linux.Program.sibling(name)
        let target = programs + "/" + other
        if (try? FileManager.default.linkItem(atPath: source, toPath: target)) != nil { return }
        do { try FileManager.default.copyItem(atPath: source, toPath: target) } catch {
            throw Failure.error("\(name) is missing beside this program", next: "build all programs: swift build")
        }
    }

    /// A command of this program, shown with its output as in a terminal.
    @discardableResult
    func postern(
        _ words: [String], input: String = "", expecting codes: Set<Int32> = [0], showing lines: Int = 20,
        only wanted: (String) -> Bool = { _ in true }
    )
        throws(Failure) -> String
    {
        console.out(console.bold("   $ " + (["postern"] + words).map(Stage.quoted).joined(separator: " ")))
        let (ending, text) = try run(programs + "/postern", words + ["--data-dir", state, "--no-input"], input: input)
        for line in text.split(separator: "\n").map(String.init).filter(wanted).prefix(lines) { show(line) }
        guard case .exited(let code) = ending, codes.contains(code) else {
            throw Failure.error("postern \(words.joined(separator: " ")) ended with \(ending)")
        }
        return text
    }

    /// The same without showing it.
    func quietly(_ words: [String]) throws(Failure) -> JSON {
        let (ending, text) = try run(programs + "/postern", words + ["--data-dir", state, "--no-input", "-o", "json"])
        guard ending == .exited(0), let json = JSON(parsing: Array(text.utf8)) else {
            throw Failure.error("postern \(words.joined(separator: " ")) ended with \(ending)")
        }
        return json
    }

    func show(_ line: String) {
        console.out("   " + Columns.cut(Columns.printable(line), to: (console.width ?? 120) - 3))
    }

    /// Runs a program to its end; what it printed, both ways together.
    func run(_ program: String, _ words: [String], input: String = "") throws(Failure) -> (ChildProcess.Ending, String)
    {
        let paths = (directory + "/input", directory + "/output")
        let result = try attempt("run \(program)") { () throws(SystemError) -> ChildProcess.Ending in
            let source = try FileDescriptor.open(paths.0, .readWrite, creating: 0o600)
            try source.truncate(to: 0)
            try source.write(Array(input.utf8))
            let reopened = try FileDescriptor.open(paths.0, .read)
            let output = try FileDescriptor.open(paths.1, .write, creating: 0o600)
            try output.truncate(to: 0)
            let child = try ChildProcess.start(
                program, words, environment: Stage.environment + ["COLUMNS=\((console.width ?? 120) - 3)"],
                descriptors: [0: reopened.number, 1: output.number, 2: output.number])
            return try child.wait()
        }
        let bytes = (try? Descriptor.contents(ofFile: paths.1, atMost: 1 << 20)) ?? []
        Descriptor.remove(paths.0)
        return (result, String(decoding: bytes, as: UTF8.self))
    }

    private static let environment = ["PATH=/usr/bin:/bin", "LANG=C.UTF-8", "HOME=/nonexistent"]

    private static func quoted(_ word: String) -> String {
        word.contains(" ") || word.contains("*") || word.isEmpty ? "\"\(word)\"" : word
    }
}

// MARK: Processes

extension Stage {
    /// The simulated Slack; its address.
    func startSimulator() throws(Failure) -> String {
        let output = directory + "/simulator"
        simulatorInput = try attempt("start postern-sim") { () throws(SystemError) in
            try SocketPair(.stream).split { (ours, its) throws(SystemError) in
                let file = try FileDescriptor.open(output, .write, creating: 0o600)
                simulator = try ChildProcess.start(
                    programs + "/postern-sim", ["--listen", "127.0.0.1:0", "--end-with-stdin"],
                    environment: Stage.environment, descriptors: [0: its.number, 1: file.number, 2: file.number])
                return ours
            }
        }
        return try wait("the simulated Slack") {
            let bytes = (try? Descriptor.contents(ofFile: output, atMost: 4096)) ?? []
            let lines = bytes.split(separator: 10)
            return lines.first.flatMap { JSON(parsing: Array($0))?["listening"]?.text }
        }
    }

    /// The daemon, answering.
    func startDaemon(_ options: [String]) throws(Failure) {
        daemon = try attempt("start posternd") { () throws(SystemError) in
            let file = try FileDescriptor.open(log, .append, creating: 0o600)
            let nothing = try FileDescriptor.open("/dev/null", .read)
            return try ChildProcess.start(
                programs + "/posternd", daemonOptions(state) + options, environment: Stage.environment,
                descriptors: [0: nothing.number, 1: file.number, 2: file.number])
        }
        let admin = Admin(socket: state + "/run/admin.sock", timeoutSeconds: 5)
        _ = try wait("posternd") { () -> Bool? in
            if daemon?.endingIfOver() != nil { daemon = nil }
            return (try? admin.get("status")) != nil ? true : nil
        }
    }

    func daemonOptions(_ directory: String) -> [String] {
        ["--data-dir", directory, "--root-key", "file:\(self.directory)/root.key"]
            + (users.map { ["--user", $0.keeper, "--courier-user", $0.courier] } ?? [])
    }

    func stopDaemon() {
        guard let daemon else { return }
        daemon.send(signal: 15)
        for _ in 0..<500 where self.daemon != nil {
            if daemon.endingIfOver() != nil { self.daemon = nil } else { Descriptor.waitMilliseconds(10) }
        }
        if self.daemon != nil {
            daemon.send(signal: 9)
            _ = try? daemon.wait()
            self.daemon = nil
        }
    }

    private func wait<Result>(_ what: String, _ ready: () -> Result?) throws(Failure) -> Result {
        for _ in 0..<500 {
            if let result = ready() { return result }
            Descriptor.waitMilliseconds(10)
        }
        throw Failure.error("\(what) did not start within five seconds")
    }

    /// Ends everything and leaves nothing behind.
    func clear(keeping: Bool) {
        stopDaemon()
        simulatorInput = nil
        if let simulator { _ = try? simulator.wait() }
        let text = (try? Descriptor.contents(ofFile: log, atMost: 1 << 20)) ?? []
        lastWords = String(decoding: text, as: UTF8.self).split(separator: "\n").suffix(5).map(String.init)
        if keeping {
            console.note("left in place: \(directory)")
        } else {
            try? FileManager.default.removeItem(atPath: directory)
        }
    }
}
