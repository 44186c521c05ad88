import Glibc
import Linux
import Sealing
import Testing
import Vault

@testable import postern_sim

@Suite struct `posternd on a vault` {
    /// Starts it where it must refuse; its exit code and what it wrote.
    private func refusal(_ stand: Stand, runDirectory: String? = nil) throws -> (code: Int32, log: String) {
        let before = stand.log.utf8.count
        let child = try stand.launch(runDirectory: runDirectory)
        guard case .exited(let code) = try child.wait() else { return (-1, stand.log) }
        return (code, String(decoding: stand.log.utf8.dropFirst(before), as: UTF8.self))
    }

    private func sql(_ stand: Stand, _ statement: String) throws {
        try #require(try Shell.run("/usr/bin/sqlite3", [stand.database, statement]).ending == .exited(0))
    }

    @Test func `that another posternd has says so and leaves that one alone`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let (code, log) = try refusal(stand)
        #expect(code == 6 && log.contains("code=conflict"), "\(code) \(log)")
        #expect(try stand.read("signing_secret").status == 200)
        // By a name of its own for the sockets, it is still the same vault.
        let (again, why) = try refusal(stand, runDirectory: stand.path + "/other")
        #expect(again == 6 && why.contains("(pid \(stand.pid))"), "\(again) \(why)")
    }

    @Test func `with the wrong root key, a short one or none says so and changes nothing`() throws {
        let stand = try Stand()
        let before = Shell.bytes(of: stand.database)
        let right = Shell.bytes(of: stand.rootKey)
        for wrong in [[UInt8](repeating: 9, count: 32), Array(right.dropLast()), [], right + [0]] {
            let file = try FileDescriptor.open(stand.rootKey, .write)
            try file.truncate(to: 0)
            try file.write(wrong)
            let (code, log) = try refusal(stand)
            #expect(code == 11 || code == 2, "\(wrong.count): \(code) \(log)")
            #expect(log.contains("root key") && log.contains("advice="), "\(wrong.count): \(log)")
        }
        #expect(Shell.bytes(of: stand.database) == before)
        let file = try FileDescriptor.open(stand.rootKey, .write)
        try file.truncate(to: 0)
        try file.write(right)
        try stand.start()
    }

    @Test(.enabled(if: Shell.exists("/usr/bin/sqlite3"), "there is no sqlite3"))
    func `of a newer format says so and changes nothing`() throws {
        let stand = try Stand()
        try sql(stand, "PRAGMA user_version = 9999")
        let before = Shell.bytes(of: stand.database)
        let (code, log) = try refusal(stand)
        #expect(code == 6 && log.contains("newer"), "\(code) \(log)")
        #expect(Shell.bytes(of: stand.database) == before)
    }

    @Test(
        .enabled(if: Shell.exists("/usr/bin/sqlite3"), "there is no sqlite3"),
        arguments: [
            ("UPDATE tenants SET slug = 'evil'", "tenants"), ("DELETE FROM grants", "grants"),
            ("CREATE TRIGGER planted AFTER INSERT ON audit BEGIN SELECT 1; END", "schema"),
            ("DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", "audit"),
            ("UPDATE services SET state = 'active', selectors = 'uid:1002'", "services"),
        ])
    func `that was changed from outside names the table`(_ change: String, _ table: String) throws {
        let stand = try Stand().start()
        try stand.furnish()
        try stand.stop()
        try sql(stand, change)
        let (code, log) = try refusal(stand)
        #expect(code == 11 && log.contains("code=integrity_failure") && log.contains(table), "\(code) \(log)")
    }

    @Test func `that is no database says so`() throws {
        let stand = try Stand()
        let file = try FileDescriptor.open(stand.database, .write)
        try file.truncate(to: 0)
        try file.write([UInt8](repeating: 0x55, count: 8192))
        let (code, log) = try refusal(stand)
        #expect(code == 11, "\(code) \(log)")
    }

    @Test func `that is not there says how to make one`() throws {
        let stand = try Stand()
        try Shell.run("/bin/rm", ["-rf", stand.path + "/vault"])
        let (code, log) = try refusal(stand)
        #expect(code == 5 && log.contains("postern init"), "\(code) \(log)")
    }

    @Test func `stops cleanly: nothing under way is lost, the log is signed and verifies offline`() throws {
        let stand = try Stand().start()
        try stand.furnish()
        let wires = try (0..<16).map { _ in try Wire(stand.brokerSocket, uid: Stand.bridge) }
        for wire in wires {
            try wire.send(Wire.request("GET", "/v1/apps/\(Stand.app)/secrets/signing_secret"))
        }
        for wire in wires { #expect(try wire.receive().status == 200) }
        #expect(try stand.stop() == .exited(0))
        #expect(Shell.bytes(of: stand.database + "-wal").isEmpty)
        #expect(try FileStatus.of(stand.brokerSocket) == nil)
        let key = try #require(Digest32(hex: String(Shell.text(of: stand.path + "/audit.pub").prefix(64))))
        let anchors = Shell.text(of: stand.path + "/anchors").split(separator: "\n").map(String.init)
        #expect(anchors.count >= 2)
        let offline = try AuditVerifier.verify(file: stand.database, publicKey: key, anchors: anchors)
        #expect(offline.isSound && offline.signedUpTo == offline.records - 1)
        // What the daemon did last is under a signature: nothing but that checkpoint comes after it.
        try stand.start()
        let sound = try stand.must("GET", "audit/verify")
        let stop = try stand.records().last { $0["action"] == "daemon.stop" }
        guard case .integer(let stopped)? = stop?["seq"], case .integer(let signed)? = sound["signed_up_to"] else {
            Issue.record("no record of the stop")
            return
        }
        #expect(signed >= stopped)
    }

    @Test func `keeps an old version for its grace, then destroys it`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish()
        let rotate = "apps/\(Stand.app)/secrets/signing_secret/rotate"
        try stand.must("POST", rotate, ["value": "second-value-of-the-secret", "grace_seconds": 3600])
        #expect(try stand.read("signing_secret")["value"] == "second-value-of-the-secret")
        let old = "apps/\(Stand.app)/secrets/signing_secret?version=1"
        #expect(try stand.broker("GET", old)["value"]?.text == planted.signingSecret)
        #expect(try stand.broker("GET", old)["state"] == "previous")
        // Without grace it is gone at once.
        try stand.must("POST", rotate, ["value": "third-value-of-the-secret", "grace_seconds": 0])
        #expect(try stand.broker("GET", old).status >= 400)
        #expect(try stand.broker("GET", old + "0").code == "not_found")
        let second = "apps/\(Stand.app)/secrets/signing_secret?version=2"
        #expect(try stand.broker("GET", second).status >= 400)
        let versions = try stand.must("GET", "apps/\(Stand.app)/secrets/signing_secret/versions")
        #expect(versions.text.contains(#""state":"destroyed""#), "\(versions.text)")
    }
}
