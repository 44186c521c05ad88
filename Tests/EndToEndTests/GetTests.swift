import Glibc
import Linux
import Testing

@testable import postern_sim

/// A script's way to a secret, as the service that runs it.
@Suite struct `postern get` {
    @Test func `prints the value and nothing else, and the log says whose it was`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish(actions: ["secret:read:signing_secret"]).signingSecret
        let service = try Service(stand, ["get", Stand.app, "signing_secret"])
        #expect(try service.end() == .exited(0), "\(service.error)")
        #expect(service.out == planted && service.error.isEmpty)
        let read = try #require(try stand.records().last { $0["action"]?.text == "secret.read" })
        #expect(read["actor"]?["name"]?.text == "bridge" && read["outcome"]?.text == "allowed")

        let json = try Service(stand, ["get", Stand.app, "signing_secret", "-o", "json"])
        #expect(try json.end() == .exited(0))
        let answer = try #require(JSON(bytes: Array(json.out.utf8)))
        #expect(answer["value"]?.text == planted && answer["version"] == 1)
    }

    @Test func `writes to a descriptor or a file of its own`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish(actions: ["secret:read:signing_secret"]).signingSecret
        let place = "/tmp/postern-get-\(UInt64.random(in: 0 ..< .max))"
        unsafe mkdir(place, 0o777)
        unsafe chmod(place, 0o777)
        defer { _ = try? Shell.run("/bin/rm", ["-r", place]) }
        let script = #"""
            cd "$1" && echo victim >other && ln -s other link && umask 0
            "$0" get "$2" signing_secret --fd 5 5>five && "$0" get "$2" signing_secret --out out &&
            "$0" get "$2" signing_secret --out link -o json && stat -c %a out link && cat five out link && cat other && ls
            """#
        let service = try Service(
            stand, ["-c", script, Program.sibling("postern"), place, Stand.app], program: "/bin/sh")
        #expect(try service.end() == .exited(0), "\(service.error)")
        #expect(service.out.contains(#""version": 1"#) && !service.out.contains("\"value\""))
        #expect(service.out.contains("600\n600\n\(planted)\(planted)\(planted)victim\n"), "\(service.out)")
        #expect(service.out.hasSuffix("five\nlink\nother\nout\n"))
    }

    @Test func `says why not, with a code for scripts`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish(actions: ["secret:read:signing_secret", "secret:read:webhook_secret"])
        let cases: [([String], Int32, String)] = [
            (["client_secret"], 4, "postern why"), (["webhook_secret"], 5, "has no webhook_secret"),
            (["signing_secret", "--version", "9"], 5, "no such version"), (["signing-secret"], 2, "signing_secret?"),
            (["signing_secret", "--fd", "77"], 2, "not an open descriptor"),
            (["signing_secret", "--fd", "1", "--out", "x"], 2, "one place only"),
            (["signing_secret", "--out", "/none/x"], 1, "No such file"),
            (["signing_secret", "--broker-socket", "/none"], 9, "no daemon answers"),
            (["signing_secret", "--socket", stand.adminSocket, "--version", "9"], 5, "no such version"),
        ]
        for (words, code, hint) in cases {
            let service = try Service(stand, ["get", Stand.app] + words)
            #expect(try service.end() == .exited(code), "\(words): \(service.error)")
            #expect(service.error.contains(hint), "\(words): \(service.error)")
            #expect(service.out.isEmpty && !service.error.contains(planted.signingSecret))
        }
        // A stranger to the daemon, such as the admin himself, is no service.
        if Shell.isRoot { #expect(try stand.postern(["get", Stand.app, "signing_secret"]).code == 4) }
    }

    @Test func `shows a value on a terminal only when told so`() throws {
        let stand = try Stand().start()
        let planted = try stand.furnish(actions: ["secret:read:signing_secret"]).signingSecret
        let shy = try Service(stand, ["get", Stand.app, "signing_secret"], onTerminal: true)
        #expect(try shy.end() == .exited(2))
        #expect(!shy.screen.contains(planted) && shy.screen.contains("--yes"))
        #expect(try stand.records().allSatisfy { $0["action"]?.text != "secret.read" })
        let open = try Service(stand, ["get", Stand.app, "signing_secret", "--yes"], onTerminal: true)
        #expect(try open.end() == .exited(0))
        #expect(open.screen == planted + "\r\n")
    }
}
