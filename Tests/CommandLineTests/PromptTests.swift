import Glibc
import Testing

@Suite struct `A prompt` {
    static let set = `A secret`.set

    @Test(arguments: ["\n", "\r"])
    func `takes a secret without showing it`(_ enter: String) throws {
        let admin = try FakeAdmin(`A secret`.answers)
        let pty = try Pty(Self.set, at: admin)
        #expect(pty.shows("signing_secret of slack/A1 (not shown): "))
        #expect(pty.becomes(echoing: false))
        pty.type("wrong\u{15}s3cx\u{7f}rét\u{7f}\u{7f}3t" + enter)
        #expect(try pty.end() == 0)
        #expect(admin.changes.map(\.body) == [#"{"value":"s3cr3t"}"#])
        #expect(pty.screen.contains("stored: version 3"))
        #expect(!pty.screen.contains("s3c") && !pty.screen.contains("wrong"))
        #expect(pty.echoes)
    }

    @Test func `takes a pasted value longer than a terminal's line`() throws {
        let admin = try FakeAdmin(`A secret`.answers)
        let pty = try Pty(Self.set, at: admin)
        #expect(pty.shows("(not shown)"))
        #expect(pty.becomes(echoing: false))
        for _ in 0..<100 {
            pty.type(String(repeating: "x", count: 60))
            usleep(1000)
        }
        pty.type("\n")
        #expect(try pty.end() == 0)
        #expect(admin.changes.first?.body.utf8.count == 6000 + 12)
    }

    @Test func `puts the terminal back on Ctrl-C and stores nothing`() throws {
        let admin = try FakeAdmin(`A secret`.answers)
        let pty = try Pty(Self.set, at: admin)
        #expect(pty.shows("(not shown)"))
        #expect(pty.becomes(echoing: false))
        pty.type("s3cr\u{3}")
        #expect(try pty.end() == 128 + SIGINT)
        #expect(pty.echoes)
        #expect(admin.changes.isEmpty)
    }

    @Test(arguments: [SIGTERM, SIGHUP, SIGINT])
    func `puts the terminal back when a signal ends it`(_ number: Int32) throws {
        let admin = try FakeAdmin(`A secret`.answers)
        let pty = try Pty(Self.set, at: admin)
        #expect(pty.shows("(not shown)"))
        #expect(pty.becomes(echoing: false))
        pty.send(signal: number)
        #expect(try pty.end() == 128 + number)
        #expect(pty.echoes)
        #expect(admin.changes.isEmpty)
    }

    @Test func `that ends with Ctrl-D stores nothing`() throws {
        let admin = try FakeAdmin(`A secret`.answers)
        let pty = try Pty(Self.set, at: admin)
        #expect(pty.shows("(not shown)"))
        #expect(pty.becomes(echoing: false))
        pty.type("\u{4}")
        #expect(try pty.end() == 1)
        #expect(pty.screen.contains("no value was given"))
    }

    @Test func `is not made under --no-input`() throws {
        let pty = try Pty(Self.set + ["--no-input"], at: FakeAdmin(`A secret`.answers))
        #expect(try pty.end() == 2)
        #expect(pty.screen.contains("nobody can be asked"))
    }

    @Test(
        arguments: [("y\n", 0, 1), ("yes\n", 0, 1), ("n\n", 1, 0), ("\n", 1, 0), ("\u{4}", 1, 0)]
            as [(String, Int32, Int)])
    func `before something is taken away goes on only with a yes`(_ answer: String, _ code: Int32, _ changes: Int)
        throws
    {
        let admin = try FakeAdmin(`A change`.lists)
        let pty = try Pty(["grant", "remove", "3"], at: admin)
        #expect(pty.shows("Go on? [y/N] "))
        pty.type(answer)
        #expect(try pty.end() == code)
        #expect(pty.screen.contains("would take from bridge: secret:read:signing_secret"))
        #expect(admin.changes.count == changes)
    }

    @Test func `asks for an app's values in the guide's order, and catches a mix-up once`() throws {
        let admin = try FakeAdmin(`Adding an app`.answer)
        let pty = try Pty(`Adding an app`.words, at: admin)
        let steps: [(String, String, secret: Bool)] = [
            ("1/6  Workspace Name", "Acme", false), ("2/6  App ID", "A0123456789", false),
            ("3/6  Client ID", "A0123456789", false), ("this looks like an App ID", "333.569", false),
            ("4/6  Client Secret", `Adding an app`.values["client_secret"]!, true),
            ("5/6  Signing Secret", `Adding an app`.values["signing_secret"]!, true),
            ("6/6  Bot User OAuth Token", `Adding an app`.values["bot_token"]!, true),
        ]
        for (text, answer, secret) in steps {
            #expect(pty.shows(text), "\(pty.screen)")
            #expect(!secret || pty.becomes(echoing: false))
            pty.type(answer + "\n")
        }
        #expect(try pty.end() == 0)
        let body = admin.changes.first?.body ?? ""
        #expect(body.contains(#""client_id":"333.569""#))
        #expect(body.contains(`Adding an app`.values["bot_token"]!))
        for name in ["client_secret", "signing_secret", "bot_token"] {
            #expect(!pty.screen.contains(`Adding an app`.values[name]!))
        }
    }

    @Test func `reveals with colour and a warning only on a terminal`() throws {
        let admin = try FakeAdmin(
            `A secret`.answers.merging(["GET status": (200, #"{"status":"sealed","version":"1"}"#)]) { $1 })
        let reveal = try Pty(["secret", "reveal", "slack/A1", "signing_secret", "--reason", "t"], at: admin)
        #expect(try reveal.end() == 0)
        #expect(reveal.screen.contains("pl\u{e4}nted \"x\"\r\n"))
        #expect(reveal.screen.contains("on the screen now"))
        let status = try Pty(["status"], at: admin)
        #expect(try status.end() == 3)
        #expect(status.screen.contains("\u{1B}[31msealed\u{1B}[0m"))
        let plain = try Pty(["status", "--no-color"], at: admin)
        #expect(try plain.end() == 3)
        #expect(!plain.screen.contains("\u{1B}"))
    }

    @Test(arguments: [(40, true), (200, false)] as [(UInt16, Bool)])
    func `and a table fit the terminal`(_ columns: UInt16, _ cut: Bool) throws {
        let name = String(repeating: "long ", count: 12)
        let admin = try FakeAdmin([
            "GET tenants": (200, #"{"tenants":[{"slug":"acme","name":"\#(name)","state":"active","apps":1}]}"#)
        ])
        let pty = try Pty(["tenant", "list", "--no-color"], at: admin, columns: columns)
        #expect(try pty.end() == 0)
        #expect(pty.screen.contains("…") == cut)
    }
}
