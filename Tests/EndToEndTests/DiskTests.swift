import Glibc
import Linux
import Testing

@testable import postern_sim

/// A small file system of its own, gone with the value.
private final class SmallDisk {
    let path: String

    init(megabytes: Int) throws {
        var template = Array("/tmp/postern-disk-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        try #require(made)
        path = unsafe template.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) }
        let mounted = try Shell.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "none", path])
        try #require(mounted.ending == .exited(0), "no right to mount")
        try Directory.make(data, mode: 0o711)
    }

    deinit {
        _ = try? Shell.run("/bin/umount", ["-l", path])
        unsafe rmdir(path)
    }

    var data: String { path + "/data" }

    func fill() throws {
        let file = try FileDescriptor.open(path + "/filler", .append, creating: 0o600)
        let block = [UInt8](repeating: 1, count: 65_536)
        while (try? file.write(block)) != nil {}
        while (try? file.write([1])) != nil {}
    }

    func free() { unsafe unlink(path + "/filler") }

    func remount(_ mode: String) throws -> Bool {
        try Shell.run("/bin/mount", ["-o", "remount,\(mode)", path]).ending == .exited(0)
    }

    /// Whether this process may mount at all: root in a container may not.
    static let isPossible = Shell.isRoot && (try? SmallDisk(megabytes: 1)) != nil
}

@Suite(.enabled(if: SmallDisk.isPossible, "needs root and the right to mount a small file system"))
struct `On a disk that` {
    @Test func `is full reads are refused by name while revoking works, and all is well when there is room`() throws {
        let disk = try SmallDisk(megabytes: 24)
        let stand = try Stand(at: disk.data).start()
        try stand.furnish()
        let grant = try stand.grant(actions: ["secret:read:signing_secret"])
        #expect(try stand.read("signing_secret").status == 200)
        try disk.fill()
        // The log's file has some room of its own left.
        let refused = try eventually { try stand.read("signing_secret").code == "audit_unavailable" }
        #expect(refused)
        let reply = try stand.read("signing_secret")
        #expect(reply.status == 503 && !reply.text.contains("\"value\""), "\(reply.text)")
        let write = try stand.admin("PUT", "apps/\(Stand.app)/secrets/signing_secret", ["value": "another"])
        #expect(write.code == "audit_unavailable", "\(write.text)")
        #expect(try stand.admin("GET", "status")["status"] == "degraded")
        #expect(try stand.broker("GET", "health")["status"] == "degraded")
        let revoked = try stand.admin("DELETE", "grants/\(grant)")
        #expect(revoked.status == 200, "\(revoked.text)")
        // The reserve that was given back is for what takes away, not for reads.
        #expect(try stand.read("signing_secret").code == "audit_unavailable")
        #expect(try stand.admin("POST", "services/bridge/suspend").status == 200)
        disk.free()
        #expect(try eventually(within: 90) { try stand.admin("POST", "services/bridge/resume").status == 200 })
        #expect(try eventually(within: 90) { try stand.read("signing_secret").status == 200 })
        #expect(try stand.must("GET", "audit/verify")["ok"] == true)
        #expect(try stand.must("GET", "grants").text.contains("\"id\":\(grant),") == false)
    }

    /// The reserve is for what takes something away: what is over can be given back as often as one likes.
    @Test func `is full a lease is given back once, and once more is no revocation`() throws {
        let disk = try SmallDisk(megabytes: 24)
        let stand = try Stand(simulated: true, at: disk.data).start()
        try stand.furnish(actions: ["access:bot", "secret:read:signing_secret"], methods: ["auth.test"])
        let lease = try stand.lease()
        try disk.fill()
        #expect(try eventually { try stand.read("signing_secret").code == "audit_unavailable" })
        #expect(try stand.broker("DELETE", "leases/\(lease)").status == 204)
        let again = try stand.broker("DELETE", "leases/\(lease)")
        #expect(again.code == "audit_unavailable", "\(again.text)")
    }

    @Test func `is read-only at start says so`() throws {
        let disk = try SmallDisk(megabytes: 24)
        let stand = try Stand(at: disk.data).start()
        try stand.furnish()
        try stand.stop()
        #expect(try eventually { try disk.remount("ro") })
        let log = try FileDescriptor.open("/dev/null", .write)
        let child = try ChildProcess.start(
            Program.sibling("posternd"), stand.arguments(), descriptors: [2: log.number])
        guard case .exited(let code) = try child.wait() else {
            Issue.record("it did not end by itself")
            return
        }
        #expect(code != 0 && code != 11, "\(code): a read-only disk is no damage")
        #expect(try disk.remount("rw"))
        try stand.start()
        #expect(try stand.read("signing_secret").status == 200)
    }
}
