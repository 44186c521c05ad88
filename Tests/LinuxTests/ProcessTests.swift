import Glibc
import Rules
import Testing

@testable import Linux

@Suite struct `A hardened process` {
    @Test func `cannot be dumped, gains nothing by exec and keeps its files to itself`() throws {
        let lines = try Probe(["hardened"]).lines()
        #expect(lines == ["dumpable 0", "no_new_privs 1", "core 0", "umask 63"])
    }

    @Test func `dies of a crash as the kernel wants it, without a report`() throws {
        let probe = try Probe(["hardened", "crash"])
        _ = try probe.lines()
        #expect(try probe.child.wait() == .signalled(SIGABRT))
    }
}

@Suite struct `A scrubbed start` {
    @Test func `keeps listed variables, sets its own and the arguments`() throws {
        let environment = [
            "PATH=/bin", "POSTERN_DATA_DIR=/x", "NOTIFY_SOCKET=@a", "LISTEN_FDS=1", "LD_PRELOAD=/none.so", "SECRET=1",
            "GLIBC_TUNABLES=glibc.malloc.perturb=1", "SWIFT_BACKTRACE=enable=yes", "odd",
        ]
        let lines = try Probe(["scrubbed", "a b", "c"], environment: environment).lines()
        let tunables = "GLIBC_TUNABLES=glibc.malloc.tcache_count=0:glibc.malloc.perturb=165"
        #expect(
            lines == [
                "PATH=/bin", "POSTERN_DATA_DIR=/x", "NOTIFY_SOCKET=@a", "LISTEN_FDS=1", tunables,
                "SWIFT_BACKTRACE=enable=no", "argument a b c", "name \(Program.sibling("linux-probe"))",
            ])
    }

    @Test(.enabled(if: isRoot, needsRoot))
    func `is refused to a program with file capabilities`() throws {
        let place = try Place()
        try ChildProcess.start("/bin/cp", [Program.sibling("linux-probe"), place("probe")]).wait()
        let set = try ChildProcess.start("/sbin/setcap", ["cap_net_raw+ep", place("probe")]).wait()
        try #require(set == .exited(0), "needs setcap (libcap2-bin)")
        let out = try SocketPair(.stream)
        let child = try ChildProcess.start(
            "/usr/bin/setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", place("probe"), "scrubbed"],
            descriptors: [1: out.far.number, 2: out.far.number])
        #expect(try child.wait() != .exited(0))
    }
}

@Suite struct `Dropped privileges` {
    @Test(.enabled(if: isRoot, needsRoot))
    func `are gone for good`() throws {
        let lines = try Probe(["--as", "daemon", "ids"]).lines()
        let daemon = try #require(Accounts.account(named: "daemon"))
        #expect(lines[0] == "\(daemon.uid) \(daemon.uid) \(daemon.gid) \(daemon.gid)")
        #expect(lines[1] == "no way back")
        for line in lines where line.hasPrefix("Cap") { #expect(line.hasSuffix("\t0000000000000000")) }
        #expect(lines.contains { $0.hasPrefix("CapBnd") })
        #expect(lines.first { $0.hasPrefix("Groups") }?.split(separator: "\t").last == "\(daemon.gid) ")
    }
}

@Suite struct `A lock file` {
    @Test func `is held by one process, whose number it says`() throws {
        let place = try Place()
        let probe = try Probe(["lock", place("l")])
        #expect(try probe.line() == "locked")
        #expect { _ = try LockFile(path: place("l")) } throws: {
            let problem = $0 as? Problem
            return problem?.code == .conflict && problem?.reason.contains("(pid \(probe.child.pid))") == true
        }
        probe.child.send(signal: SIGKILL)
        try probe.child.wait()
        _ = try LockFile(path: place("l"))
    }

    @Test func `does not follow a link`() throws {
        let place = try Place()
        unsafe symlink(place("target"), place("l"))
        #expect(throws: Problem.self) { _ = try LockFile(path: place("l")) }
        #expect(try FileStatus.of(place("target")) == nil)
    }
}

@Suite struct `A reserve` {
    @Test func `has blocks until it is released`() throws {
        let place = try Place()
        try Reserve.fill(place("ballast"), bytes: 1 << 20)
        #expect(Reserve.isFilled(place("ballast"), bytes: 1 << 20))
        var status = stat()
        unsafe stat(place("ballast"), &status)
        #expect(status.st_blocks * 512 >= 1 << 20)
        try Reserve.release(place("ballast"))
        #expect(!Reserve.isFilled(place("ballast"), bytes: 1 << 20))
        unsafe stat(place("ballast"), &status)
        #expect(status.st_blocks == 0)
    }
}

@Suite struct `The service manager` {
    @Test(arguments: [false, true])
    func `is told by one datagram each`(_ abstract: Bool) throws {
        let place = try Place()
        let name = abstract ? "@postern-test-\(getpid())" : place("notify")
        let socket = try FileDescriptor.unixDatagrams()
        let address = try UnixAddress(name)
        let bound = unsafe address.with { pointer in
            unsafe bind(socket.number, UnsafeRawPointer(pointer).assumingMemoryBound(to: sockaddr.self), address.length)
        }
        try #require(bound == 0)
        let lines = try Probe(["notify"], environment: ["NOTIFY_SOCKET=\(name)"]).lines()
        #expect(lines == ["true true"])
        var buffer = [UInt8](repeating: 0, count: 100)
        for want in ["READY=1", "STATUS=a b"] {
            var span = buffer.mutableSpan
            let got = try socket.receive(into: &span, until: .after(seconds: 30))
            #expect(String(decoding: buffer[..<got], as: UTF8.self) == want)
        }
    }

    @Test func `need not be there`() throws {
        #expect(try Probe(["notify"], environment: []).lines() == ["true true"])
        #expect(try Probe(["notify"], environment: ["NOTIFY_SOCKET=/nonexistent"]).lines() == ["false false"])
    }
}

@Suite struct `A started program` {
    @Test func `has only the descriptors it was given`() throws {
        let lines = try Probe(["children"]).lines()
        // 0, 1, 2, the one given and ls's own on the directory.
        #expect(Set(lines.dropLast()) == ["0", "1", "2", "3", "7"])
        #expect(lines.last == "exit 0")
    }

    @Test func `that is not there is an error`() {
        #expect(throws: SystemError("posix_spawn", ENOENT)) { _ = try ChildProcess.start("/nonexistent", []) }
    }
}

@Suite struct `A log line` {
    @Test func `is one line without terminal sequences`() {
        let line = Log.line(
            .warning, "test", ["plain": "a/b:c", "odd": "a \"b\" \\\n\u{1B}[31m\u{202E}é", "n": 3, "empty": ""], at: 0)
        #expect(
            line == "time=1970-01-01T00:00:00.000Z level=warning event=test plain=a/b:c "
                + "odd=\"a \\\"b\\\" \\\\\\n\\u{1b}[31m\\u{202e}é\" n=3 empty=\"\"\n")
    }
}

/// proc_pid_stat(5): the name is as the process likes, parentheses and numbers included.
@Suite struct `When a process began` {
    private static let rest = "S 1 7 7 0 -1 4194304 1 0 0 0 1 2 0 0 20 0 1 0 4711 99 98"

    @Test(
        arguments: [
            ("7 (sh) \(rest)", 4711), ("7 (a) S 1 2) \(rest)", 4711), ("7 (()) \(rest)", 4711),
            ("7 (x 1 2 3 4 5) \(rest)", 4711), ("7 (sh) S 1 7 7", nil), ("7 sh", nil), ("", nil),
        ] as [(String, UInt64?)])
    func `is read behind its name, whatever that is`(_ stat: String, _ began: UInt64?) {
        #expect(Proc.startTime(stat) == began)
    }

    @Test func `is part of its name, which stays the same`() throws {
        let own = try #require(Peer(runningAs: getpid())?.processIdentity)
        #expect(Peer(runningAs: getpid())?.processIdentity == own)
        #expect(own == "\(getpid()):\(try #require(Proc.text("/proc/self/stat").flatMap(Proc.startTime)))")
    }
}
