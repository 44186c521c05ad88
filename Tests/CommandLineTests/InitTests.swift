import FoundationEssentials
import Glibc
import Testing

@Suite struct `Making a vault` {
    /// Whom root makes it for; a plain user makes it for himself.
    static let user = getuid() == 0 ? ["--user", "nobody"] : []

    /// A directory that is gone with the value.
    final class Place {
        let path: String

        init() throws { path = try temporaryDirectory() }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func make(_ more: [String] = []) throws -> Run {
            try Run(
                ["init", "--data-dir", path + "/s", "--root-key", "file:\(path)/root"] + `Making a vault`.user + more)
        }

        func verify(_ vault: String = "/s", key: String = "/s/audit.pub") throws -> Run {
            try Run(["audit", "verify", "--vault", path + vault, "--public-key", path + key])
        }
    }

    @Test func `leaves a root key, a proven kit and a log that verifies offline`() throws {
        let place = try Place()
        let made = try place.make(["--kit-file", place.path + "/kit", "--admin", "uid:1000"])
        #expect(made.code == 0, "\(made.error)")
        #expect(made.out.contains("read back, and it opens the vault"))
        #expect(made.out.contains("root and uid:1000"))
        #expect(try contents(of: place.path + "/root").utf8.count == 65)
        let kit = try contents(of: place.path + "/kit")
        let line = kit.split(separator: "\n").last ?? ""
        #expect(line.hasPrefix("postern-kit-1 "))
        #expect(!made.out.contains(line.dropFirst(14)) && !made.error.contains(line.dropFirst(14)))
        for name in ["/root", "/kit", "/s/vault"] {
            var status = stat()
            #expect(unsafe stat(place.path + name, &status) == 0)
            #expect(status.st_mode & 0o077 == 0)
        }
        for vault in ["/s", "/s/vault", "/s/vault/vault.db"] {
            let verified = try place.verify(vault)
            #expect(verified.code == 0, "\(verified.error)")
            #expect(verified.out.hasPrefix("ok: "))
        }
    }

    @Test func `is refused where there is one, and writes nothing`() throws {
        let place = try Place()
        #expect(try place.make(["--kit-file", place.path + "/kit"]).code == 0)
        let again = try place.make(["--kit-file", place.path + "/kit2"])
        #expect(again.code == 6)
        #expect(again.error.contains("there is a vault in"))
        #expect(unsafe access(place.path + "/kit2", F_OK) != 0)
    }

    @Test func `only shows what it would make under --check`() throws {
        let place = try Place()
        let run = try place.make(["--kit-file", place.path + "/kit", "--check"])
        #expect(run.code == 12)
        #expect(run.out.contains("would make a recovery kit"))
        for name in ["/s", "/root", "/kit"] { #expect(unsafe access(place.path + name, F_OK) != 0) }
    }

    @Test(
        arguments: [
            ([], "a recovery kit must be kept somewhere"), (["--kit-file", "/none/kit"], "cannot make the kit file"),
            (["--kit-file", "KIT", "--admin", "1000"], "--admin takes uid:N"),
            (["--kit-file", "KIT", "--user", "no-such-user"], "--user"),
        ] as [([String], String)])
    func `stops before anything is there when something is wrong`(_ more: [String], _ why: String) throws {
        let place = try Place()
        let words = more.map { $0 == "KIT" ? place.path + "/kit" : $0 }
        let run = try Run(
            ["init", "--data-dir", place.path + "/s", "--root-key", "file:\(place.path)/root"]
                + (more.contains("--user") ? [] : Self.user) + words)
        #expect(run.code != 0)
        #expect(run.error.contains(why), "\(run.error)")
        for name in ["/s/vault", "/root", "/kit"] { #expect(unsafe access(place.path + name, F_OK) != 0) }
    }

    @Test func `takes a root key that is there, unless others may read it`() throws {
        let place = try Place()
        try write(String(repeating: "0f", count: 32), to: place.path + "/root")
        _ = unsafe chmod(place.path + "/root", 0o644)
        #expect(try place.make(["--kit-file", place.path + "/kit"]).error.contains("others may read"))
        #expect(unsafe access(place.path + "/kit", F_OK) != 0)
        _ = unsafe chmod(place.path + "/root", 0o600)
        #expect(try place.make(["--kit-file", place.path + "/kit"]).code == 0)
        #expect(try contents(of: place.path + "/root") == String(repeating: "0f", count: 32))
    }

    @Test func `shows the kit once and wants it entered again`() throws {
        let place = try Place()
        let words = ["init", "--data-dir", place.path + "/s", "--root-key", "file:\(place.path)/root"] + Self.user
        let pty = try Pty(words, at: FakeAdmin())
        #expect(pty.shows("Enter the kit again"))
        #expect(pty.becomes(echoing: false))
        let line = pty.screen.split(whereSeparator: \.isNewline).first { $0.contains("postern-kit-1 ") } ?? ""
        pty.type("postern-kit-1 0000\n")
        #expect(pty.shows("That is not the same"))
        #expect(pty.shows("Enter the kit again") || pty.becomes(echoing: false))
        pty.type(String(line).trimmingPrefix(while: \.isWhitespace) + "\n")
        #expect(try pty.end() == 0)
        #expect(pty.screen.contains("entered again, and it opens the vault"))
    }

    @Test func `leaves a log in which a change is found offline`() throws {
        let place = try Place()
        #expect(try place.make(["--kit-file", place.path + "/kit"]).code == 0)
        let changed = try Run(
            program: "/usr/bin/python3", ["-c", Self.change, place.path + "/s/vault/vault.db"])
        #expect(changed.code == 0, "\(changed.error)")
        let run = try place.verify()
        #expect(run.code == 11)
        #expect(run.out.hasPrefix("failed: record "))
        try write(String(repeating: "00", count: 32) + "\n", to: place.path + "/other.pub")
        #expect(try place.verify(key: "/other.pub").code == 11)
        #expect(try place.verify(key: "/none.pub").code == 1)
        #expect(try place.verify("/none").code == 5)
    }

    private static let change = """
        import sqlite3, sys
        db = sqlite3.connect(sys.argv[1])
        seq, record = db.execute("SELECT seq, record FROM audit ORDER BY seq LIMIT 1 OFFSET 2").fetchone()
        db.execute("UPDATE audit SET record = ? WHERE seq = ?", (record[:-1] + bytes([record[-1] ^ 1]), seq))
        db.commit()
        """
}
