import Glibc
import Testing

@testable import Linux

@Suite struct `A confined process` {
    /// What each attempt must give: 0, or EPERM from the filter, or EACCES from Landlock.
    private static let expected: [(String, Set<Int32>)] = [
        ("certificates", [0]), ("resolver", [0]), ("internet", [0]), ("socketpair", [0]), ("thread", [0]),
        ("own-signal", [0]),
        ("file", [EACCES]), ("passwd", [EACCES]), ("create", [EACCES]), ("memory-file", [EACCES, EPERM]),
        ("unix", [EPERM]), ("unix-high-bits", [EPERM]), ("datagrams", [EPERM]), ("packet", [EPERM]), ("fork", [EPERM]),
        ("clone", [EPERM]), ("trace", [EPERM]), ("read-memory", [EPERM]), ("pidfd", [EPERM]), ("signal", [EPERM]),
        ("signal-thread", [EPERM]), ("io-uring", [EPERM]), ("limits", [EPERM]), ("shared-memory", [EPERM]),
        ("execute", [EPERM, EACCES]),
    ]

    /// As the same user, where nothing but confinement stands between, and as root, who could do everything else.
    @Test(arguments: isRoot ? [[], ["--as", "nobody"]] : [[]])
    func `reaches no file, socket or process, and still the network`(_ identity: [String]) throws {
        let place = try Place()
        unsafe chmod(place.path, 0o777)
        try place.write("key", "secret", mode: 0o666)
        let listener = try UnixListener(path: place("admin.sock"), mode: 0o666)
        let victim = try Probe(identity + ["connect", place("admin.sock")])
        #expect(try victim.line() == "connected")
        let probe = try Probe(identity + ["confined", place("key"), place("admin.sock"), "\(victim.child.pid)"])
        let lines = try probe.lines()
        let results = Dictionary(
            uniqueKeysWithValues: lines.map { ($0.prefix { $0 != " " }, $0.split(separator: " ")[1]) })
        try #require(results["landlock"] != "0", "this kernel has no Landlock")
        for (name, allowed) in Self.expected {
            let result = try #require(results[name[...]].flatMap { Int32($0) }, "\(name) missing in \(lines)")
            #expect(allowed.contains(result), "\(name) gave \(result)")
        }
        #expect(try FileStatus.of(place("key.new")) == nil)
        try victim.end()
        _ = listener.path
    }

    @Test func `is reported where the kernel cannot do all of it`() {
        #expect(Confinement.Report(landlock: 0).warning?.contains("--courier-user") == true)
        #expect(Confinement.Report(landlock: 3).warning == nil)
    }
}
