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
            "10. Somebody changes", "ok: ", "403 denied", "→ ok yes", "version 1, previous", "bot active",
            "ended with 11, integrity failure",
        ] {
            #expect(run.out.contains(part))
        }
        #expect(!run.out.contains("xoxb-"))
        #expect(try Self.leftovers(in: place).isEmpty)
    }

    @Test func `cleans up after a signal, too`() throws {
        let place = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: place) }
        _ = unsafe chmod(place, 0o711)
        let pty = try Pty(["demo"], at: FakeAdmin(), environment: ["TMPDIR=\(place)"])
        #expect(pty.shows("3. Two customers"))
        pty.type("\u{3}")
        #expect(try pty.end() == 128 + SIGINT)
        #expect(try Self.leftovers(in: place).isEmpty)
        #expect(try Run(program: "/usr/bin/pgrep", ["-f", place]).out.isEmpty)
    }
}
