import Glibc
import Linux
import Testing

@testable import postern_sim

/// Programs that get secrets from `postern run`, as the service that may read the signing secret and nothing else.
@Suite struct `A program under postern run` {
    static let app = ["run", "--app", Stand.app]
    static let secret = ["--env", "SECRET=signing_secret"]
    /// Without a process in front of it, and with one for each reason there is.
    static let ways: [[String]] = [
        [], ["--file", "FILE=signing_secret", "--files", "tmpfs"], ["--watch", "restart"],
    ]

    private static func stand() throws -> (Stand, String) {
        let stand = try Stand().start()
        return (stand, try stand.furnish(actions: ["secret:read:signing_secret"]).signingSecret)
    }

    @Test func `is what postern has become, with the value and the file`() throws {
        let (stand, planted) = try Self.stand()
        let script = #"echo "$$ $SECRET $(cat "$FILE") $(cat "$FILE") $FILE"; exec 3>>"$FILE" || echo unchanged"#
        let service = try Service(
            stand, Self.app + Self.secret + ["--file", "FILE=\(Stand.app):signing_secret", "--", "sh", "-c", script])
        #expect(try service.end() == .exited(2), "\(service.error)")
        #expect(
            service.out.hasPrefix("\(service.pid) \(planted) \(planted) \(planted) /proc/self/fd/"), "\(service.out)")
        #expect(try stand.records().filter { $0["action"]?.text == "secret.read" }.count == 1)
    }

    @Test(arguments: ways)
    func `ends as it ends`(_ way: [String]) throws {
        let (stand, _) = try Self.stand()
        let endings: [(String, ChildProcess.Ending)] = [
            ("exit 0", .exited(0)), ("exit 7", .exited(7)), ("kill -TERM $$", .signalled(15)),
            ("kill -KILL $$", .signalled(9)), ("kill -SEGV $$", .signalled(11)),
        ]
        for (script, ending) in endings {
            let service = try Service(stand, Self.app + Self.secret + way + ["--", "sh", "-c", script])
            #expect(try service.end() == ending, "\(script): \(service.error)")
        }
    }

    static let refused: [([String], Int32, String)] = [
        (["--env", "S=client_secret", "--", "MARK"], 4, "client_secret of \(Stand.app): this process may not"),
        (["--env", "S=slack/A0FAKE9:signing_secret", "--", "MARK"], 4, "slack/A0FAKE9"),
        (["--env", "S=signing_secrt", "--", "MARK"], 2, "did you mean signing_secret?"),
        (["--env", "S=signing_secret", "MARK"], 2, "behind --"),
        (["--env", "S=signing_secret", "--"], 2, "PROGRAM is missing"), (["--", "MARK"], 2, "nothing is handed over"),
        (["--env", "1S=signing_secret", "--", "MARK"], 2, "cannot be the name"),
        (["--env", "S", "--", "MARK"], 2, "NAME=kind"),
        (["--env", "S=signing_secret", "--env", "S=signing_secret", "--", "MARK"], 2, "set twice"),
        (["--env", "S=signing_secret@x", "--", "MARK"], 2, "installation's number"),
        (["--env", "S=signing_secret", "--watch", "signal:HUP", "--", "MARK"], 2, "environment cannot be changed"),
        (["--file", "S=signing_secret", "--watch", "signal:NOPE", "--", "MARK"], 2, "restart or signal:NAME"),
        (["--env", "S=signing_secret", "--keep-env", "X", "--", "MARK"], 2, "--only-env"),
        (["--env", "S=signing_secret", "--check", "--", "MARK"], 12, ""),
        (["--env", "S=signing_secret", "--", "no-such-program"], 127, "no program no-such-program"),
        (["--env", "S=signing_secret", "--", "/etc/passwd"], 126, "may not be executed"),
        (["--env", "S=signing_secret", "--broker-socket", "/none", "--", "MARK"], 9, "no daemon answers"),
        (
            ["--env", "S=signing_secret", "--broker-socket", "/none", "--watch", "restart", "--", "MARK"], 9,
            "no daemon"
        ),
    ]

    @Test func `is not started when something is amiss, and is told what`() throws {
        let (stand, planted) = try Self.stand()
        let mark = "/tmp/postern-mark-\(UInt64.random(in: 0 ..< .max))"
        for (words, code, hint) in Self.refused {
            let line = words.flatMap { $0 == "MARK" ? ["touch", mark] : [$0] }
            let service = try Service(stand, Self.app + line)
            #expect(try service.end() == .exited(code), "\(words): \(service.error)")
            #expect(hint.isEmpty || service.error.contains(hint), "\(words): \(service.error)")
            #expect(!service.error.contains(planted) && (service.out.isEmpty || code == 12))
        }
        let isMarked = unsafe access(mark, F_OK) == 0
        #expect(!isMarked)
    }

    @Test func `has the environment that was asked for, and no other`() throws {
        let (stand, planted) = try Self.stand()
        let words = Self.secret + ["--file", "F=signing_secret", "--only-env", "--keep-env", "KEPT,TERM", "--", "env"]
        let service = try Service(
            stand, Self.app + words, environment: ["KEPT=k", "GONE=g", "SECRET=before", "LD_BIND_NOW=1"])
        #expect(try service.end() == .exited(0), "\(service.error)")
        let lines = service.out.split(separator: "\n").map(String.init)
        #expect(
            lines.filter { !$0.hasPrefix("F=/proc/self/fd/") }.sorted() == [
                "HOME=/none", "KEPT=k", "PATH=/usr/bin:/bin", "SECRET=\(planted)", "TERM=xterm",
            ])
        let all = try Service(stand, Self.app + Self.secret + ["--", "env"], environment: ["KEPT=k"])
        #expect(try all.end() == .exited(0))
        #expect(all.out.contains("KEPT=k\n") && all.out.contains("SECRET=\(planted)\n"))
    }

    @Test func `has its words and descriptors as they were given`() throws {
        let (stand, _) = try Self.stand()
        let service = try Service(
            stand,
            [
                "-c",
                #"exec 7</etc/passwd; exec "$0" "$@" -- sh -c 'printf %s "$1" | od -An -tx1; exec ls /proc/self/fd' sh "$(printf 'a\377b')""#,
                Program.sibling("postern"),
            ] + Self.app + Self.secret, program: "/bin/bash")
        #expect(try service.end() == .exited(0), "\(service.error)")
        #expect(service.out.contains(" 61 ff 62"), "\(service.out)")
        // 3 is what ls reads from.
        #expect(service.out.hasSuffix("0\n1\n2\n3\n7\n"), "\(service.out)")
    }

    @Test(arguments: ways)
    func `gets the terminal's keys, and its end is ours`(_ way: [String]) throws {
        let (stand, _) = try Self.stand()
        // Not a shell, which may be starting something in the moment of the key.
        let caught = try Service(
            stand,
            Self.app + Self.secret + way + [
                "--", "perl", "-e",
                #"$| = 1; $SIG{INT} = sub { print "caught\n"; exit 3 }; print "ready\n"; select(undef, undef, undef, 0.02) while 1"#,
            ], onTerminal: true)
        #expect(caught.shows("ready"), "\(caught.screen)")
        caught.type("\u{3}")
        #expect(try caught.end() == .exited(3), "\(caught.screen)")
        #expect(caught.shows("caught"))
        let uncaught = try Service(
            stand, Self.app + Self.secret + way + ["--", "perl", "-e", #"$| = 1; print "ready\n"; sleep 60"#],
            onTerminal: true)
        #expect(uncaught.shows("ready"))
        uncaught.type("\u{3}")
        #expect(try uncaught.end() == .signalled(2), "\(uncaught.screen)")
        let typed = try Service(
            stand,
            Self.app + Self.secret + way + [
                "--", "sh", "-c", #"tty; echo ready; read line; echo "got $line"; exit 4"#,
            ],
            onTerminal: true)
        #expect(typed.shows("/dev/pts/") && typed.shows("ready"))
        typed.type("a word\n")
        #expect(try typed.end() == .exited(4), "\(typed.screen)")
        #expect(typed.shows("got a word"))
    }

    @Test(arguments: ways)
    func `stops with Ctrl-Z and goes on with fg`(_ way: [String]) throws {
        let (stand, _) = try Self.stand()
        let shell = try Service(
            stand, ["--norc", "--noprofile", "-i"], program: "/bin/bash", onTerminal: true, environment: ["PS1=@ "])
        #expect(shell.shows("@ "))
        let words = [Program.sibling("postern")] + Self.app + Self.secret + way
        shell.type(words.joined(separator: " ") + " -- sh -c 'echo rea''dy; read x; echo got-$x'; echo ended $?\n")
        #expect(shell.shows("ready"), "\(shell.screen)")
        shell.type("\u{1a}")
        #expect(shell.shows("Stopped"), "\(shell.screen)")
        #expect(shell.shows("@ "))
        shell.type("fg\n")
        #expect(shell.shows("postern"))
        shell.type("word\n")
        #expect(shell.shows("got-word"), "\(shell.screen)")
        shell.type("exit\n")
        _ = try shell.end()
    }

    @Test(arguments: ways)
    func `gets the signals that are sent to postern`(_ way: [String]) throws {
        let (stand, _) = try Self.stand()
        let script = """
            for s in HUP USR1 USR2 WINCH; do trap "echo $s" $s; done; trap 'echo TERM; exit 9' TERM; echo ready
            while :; do sleep 0.02; done
            """
        let service = try Service(stand, Self.app + Self.secret + way + ["--", "sh", "-c", script])
        #expect(service.shows("ready"), "\(service.error)")
        for (number, name) in [(SIGHUP, "HUP"), (SIGUSR1, "USR1"), (SIGUSR2, "USR2"), (SIGWINCH, "WINCH")] {
            service.send(signal: number)
            #expect(service.shows(name + "\n"), "\(name)")
        }
        service.send(signal: SIGTERM)
        #expect(try service.end() == .exited(9))
        #expect(service.out.hasSuffix("TERM\n"))
    }

    @Test func `has its files on a tmpfs until it ends, and no longer`() throws {
        let (stand, planted) = try Self.stand()
        let script = #"stat -c '%a %U' "$FILE" "$(dirname "$FILE")"; cat "$FILE"; echo; echo "$FILE"; read x"#
        let way = ["--file", "FILE=signing_secret", "--files", "tmpfs", "--", "sh", "-c", script]
        let service = try Service(stand, Self.app + way, onTerminal: true)
        #expect(service.shows("600 ") && service.shows("700 ") && service.shows(planted), "\(service.screen)")
        #expect(service.shows("/dev/shm/postern-run-\(service.pid)-"))
        #expect(Service.directories.contains { $0.hasPrefix("/dev/shm/postern-run-\(service.pid)-") })
        service.type("\n")
        #expect(try service.end() == .exited(0))
        #expect(!Service.directories.contains { $0.hasPrefix("/dev/shm/postern-run-\(service.pid)-") })

        // Killed, it cannot; then the program ends with it, and the next run takes the files away.
        let killed = try Service(
            stand,
            Self.app + ["--file", "FILE=signing_secret", "--files", "tmpfs", "--", "sh", "-c", "echo $$; sleep 60"])
        #expect(eventually { killed.out.hasSuffix("\n") }, "\(killed.error)")
        let program = try #require(Int32(killed.out.dropLast()))
        let left = Service.directories.filter { $0.hasPrefix("/dev/shm/postern-run-\(killed.pid)-") }
        #expect(left.count == 1)
        killed.send(signal: SIGKILL)
        #expect(try killed.end() == .signalled(9))
        #expect(eventually { kill(program, 0) != 0 })
        #expect(try Service(stand, Self.app + way.dropLast() + ["true"]).end() == .exited(0))
        #expect(!Service.directories.contains(left[0]))
    }

    @Test func `is the only one that has the value`() throws {
        let (stand, planted) = try Self.stand()
        let words =
            Self.app + [
                "--env", "SECRET=signing_secret", "--file", "FILE=signing_secret", "--files", "tmpfs", "--watch",
                "restart",
                "--", "sh", "-c",
                "echo on; sleep 60",
            ]
        let service = try Service(stand, words)
        #expect(service.shows("on"), "\(service.error)")
        #expect(MemoryScan.regions(of: service.pid, with: MemoryScan.forms(of: planted)) == [])
        let lines = try Shell.run("/bin/sh", ["-c", "cat /proc/[0-9]*/cmdline"]).output
        #expect(lines.contains("postern") && !lines.contains(planted))
    }
}
