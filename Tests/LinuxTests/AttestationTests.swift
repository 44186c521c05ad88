import Glibc
import Rules
import Synchronization
import Testing

@testable import Linux

/// One that listens, and copies of the helper program.
final class Hall {
    let place: Place
    private let listener: Int32
    private var accepted: [Int32] = []

    init() throws {
        place = try Place()
        listener = try UnixListener(path: place("s"), mode: 0o666).takeDescriptor().release()
    }

    var path: String { place("s") }

    /// Whoever connects next; the connection stays.
    func peer() throws -> Peer {
        let number = Glibc.accept(listener, nil, nil)
        try #require(number >= 0)
        accepted.append(number)
        return try Peer(of: number)
    }

    deinit { for number in accepted + [listener] { close(number) } }

    /// A program that does the same from another file; `padding` makes it another content too.
    func program(_ name: String, padding: String = "") throws -> String {
        // Not by us: a process that another test starts meanwhile would have the file open for writing until it executes,
        // and then nobody could execute this one.
        let script = "cat \"$1\" > \"$2\" && printf %s \"$3\" >> \"$2\" && chmod 755 \"$2\""
        let words = ["-c", script, "sh", Program.sibling("linux-probe"), place(name), padding]
        try #require(try ChildProcess.start("/bin/sh", words).wait() == .exited(0))
        return place(name)
    }
}

@Suite struct `A peer that was connected` {
    let hall: Hall
    let me = Selector.uid(geteuid())

    init() throws { hall = try Hall() }

    @Test func `is caught when it runs another program, and is not believed when it comes back`() throws {
        let (first, second) = (try hall.program("first"), try hall.program("second"))
        let probe = try Probe(["ask", hall.path], program: first)
        #expect(try probe.line() == "connected")
        let peer = try hall.peer()
        let selectors = [me, .exe(first)]
        #expect(peer.matches(selectors) && peer.stillMatches(selectors))
        #expect(peer.program == .path(first) && !peer.matches([me, .exe(second)]))
        try probe.say("exec \(second)")
        try probe.say("name")
        #expect(try probe.line() == second)
        #expect(peer.isAlive && peer.program == .another && !peer.stillMatches(selectors))
        #expect(!peer.matches(selectors) && !peer.matches([me, .exe(second)]) && peer.matches([me]))
        #expect(peer.executableSHA256 == nil && peer.factsNow.executable == second)
        #expect(peer.reading(.exe(first)) == .differs("another program than the one that connected"))
        try probe.end()
    }

    @Test func `is caught although it became the right program before it was first asked about`() throws {
        let (bad, good) = (try hall.program("bad"), try hall.program("good"))
        let probe = try Probe(["ask", hall.path], program: bad)
        #expect(try probe.line() == "connected")
        let peer = try hall.peer()
        try probe.say("exec \(good)")
        try probe.say("name")
        #expect(try probe.line() == good)
        #expect(!peer.matches([me, .exe(good)]) && peer.matches([me]))
        try probe.end()
    }

    @Test func `matches by the contents of its program, which are read once`() throws {
        let path = try hall.program("program", padding: "unlike others")
        let digest = try Self.sha256sum(path)
        let probe = try Probe(["ask", hall.path], program: path)
        #expect(try probe.line() == "connected")
        let peer = try hall.peer()
        #expect(peer.executableSHA256 == digest && peer.matches([me, .sha256(digest)]))
        #expect(peer.stillMatches([me, .sha256(digest)]))
        #expect(!peer.matches([me, .sha256(String(repeating: "0", count: 64))]))
        #expect(peer.reading(.sha256(String(repeating: "0", count: 64))) == .differs("sha256:\(digest)"))
        // Renamed over, as an upgrade does it: the process runs the old contents still, under no name.
        _ = try hall.program("new")
        #expect(unsafe rename(hall.place("new"), path) == 0)
        #expect(peer.matches([me, .sha256(digest)]) && !peer.matches([me, .exe(path)]))
        #expect(!peer.stillMatches([me, .exe(path)]) && peer.program == .path("\(path) (deleted)"))
        try probe.end()
    }

    /// A backup that links it, a chmod or an upgrade changes the file's state, not what the process runs.
    @Test func `is matched anew once when its program's file has another state, and then known again`() throws {
        let (path, other) = (try hall.program("program", padding: "linked"), try hall.program("other"))
        let selectors = [me, .sha256(try Self.sha256sum(path))]
        let probe = try Probe(["ask", hall.path], program: path)
        #expect(try probe.line() == "connected")
        let peer = try hall.peer()
        #expect(peer.matches(selectors) && peer.stillMatches(selectors))
        #expect(unsafe link(path, hall.place("backup")) == 0)
        #expect(!peer.stillMatches(selectors))
        let sight = peer.sight
        #expect(peer.matches(selectors))
        for _ in 0..<3 { #expect(peer.stillMatches(selectors, since: sight)) }
        try probe.say("exec \(other)")
        try probe.say("name")
        #expect(try probe.line() == other)
        // Nor is it believed to be what it was looked at as another program.
        for seen in [sight, peer.sight] { #expect(!peer.stillMatches(selectors, since: seen)) }
        try probe.end()
    }

    static func sha256sum(_ path: String) throws -> String {
        let pair = try SocketPair(.stream)
        let child = try ChildProcess.start("/usr/bin/sha256sum", [path], descriptors: [1: pair.far.number])
        #expect(try child.wait() == .exited(0))
        var chunk = [UInt8](repeating: 0, count: 64)
        var span = chunk.mutableSpan
        _ = try pair.near.receive(into: &span, until: .after(seconds: Probe.patience))
        return String(decoding: chunk, as: UTF8.self)
    }

    @Test(.enabled(if: isRoot, needsRoot))
    func `and is gone is nobody, though another process has its number, user and program now`() throws {
        let probe = try Probe(["connect-and-fork", hall.path])
        let child = try #require(Int32(try probe.line() ?? ""))
        let peer = try hall.peer()
        let program = Program.sibling("linux-probe")
        #expect(try probe.child.wait() == .exited(0))
        let taker = try Probe(["take-number", "\(peer.pid)", "\(peer.uid)"])
        let answer = try #require(Int32(try taker.line() ?? ""))
        defer { kill(child, SIGKILL) }
        try #require(answer == peer.pid, "the kernel does not let us choose a number, or it is in use: \(answer)")
        // Everything that a number leads to says yes: only the pidfd knows better.
        #expect(Proc.Status(of: peer.pid)?.uid == peer.uid && Proc.link("/proc/\(peer.pid)/exe") == program)
        #expect(!peer.isAlive && !peer.matches([me]) && !peer.matches([me, .exe(program)]))
        #expect(!peer.stillMatches([me, .exe(program)]) && peer.executable == nil && peer.program == .ended)
        #expect(peer.facts.executable == nil && peer.cgroups.isEmpty)
        try taker.end()
    }

    @Test(.enabled(if: isRoot, needsRoot))
    func `with a user namespace of its own has no program for us`() throws {
        // In one a process may name any file as its executable (PR_SET_MM_MAP).
        let probe = try Probe(["ask", hall.path], through: ["/usr/bin/unshare", "--user"])
        #expect(try probe.line() == "connected")
        let peer = try hall.peer()
        #expect(peer.isAlive && peer.program == .elsewhere && peer.executableSHA256 == nil)
        try probe.end()
    }

    @Test(.enabled(if: isRoot && Self.unified != nil, "needs root and a writable cgroup v2"))
    func `in a container is known by its id, until it is moved`() throws {
        let unified = try #require(Self.unified)
        let id = String((0..<64).map { _ in "0123456789abcdef".randomElement() ?? "0" })
        _ = unsafe mkdir("\(unified)/docker", 0o755)
        let cgroup = "\(unified)/docker/\(id)"
        try #require(unsafe mkdir(cgroup, 0o755) == 0)
        defer { _ = unsafe rmdir(cgroup) }
        let probe = try Probe(["ask", hall.path])
        #expect(try probe.line() == "connected")
        let peer = try hall.peer()
        let selectors = [me, .cgroup(id)]
        #expect(!peer.matches(selectors))
        try FileDescriptor.open("\(cgroup)/cgroup.procs", .write).write(Array("\(peer.pid)".utf8))
        #expect(peer.matches(selectors) && peer.stillMatches(selectors) && peer.stillMatches(selectors))
        #expect(peer.container == id && peer.matches([me, .cgroup("/docker/\(id)")]))
        #expect(peer.matches([me, .cgroup("/docker")]) && !peer.matches([me, .cgroup("/dock")]))
        try FileDescriptor.open("\(unified)/cgroup.procs", .write).write(Array("\(peer.pid)".utf8))
        #expect(!peer.stillMatches(selectors) && !peer.matches(selectors) && peer.isAlive)
        try probe.end()
    }

    private static let unified: String? = {
        let found = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].first {
            (try? FileStatus.of("\($0)/cgroup.procs")) != .some(nil)
                && (try? FileStatus.of("\($0)/cgroup.controllers")) != .some(nil)
        }
        guard let found, unsafe access("\(found)/cgroup.procs", W_OK) == 0 else { return nil }
        return found
    }()
}

@Suite struct `The digest of a program` {
    let place: Place

    init() throws { place = try Place() }

    private func file(_ name: String, _ bytes: [UInt8]) throws -> FileIdentity {
        let path = place(name)
        try FileDescriptor.open(path, .write, creating: 0o755).write(bytes)
        return try #require(FileIdentity(following: path))
    }

    @Test func `is that of its contents, and remembered until they change`() throws {
        let digests = ProgramDigests(settling: 0)
        let first = try file("p", Array("abc".utf8))
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        for _ in 0..<3 { #expect(digests.sha256(of: place("p"), if: first, for: 0) == known) }
        #expect(digests.reads == 1)
        try FileDescriptor.open(place("p"), .append).write(Array("d".utf8))
        let changed = try #require(digests.sha256(of: place("p"), if: first, for: 0))
        #expect(changed != known && digests.reads == 2)
        let other = try file("q", Array("abc".utf8))
        #expect(digests.sha256(of: place("p"), if: other, for: 0) == nil)
    }

    @Test func `is not remembered where a change could go unseen`() throws {
        let digests = ProgramDigests()
        let fresh = try file("p", Array("abc".utf8))
        for _ in 0..<3 { #expect(digests.sha256(of: place("p"), if: fresh, for: 0) != nil) }
        #expect(digests.reads == 3 && digests.count == 0)
    }

    @Test func `is none where it cannot be known`() throws {
        let digests = ProgramDigests(settling: 0)
        let long = try file("long", [])
        try FileDescriptor.open(place("long"), .write).truncate(to: Int64(ProgramDigests.largest) + 1)
        #expect(digests.sha256(of: place("long"), if: long, for: 0) == nil)
        let folder = try #require(FileIdentity(following: place.path))
        #expect(digests.sha256(of: place.path, if: folder, for: 0) == nil)
        #expect(digests.sha256(of: place("missing"), if: long, for: 0) == nil)
        #expect(digests.reads == 0)
    }

    @Test func `is none where the file is changed while it is read`() throws {
        let digests = ProgramDigests(settling: 0)
        let identity = try file("p", [UInt8](repeating: 7, count: 32 << 20))
        let path = place("p")
        let stop = Signal()
        let writer = try Thread.start(name: "writer") {
            guard let file = try? FileDescriptor.open(path, .append) else { return }
            repeat { try? file.write([1]) } while !stop.wait(until: .after(milliseconds: 1))
        }
        for _ in 0..<3 { #expect(digests.sha256(of: path, if: identity, for: 0) == nil) }
        stop.raise()
        writer.join()
        #expect(digests.count == 0 && digests.sha256(of: path, if: identity, for: 0) != nil)
    }

    @Test func `is read once for all who ask at the same time`() throws {
        let digests = ProgramDigests(settling: 0)
        let identity = try file("p", [UInt8](repeating: 7, count: 8 << 20))
        let path = place("p")
        let threads = try (0..<16).map { _ in
            try Thread.start(name: "asker") { _ = digests.sha256(of: path, if: identity, for: 0) }
        }
        for thread in threads { thread.join() }
        #expect(digests.reads == 1 && digests.count == 1)
    }

    @Test func `is waited for by the same user's others alone, and not for ever`() throws {
        let digests = ProgramDigests(settling: 0, patience: 10)
        _ = try file("long", [])
        let path = place("long")
        try FileDescriptor.open(path, .write).truncate(to: 400 << 20)
        let long = try #require(FileIdentity(following: path))
        let short = try file("short", Array("abc".utf8))
        let thread = try Thread.start(name: "long") { _ = digests.sha256(of: path, if: long, for: 1) }
        defer { thread.join() }
        let deadline = Deadline.after(seconds: Probe.patience)
        while digests.reads == 0, !deadline.hasPassed { _ = sched_yield() }
        #expect(digests.sha256(of: place("short"), if: short, for: 1) == nil)
        #expect(digests.sha256(of: path, if: long, for: 2) == nil)
        #expect(digests.sha256(of: place("short"), if: short, for: 2) != nil)
    }

    @Test func `is forgotten when there are too many`() throws {
        let digests = ProgramDigests(settling: 0)
        for number in 0..<(ProgramDigests.most + 10) {
            let identity = try file("p\(number)", Array("\(number)".utf8))
            #expect(digests.sha256(of: place("p\(number)"), if: identity, for: 0) != nil)
        }
        #expect(digests.count == ProgramDigests.most)
    }
}

@Suite struct `A name in the system's database` {
    @Test func `that is not found any more is not held against who had it`() {
        let answer = Mutex<NameCache.Found>(.none)
        let names = NameCache { _ in answer.withLock { $0 } }
        var now: Int64 = 0
        func found(_ next: NameCache.Found, after wait: Int64 = NameCache.freshness) -> NameCache.Found {
            answer.withLock { $0 = next }
            now += wait
            return names.find("a", at: now)
        }
        #expect(found(.none) == .none && found(.unknown) == .unknown && found(.none) == .none)
        #expect(found(.id(7)) == .id(7) && found(.id(8), after: 1) == .id(7) && found(.id(8)) == .id(8))
        // Databases that are down often say "no such name", and are asked again soon.
        #expect(found(.none) == .unknown && found(.id(8), after: 1) == .unknown)
        #expect(found(.id(8), after: NameCache.patience) == .id(8))
        #expect(names.find("b", at: now) == .id(8))
    }

    @Test(
        arguments: [
            (0, .none), (ENOENT, .none), (ESRCH, .none), (EIO, .unknown), (EMFILE, .unknown),
        ] as [(Int32, NameCache.Found)])
    func `is unknown where the database fails`(_ error: Int32, _ want: NameCache.Found) {
        #expect(NameCache.Found(without: error) == want)
    }
}

@Suite struct `What hides processes` {
    @Test(arguments: [
        ("23 28 0:21 / /proc rw,nosuid - proc proc rw", nil),
        ("23 28 0:21 / /proc rw,nosuid shared:12 - proc proc rw,hidepid=invisible", "hidepid=invisible"),
        ("23 28 0:21 / /proc rw - proc proc rw,gid=5,hidepid=2", "hidepid=2"),
        ("23 28 0:21 / /proc rw - proc proc rw,hidepid=0", nil),
        ("23 28 0:21 / /proc rw - proc proc rw,hidepid=2\n24 23 0:30 / /proc rw - proc proc rw", nil),
        ("23 28 0:21 / /proc rw - proc proc rw\n24 23 0:30 / /proc rw - proc proc rw,hidepid=1", "hidepid=1"),
        ("23 28 0:21 / /elsewhere rw - proc proc rw,hidepid=2", nil), ("", nil), ("nonsense - - -", nil),
    ])
    func `is read from the list of mounts`(_ text: String, _ option: String?) {
        #expect(Attestation.hidingOption(inMountInfo: text) == option)
    }

    @Test func `is not there where this very process can be seen`() {
        #expect(Peer(runningAs: getpid())?.executable == Program.path)
        #expect(Peer(runningAs: 0) == nil && Peer(runningAs: -1) == nil)
        #expect(Peer(runningAs: getpid())?.reading(.uid(geteuid())) == .holds)
    }
}
