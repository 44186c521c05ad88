import Glibc
import Linux
import Testing

@testable import postern_sim

/// What `postern run --watch` does when secrets change while the program runs.
@Suite struct `A watched program` {
    static let run = ["run", "--app", Stand.app, "--grace", "1s"]
    static let restarted = run + ["--env", "SECRET=signing_secret", "--watch", "restart", "--", "sh", "-c"]
    static let script = #"trap 'echo bye; exit 5' TERM; echo "has $SECRET"; while :; do sleep 0.02; done"#

    private static func stand() throws -> (Stand, String) {
        let stand = try Stand().start()
        return (stand, try stand.furnish(actions: ["secret:read:signing_secret"]).signingSecret)
    }

    /// Replaces a secret; the new value.
    private static func rotate(_ stand: Stand, _ kind: String = "signing_secret") throws -> String {
        let value = Stand.Planted.secret()
        try stand.must(
            "POST", "apps/\(Stand.app)/secrets/\(kind)/rotate", ["value": .string(value), "grace_seconds": 60])
        return value
    }

    private static func reads(_ stand: Stand) throws -> Int {
        try stand.records().count { $0["action"]?.text == "secret.read" && $0["outcome"]?.text == "allowed" }
    }

    @Test func `is started again with the new value after a rotation, and ends as it ends`() throws {
        let stand = try Stand().start()
        let both = ["secret:read:signing_secret", "secret:read:client_secret"]
        let first = try stand.furnish(actions: both).signingSecret
        let service = try Service(stand, Self.restarted + [Self.script], onTerminal: true)
        #expect(service.shows("has \(first)"), "\(service.screen)")
        #expect(try Self.reads(stand) == 1)
        let second = try Self.rotate(stand)
        #expect(service.shows("have changed; it is restarted"), "\(service.screen)")
        #expect(service.shows("bye") && service.shows("has \(second)"), "\(service.screen)")
        // What it was not given is nothing to it, though its service may read that. A look would come when the program
        // has run for a second, and be one more read; what is not done shows only in time.
        _ = try Self.rotate(stand, "client_secret")
        usleep(1_300_000)
        let third = try Self.rotate(stand)
        #expect(service.shows("bye") && service.shows("has \(third)"), "\(service.screen)")
        #expect(try Self.reads(stand) == 3)
        service.send(signal: SIGTERM)
        #expect(try service.end() == .exited(5))
        #expect(service.shows("bye") && !service.shows(anything: "has "))
    }

    @Test func `is killed when it does not end in time`() throws {
        let (stand, first) = try Self.stand()
        let deaf = #"trap '' TERM; echo "has $SECRET"; while :; do sleep 0.02; done"#
        let service = try Service(stand, Self.restarted + [deaf], onTerminal: true)
        #expect(service.shows("has \(first)"), "\(service.screen)")
        let second = try Self.rotate(stand)
        #expect(service.shows("did not end within 1s; it is killed"), "\(service.screen)")
        #expect(service.shows("has \(second)"), "\(service.screen)")
        service.type("\u{3}")
        #expect(try service.end() == .signalled(SIGINT))
    }

    @Test func `is started again when what it left behind has ended too, by itself or not`() throws {
        let (stand, first) = try Self.stand()
        // Neither waits for its parent; the one is in a session of its own, the other deaf.
        let script = #"""
            setsid perl -e '$| = 1; print "left $$\n"; sleep 60' & perl -e '$| = 1; $SIG{TERM} = "IGNORE"; print "left $$\n"; sleep 60' &
            echo "has $SECRET"; wait
            """#
        let service = try Service(stand, Self.restarted + [script])
        func left() -> [Int32] {
            service.out.split(separator: "\n").filter { $0.hasPrefix("left ") }.compactMap { Int32($0.dropFirst(5)) }
        }
        defer { for pid in left() { kill(pid, SIGKILL) } }
        #expect(service.shows("has \(first)") && eventually { left().count == 2 }, "\(service.error)")
        let before = left()
        let second = try Self.rotate(stand)
        #expect(service.shows("has \(second)"), "\(service.error)")
        #expect(before.allSatisfy { kill($0, 0) != 0 }, "\(service.error)")
        #expect(service.error.contains("what sh left behind did not end within 1s; it is killed"))
    }

    @Test func `is not started again when it was told to end meanwhile`() throws {
        let (stand, first) = try Self.stand()
        let slow = #"trap 'echo ending; sleep 0.5; exit 6' TERM; echo "has $SECRET"; while :; do sleep 0.02; done"#
        let words = Self.restarted.map { $0 == "1s" ? "1h" : $0 } + [slow]
        let service = try Service(stand, words)
        #expect(service.shows("has \(first)"), "\(service.error)")
        let second = try Self.rotate(stand)
        #expect(service.shows("ending"))
        service.send(signal: SIGTERM)
        #expect(try service.end() == .exited(6))
        #expect(!service.out.contains(second))
    }

    @Test func `is not started again when it was told to end while what it left behind went on`() throws {
        let (stand, first) = try Self.stand()
        let script = #"""
            perl -e '$| = 1; $SIG{TERM} = sub { print "heard\n" }; print "left $$\n"; sleep 1 while 1' &
            echo "has $SECRET"; wait
            """#
        let service = try Service(stand, Self.restarted.map { $0 == "1s" ? "1h" : $0 } + [script])
        func left() -> [Int32] {
            service.out.split(separator: "\n").filter { $0.hasPrefix("left ") }.compactMap { Int32($0.dropFirst(5)) }
        }
        defer { for pid in left() { kill(pid, SIGKILL) } }
        #expect(service.shows("has \(first)") && eventually { left().count == 1 }, "\(service.error)")
        let second = try Self.rotate(stand)
        #expect(service.shows("heard"), "\(service.error)")
        service.send(signal: SIGTERM)
        #expect(try service.end() == .signalled(SIGTERM))
        #expect(!service.out.contains(second))
    }

    /// A program that was told to end, which it does once there is a file; then it gets `second`.
    private struct Ending {
        let stand: Stand
        let service: Service
        let second: String
        private let file = "/tmp/postern-go-\(UInt64.random(in: 0 ..< .max))"

        init() throws {
            let script = #"""
                trap '' HUP USR1 USR2 ALRM; trap 'echo ending; until [ -e \#(file) ]; do sleep 0.02; done; exit 6' TERM
                echo "has $SECRET"; while :; do sleep 0.02; done
                """#
            let (stand, first) = try `A watched program`.stand()
            self.stand = stand
            service = try Service(stand, `A watched program`.restarted.map { $0 == "1s" ? "1h" : $0 } + [script])
            #expect(service.shows("has \(first)"), "\(service.error)")
            second = try `A watched program`.rotate(stand)
            #expect(service.shows("ending"))
        }

        func goOn() throws {
            defer { try? Directory.removeFile(file) }
            _ = try FileDescriptor.open(file, .write, creating: 0o644)
            #expect(service.shows("has \(second)"), "\(service.error)")
        }
    }

    @Test func `is started again also when other signals come while it ends`() throws {
        let ending = try Ending()
        for number in [SIGHUP, SIGUSR1, SIGUSR2, SIGALRM] { ending.service.send(signal: number) }
        try ending.goOn()
    }

    @Test func `is started again also when its successor was killed before it ended`() throws {
        let ending = try Ending()
        let pid = ending.service.pid
        let children = Shell.text(of: "/proc/\(pid)/task/\(pid)/children").split(separator: " ")
        let successor = try #require(children.first { Shell.text(of: "/proc/\($0)/cmdline").contains("--under=") })
        #expect(kill(try #require(Int32(successor)), SIGKILL) == 0)
        #expect(eventually { !Shell.exists("/proc/\(successor)") })
        try ending.goOn()
    }

    @Test func `goes on with what it has when that is taken away, and has the news when it comes back`() throws {
        let (stand, first) = try Self.stand()
        let service = try Service(stand, Self.restarted + [Self.script])
        #expect(service.shows("has \(first)"), "\(service.error)")
        guard case .array(let grants)? = try stand.must("GET", "grants")["grants"],
            case .integer(let id)? = grants.first?["id"]
        else { throw SystemError("grants", EINVAL) }
        try stand.must("DELETE", "grants/\(id)")
        #expect(service.shows("goes on with the values it has"), "\(service.error)")
        let second = try Self.rotate(stand)
        try stand.grant(actions: ["secret:read:signing_secret"])
        #expect(service.shows("has \(second)"), "\(service.error)")
        #expect(service.out == "has \(first)\nbye\nhas \(second)\n")
    }

    @Test func `outlives the daemon, and hears what it missed`() throws {
        let (stand, first) = try Self.stand()
        let service = try Service(stand, Self.restarted + [Self.script])
        #expect(service.shows("has \(first)"), "\(service.error)")
        stand.kill()
        #expect(service.shows("this is tried again"), "\(service.error)")
        try stand.start()
        let second = try Self.rotate(stand)
        #expect(service.shows("has \(second)"), "\(service.error)")
        #expect(service.out == "has \(first)\nbye\nhas \(second)\n")
    }

    @Test func `has a token's new value when it was refreshed`() throws {
        let stand = try Stand(simulated: true).start()
        try stand.furnishRotating()
        try stand.grant(actions: ["secret:read:bot_token"])
        func token() throws -> String { try #require(try stand.token()["access_token"]?.text) }
        let first = try token()
        let words = Self.run + ["--env", "SECRET=bot_token", "--watch", "restart", "--", "sh", "-c", Self.script]
        let service = try Service(stand, words)
        #expect(service.shows("has \(first)\n"), "\(service.error)")
        let lease = try #require(try stand.broker("POST", "apps/\(Stand.app)/access", ["as": "bot"])["lease_id"]?.text)
        #expect(try stand.broker("POST", "leases/\(lease)/report", ["code": "token_expired"])["refreshed"] == true)
        let second = try token()
        #expect(second != first && service.shows("has \(second)\n"), "\(service.error)")
    }

    @Test func `that ends by itself is not started again`() throws {
        let (stand, first) = try Self.stand()
        let service = try Service(stand, Self.restarted + [#"echo "has $SECRET"; exit 8"#])
        #expect(try service.end() == .exited(8))
        #expect(service.out == "has \(first)\n")
    }

    @Test func `is told by a signal, with its file replaced as a whole`() throws {
        let (stand, first) = try Self.stand()
        let script = #"""
            trap 'cat "$FILE"; echo' HUP; cat "$FILE"; echo; ls "$(dirname "$FILE")"; while :; do sleep 0.02; done
            """#
        let service = try Service(
            stand, Self.run + ["--file", "FILE=signing_secret", "--watch", "signal:HUP", "--", "sh", "-c", script])
        #expect(service.shows("\(first)\nFILE\n"), "\(service.error)")
        let directory = "/dev/shm/postern-run-\(service.pid)-"
        #expect(Service.directories.contains { $0.hasPrefix(directory) })
        let second = try Self.rotate(stand)
        #expect(service.shows("\(second)\n"), "\(service.error)")
        let third = try Self.rotate(stand)
        #expect(service.shows("\(third)\n"), "\(service.error)")
        service.send(signal: SIGTERM)
        #expect(try service.end() == .signalled(SIGTERM))
        #expect(service.out == "\(first)\nFILE\n\(second)\n\(third)\n")
        #expect(!Service.directories.contains { $0.hasPrefix(directory) })
    }
}
