import Glibc
import Rules
import Testing

@testable import Linux

@Suite struct `The peer of a Unix socket` {
    let place: Place
    let path: String
    let listener: Int32

    init() throws {
        place = try Place()
        path = place("s")
        listener = try UnixListener(path: path, mode: 0o666).takeDescriptor().release()
    }

    private func accept() throws -> FileDescriptor {
        let number = Glibc.accept(listener, nil, nil)
        try #require(number >= 0)
        return FileDescriptor(owning: number)
    }

    @Test func `is this process`() throws {
        let client = try FileDescriptor.connect(unix: path)
        let socket = try accept()
        let peer = try Peer(of: socket.number)
        #expect(peer.uid == geteuid() && peer.gid == getegid() && peer.pid == getpid() && peer.isAlive)
        #expect(peer.executable == Program.path)
        #expect(peer.matches([.uid(geteuid()), .gid(getegid()), .exe(Program.path)]))
        #expect(!peer.matches([.uid(geteuid()), .exe("/bin/true")]))
        #expect(!peer.matches([]))
        #expect(!peer.matches([.uid(geteuid()), .sha256(String(repeating: "0", count: 64))]))
        let name = try #require(Accounts.account(uid: geteuid())?.name)
        #expect(peer.matches([.user(name)]) && !peer.matches([.user("no-such-user")]))
        #expect(!peer.matches([.group("no-such-group")]))
        #expect(peer.facts.executable == Program.path && peer.facts == peer.facts)
        _ = client.number
    }

    @Test(.enabled(if: isRoot, needsRoot))
    func `is another user, with that user's groups`() throws {
        let probe = try Probe(["--as", "nobody", "connect", path])
        #expect(try probe.line() == "connected")
        let socket = try accept()
        let peer = try Peer(of: socket.number)
        let nobody = try #require(Accounts.account(named: "nobody"))
        #expect(peer.uid == nobody.uid && peer.pid == probe.child.pid && peer.isAlive)
        #expect(peer.matches([.user("nobody"), .uid(nobody.uid), .gid(nobody.gid)]))
        #expect(!peer.matches([.user("root")]) && !peer.matches([.uid(0)]) && !peer.matches([.gid(0)]))
        try probe.end()
    }

    @Test(.enabled(if: isRoot, needsRoot))
    func `has supplementary groups`() throws {
        let groups = "1,2,\((100..<130).map(String.init).joined(separator: ","))"
        let setpriv = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--groups=\(groups)"]
        let probe = try Probe(["connect", path], through: setpriv)
        let socket = try accept()
        let peer = try Peer(of: socket.number)
        #expect(Set(peer.supplementaryGroups).isSuperset(of: [1, 2, 129]) && peer.supplementaryGroups.count == 32)
        #expect(peer.matches([.gid(65534)]) && peer.matches([.gid(129)]) && peer.matches([.group("daemon")]))
        #expect(!peer.matches([.gid(130)]))
        try probe.end()
        #expect(!peer.isAlive)
    }

    @Test func `matches nothing once it is dead, though its connection lives on in a child`() throws {
        let probe = try Probe(["connect-and-fork", path])
        let socket = try accept()
        let child = try #require(Int32(try probe.line() ?? ""))
        let peer = try Peer(of: socket.number)
        #expect(try probe.child.wait() == .exited(0))
        #expect(peer.pid == probe.child.pid && child != peer.pid)
        #expect(kill(child, 0) == 0)
        #expect(!peer.isAlive && !peer.matches([.uid(peer.uid)]))
        #expect(peer.executable == nil && peer.unit == nil && peer.loginUID == nil && peer.cgroups.isEmpty)
        kill(child, SIGKILL)
    }

    @Test func `that ended before it was asked for is nobody`() throws {
        let probe = try Probe(["connect", path])
        #expect(try probe.line() == "connected")
        try probe.end()
        let socket = try accept()
        let peer = try Peer(of: socket.number)
        #expect(peer.uid == geteuid() && !peer.isAlive && !peer.matches([.uid(peer.uid)]))
    }

    /// Kernels 6.5 to 6.15 refuse; whoever has the number now must not be taken for it.
    @Test(arguments: [EINVAL, ESRCH, ENODATA])
    func `that was reaped is nobody, and is not looked for by its number`(_ error: Int32) throws {
        /// nil: looked for by its number.
        func isAlive(_ error: Int32) throws -> Bool? {
            guard let descriptor = try SocketOptions.noProcessDescriptor(error) else { return nil }
            return ProcessDescriptor(descriptor).isAlive
        }
        #expect(try isAlive(error) == false)
        #expect(try isAlive(ENOPROTOOPT) == nil)
        #expect(throws: SystemError.self) { try isAlive(EMFILE) }
    }

    @Test func `is not whoever has its number now`() {
        // As on kernels before 6.5: opened by number, then the uid must be the one the kernel recorded.
        let now = ProcessDescriptor(pid: getpid(), uid: geteuid())
        let other = ProcessDescriptor(pid: getpid(), uid: geteuid() &+ 1)
        let none = ProcessDescriptor(pid: 0, uid: 0)
        #expect(now.isAlive && !other.isAlive && !none.isAlive)
    }

    @Test(.enabled(if: isRoot, needsRoot))
    func `with a mount namespace of its own has no executable for us`() throws {
        let probe = try Probe(["connect", path], through: ["/usr/bin/unshare", "--mount"])
        let socket = try accept()
        let peer = try Peer(of: socket.number)
        #expect(peer.isAlive && peer.executable == nil)
        #expect(!peer.matches([.uid(0), .exe(Program.sibling("linux-probe"))]))
        try probe.end()
    }

    @Test func `is asked for only on Unix sockets`() throws {
        let tcp = try FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: 0))
        #expect(throws: SystemError.self) { try Peer(of: tcp.number) }
    }
}

@Suite struct `A cgroup` {
    @Test(arguments: [
        ("0::/system.slice/bridge.service", "bridge.service"),
        ("0::/system.slice/bridge.service/worker", "bridge.service"),
        ("0::/system.slice/system-bridge.slice/bridge@1.service", "bridge@1.service"),
        ("0::/chat.slice/bridge.service", "bridge.service"),
        ("1:name=systemd:/system.slice/bridge.service\n0::/", "bridge.service"),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/bridge.service", nil),
        ("0::/user.slice/user-1000.slice/session-1.scope", nil),
        ("0::/user.slice/bridge.service", nil),
        ("0::/system.slice/docker-0123.scope/system.slice/bridge.service", nil),
        ("0::/bridge.service", nil),
        ("0::/../system.slice/bridge.service", nil),
        ("0::/system.slice/../x.slice/bridge.service", nil),
        ("2:cpu:/system.slice/bridge.service", nil),
        ("0::/system.slice", nil), ("0::/", nil), ("", nil), ("nonsense", nil),
        ("0::/system.slice/.service", nil),
    ])
    func `names a unit of the system manager only`(_ text: String, _ unit: String?) {
        #expect(Cgroup.systemUnit(text) == unit)
    }

    private static let id = String(repeating: "ab12", count: 16)

    @Test(arguments: [
        ("/system.slice/a.service", "/system.slice/a.service", true),
        ("/system.slice/a.service/x", "/system.slice/a.service", true),
        ("/system.slice/a.service2", "/system.slice/a.service", false),
        ("/system.slice", "/system.slice/a.service", false),
        ("/a/b/c", "b", false), ("/a", "/", false), ("/\(id)", id, false), ("/a/b", "", false),
    ])
    func `is matched by whole components`(_ path: String, _ wanted: String, _ want: Bool) {
        #expect(Cgroup.path(path, isIn: wanted) == want)
    }

    /// Layouts of the engines' own documentation and sources: Docker, Podman, containerd, CRI-O and Kubernetes, with
    /// systemd and without; and names that somebody else could give.
    @Test(arguments: [
        ("/system.slice/docker-\(id).scope", id), ("/docker/\(id)", id), ("/docker/\(id)/init.scope", id),
        ("/machine.slice/libpod-\(id).scope", id), ("/machine.slice/libpod-\(id).scope/container", id),
        ("/libpod_parent/libpod-\(id)", id), ("/system.slice/nerdctl-\(id).scope", id), ("/default/\(id)", id),
        ("/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podx.slice/cri-containerd-\(id).scope", id),
        ("/kubepods.slice/kubepods-podx.slice/crio-\(id).scope", id), ("/kubepods/besteffort/podx-y/\(id)", id),
        ("/mine.slice/docker-\(id).scope", id),
        ("/system.slice/docker-\(id.uppercased()).scope", nil), ("/system.slice/docker-x\(id).scope", nil),
        ("/system.slice/docker-\(id.dropLast()).scope", nil), ("/system.slice/\(id).scope", nil),
        ("/machine.slice/libpod-conmon-\(id).scope", nil), ("/system.slice/crio-conmon-\(id).scope", nil),
        ("/user.slice/user-1.slice/user@1.service/user.slice/libpod-\(id).scope", nil),
        ("/user.slice/docker-\(id).scope", nil), ("/system.slice/mine.service/docker-\(id).scope", nil),
        ("/system.slice/mine.service/\(id)", nil), ("/system.slice/run-x.scope/\(id)", nil),
        ("/alice/\(id)", nil), ("/\(id)", nil), ("/docker", nil), ("/", nil), ("", nil),
        ("/system.slice/../docker/\(id)", nil), ("/../docker/\(id)", nil),
        ("/docker/\(other)/docker/\(id)", other),
    ])
    func `names the container, unless others could have named it so`(_ path: String, _ container: String?) {
        #expect(Cgroup.container(path) == container)
        #expect(Cgroup.path(path, isIn: Self.id) == (container == Self.id))
    }

    private static let other = String(repeating: "0f", count: 32)

    @Test func `lists the unified hierarchy first`() {
        #expect(Cgroup.paths("1:cpu:/a\n0::/b:c\n") == ["/b:c", "/a"])
    }
}
