import FoundationEssentials
import Glibc
import Testing

@Suite(.serialized) struct `The demo` {
    static func leftovers(in directory: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: directory)
    }

    @Test func `plays to its end and leaves nothing behind`() throws {
        let place = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: place) }
        _ = unsafe chmod(place, 0o711)
        let run = try Run(["demo"], environment: ["TMPDIR": place])
        #expect(run.code == 0, "\(run.out) \(run.error)")
        for part in [
            "12. Somebody changes", "ok: ", "403 denied", "the platforms got 4 messages", "version 1, previous",
            "bot active", "50 good answers, 1 token; Lark was asked to refresh once", "revoke the token once",
            "genesys: a lease as app", "ended with 11, integrity failure",
        ] {
            #expect(run.out.contains(part))
        }
        #expect(!run.out.contains("xoxb-") && !run.out.contains("t-fake") && !run.out.contains("ey-fake"))
        #expect(try Self.leftovers(in: place).isEmpty)
    }

    @Test func `cleans up after a signal, too`() throws {
        let place = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: place) }
        _ = unsafe chmod(place, 0o711)
        let pty = try Pty(["demo"], at: FakeAdmin(), environment: ["TMPDIR=\(place)"])
        #expect(pty.shows("3. Four customers"))
        pty.type("\u{3}")
        #expect(try pty.end() == 128 + SIGINT)
        #expect(try Self.leftovers(in: place).isEmpty)
        #expect(try Run(program: "/usr/bin/pgrep", ["-f", place]).out.isEmpty)
    }
}
