import Glibc
import Linux
import Rules
import Testing

@testable import posternd

/// What /proc says about a process.
private struct Running {
    let pid: Int32

    private func text(_ name: String) -> String {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/\(name)", .read),
            let bytes = try? file.readToEnd(atMost: 1 << 22)
        else { return "" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A field of /proc/PID/status, its words.
    subscript(field: String) -> [Substring] {
        for line in text("status").split(separator: "\n") where line.hasPrefix(field + ":") {
            return line.split(whereSeparator: { $0 == "\t" || $0 == " " }).dropFirst().map { $0 }
        }
        return []
    }

    var parent: Int32 { self["PPid"].first.flatMap { Int32($0) } ?? 0 }
    var environment: [String] { text("environ").split(separator: "\0").map(String.init) }
    var libraries: String { text("maps") }

    /// The inodes of its sockets.
    var sockets: Set<String> {
        var inodes: Set<String> = []
        for number in 0..<1024 {
            var target = [CChar](repeating: 0, count: 64)
            let length = unsafe readlink("/proc/\(pid)/fd/\(number)", &target, target.count)
            let text = String(decoding: target.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.hasPrefix("socket:[") { inodes.insert(String(text.dropFirst(8).dropLast())) }
        }
        return inodes
    }

    /// The inodes of all Internet sockets in its network namespace.
    var internetSockets: Set<String> {
        var inodes: Set<String> = []
        for table in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"] {
            for line in text("net/\(table)").split(separator: "\n").dropFirst() {
                let fields = line.split(separator: " ")
                if fields.count > 9 { inodes.insert(String(fields[9])) }
            }
        }
        return inodes
    }
    var isGone: Bool { ["", "Z"].contains(self["State"].first ?? "") }
}

private func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let deadline = Deadline.after(seconds: Posternd.patience)
    while !deadline.hasPassed {
        if try condition() { return true }
        usleep(5_000)
    }
    return false
}

private func number(_ key: String, in line: String) throws -> Int32 {
    for word in line.split(separator: " ") where word.hasPrefix(key + "=") {
        if let number = Int32(word.dropFirst(key.count + 1)) { return number }
    }
    throw Posternd.Missing(what: key, log: line)
}

@Suite struct `A running posternd` {
    private let data: DataDirectory
    private let daemon: Posternd
    private let keeper: Running
    private let courier: Running

    init() throws {
        data = try DataDirectory(withVault: true)
        daemon = try Posternd(
            data.flags + ["--callback-listen", "127.0.0.1:0"],
            environment: ["PATH=/bin", "SECRET=planted", "LD_LIBRARY_PATH=/nowhere"])
        _ = try daemon.wait(for: "courier_ready")
        _ = try daemon.wait(for: "serving")
        keeper = Running(pid: daemon.child.pid)
        courier = Running(pid: try number("pid", in: try daemon.wait(for: "courier_started")))
    }

    @Test func `is three processes without privileges`() throws {
        let starter = Running(pid: courier.parent)
        #expect(starter.parent == keeper.pid && starter["Name"] == ["postern-starter"])
        #expect(keeper["Name"] == ["posternd"] && courier["Name"] == ["postern-courier"])
        let daemonUser = Privileges.isRoot ? try #require(Accounts.account(named: "daemon")?.uid) : Privileges.uid
        for (process, uid) in [(keeper, data.account.uid), (starter, daemonUser), (courier, daemonUser)] {
            #expect(process["Uid"] == Array(repeating: Substring("\(uid)"), count: 4))
            for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(process[set] == ["0000000000000000"]) }
            if Privileges.isRoot { #expect(process["CapBnd"] == ["0000000000000000"]) }
            #expect(process["NoNewPrivs"] == ["1"])
        }
        #expect(courier["Seccomp"] == ["2"])
    }

    @Test(.enabled(if: Privileges.isRoot, "only root can look into processes that cannot be dumped"))
    func `has freed memory scrubbed, nothing else of the environment, and no library of the network`() throws {
        for process in [keeper, courier] {
            #expect(process.environment.contains { $0.hasPrefix("GLIBC_TUNABLES=glibc.malloc.tcache_count=0") })
            #expect(process.environment.contains("SWIFT_BACKTRACE=enable=no"))
            #expect(!process.environment.contains { $0.hasPrefix("SECRET") || $0.hasPrefix("LD_") })
        }
        #expect(keeper.libraries.contains("libsodium") && courier.libraries.contains("libcurl"))
        for library in ["libcurl", "libssl", "libcrypto.so"] { #expect(!keeper.libraries.contains(library)) }
    }

    @Test(.enabled(if: Privileges.isRoot, "only root can look into processes that cannot be dumped"))
    func `has no Internet socket where the keys are`() throws {
        let internet = keeper.internetSockets
        #expect(courier.sockets.intersection(internet).count == 1)
        #expect(keeper.sockets.count >= 3 && keeper.sockets.isDisjoint(with: internet))
    }

    @Test func `replaces a courier that was killed`() throws {
        let before = daemon.logged
        kill(courier.pid, SIGKILL)
        #expect(try number("pid", in: try daemon.wait(for: "courier_ended", since: before)) == courier.pid)
        #expect(try number("pid", in: try daemon.wait(for: "courier_started", since: before)) != courier.pid)
        _ = try daemon.wait(for: "courier_ready", since: before)
        #expect(!keeper.isGone)
    }

    @Test func `takes its starter and courier along when it is killed`() throws {
        let starter = Running(pid: courier.parent)
        kill(keeper.pid, SIGKILL)
        #expect(eventually { starter.isGone && courier.isGone })
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `stops cleanly`(_ signal: Int32) throws {
        _ = try FileDescriptor.connect(unix: data.brokerSocket).number
        let starter = Running(pid: courier.parent)
        kill(keeper.pid, signal)
        let (code, log) = try daemon.end()
        #expect(code == 0 && log.contains("event=stopped"))
        #expect(try FileStatus.of(data.brokerSocket) == nil)
        #expect(eventually { starter.isGone && courier.isGone })
    }

    @Test func `lets no second one at its vault`() throws {
        let (code, log) = try Posternd(data.flags).end()
        #expect(code == 6 && log.contains("(pid \(keeper.pid))"))
        _ = try FileDescriptor.connect(unix: data.brokerSocket).number
    }
}

@Suite struct `A posternd that was killed` {
    @Test func `starts again over what it left`() throws {
        let data = try DataDirectory(withVault: true)
        for _ in 0..<2 {
            let daemon = try Posternd(data.flags)
            _ = try daemon.wait(for: "serving")
            daemon.child.send(signal: SIGKILL)
            try daemon.child.wait()
            #expect(try FileStatus.of(data.brokerSocket)?.kind == .socket)
        }
        let daemon = try Posternd(data.flags)
        _ = try daemon.wait(for: "serving")
        _ = try FileDescriptor.connect(unix: data.brokerSocket).number
    }
}
