import Glibc
import Testing

@Suite struct `A file to import` {
    private static let there = ["GET apps": (200, #"{"apps":[]}"#)]

    /// Name, content, and what is said of it; never a piece of a value.
    @Test(
        arguments: [
            (".env", "SLACK_BOT_TOKEN\n", "line 1: this is no NAME=value"),
            (".env", "A=1\nSLACK_BOT_TOKEN=\"hidden\n\n", "line 2: a quote is not closed"),
            (".env", "SLACK_BOT_TOKEN='hidden' more\n", "line 1: this is no NAME=value"),
            (".env", "SLACK_BOT_TOKEN=hidden#or-not\n", "line 1: readers disagree"),
            (".env", "SLACK_BOT_TOKEN=hidden${OTHER}\n", "line 1: its value refers"),
            (".env", "SLACK_BOT_TOKEN=$(cat hidden)\n", "line 1: its value refers"),
            (".env", "SLACK_BOT_TOKEN=hid$den\n", "line 1: its value refers"),
            (".env", "SLACK_BOT_TOKEN=\"hid$den\"\n", "line 1: its value refers"),
            (".env", "SLACK_BOT_TOKEN=hidden1\nSLACK_BOT_TOKEN=hidden2\n", "lines 1 and 2"),
            (".env", "SLACK_BOT_TOKEN=xoxb-hidden\n", "--app slack/APP_ID"),
            (".env", "SLACK_APP_ID=A0/../hidden\nSLACK_SIGNING_SECRET=x\n", "characters no App ID has"),
            (".env", "HIDDEN=1\n", "no credential that is known"),
            (".env", "", "no credential that is known"),
            (".env", "SLACK_BOT_TOKEN=hid\0den\n", "not text"),
            (
                ".env",
                "SLACK_SIGNING_SECRET=xoxb-1234567890-1234567890123-hiddenhiddenhiddenhidden\nSLACK_APP_ID=A0123456789\n",
                "looks like"
            ),
            ("a.json", "{\"signing_secret\": \"hidden\"", "is not JSON"),
            ("a.json", "[{\"profile\": \"nope\", \"signing_secret\": \"hidden\"}]", "no profile"),
            ("a.json", "{\"profile\": \"slack\", \"signing_secret\": {\"a\": [1]}}", "neither a text nor a number"),
            ("a.json", "[\"hidden\"]", "not a JSON object"),
            ("a.js", "module.exports = { clientSecret: process.env.HIDDEN }", "line 1: only texts"),
            ("a.js", "module.exports = {\n clientSecret: 'hid' + 'den' }", "line 2"),
            ("a.js", "module.exports = { clientSecret: `hidden${1}` }", "line 1: a template"),
            ("a.js", "module.exports = require('./hidden')", "line 1: this is not plain"),
            ("a.js", "module.exports = { clientSecret: 'hidden", "line 1: a quote"),
            ("a.js", "module.exports = { a: 'hidden', a: 'b' }", "line 1: a name is there twice"),
            ("a.js", "module.exports = { ...hidden }", "line 1"),
            ("a.js", "module.exports = { a: 'x' }; hidden()", "line 1"),
            ("a.js", "/* hidden", "line 1: a comment"),
            ("a.db", "SQLite format 3\0" + String(repeating: "hidden", count: 100), "not a store"),
        ])
    func `that is not plain is refused by its line, not by its content`(
        _ name: String, _ content: String, _ said: String
    ) throws {
        let admin = try FakeAdmin(Self.there)
        let folder = try temporaryDirectory()
        defer { for path in ["/\(name)", ""] { _ = unsafe remove(folder + path) } }
        try write(content, to: "\(folder)/\(name)")
        let run = try Run(["import", "auto", "\(folder)/\(name)", "--tenant", "acme", "--yes"], at: admin)
        #expect(run.code == 2, "\(run.code) \(run.error)")
        #expect(run.error.contains(said), "\(run.error)")
        #expect(
            !(run.out + run.error).replacing("left out: HIDDEN", with: "").lowercased().contains("hidden"),
            "\(run.error)")
        #expect(admin.changes.isEmpty)
    }

    @Test func `that is a link, a pipe, a device or too large is not opened`() throws {
        let admin = try FakeAdmin(Self.there)
        let folder = try temporaryDirectory()
        let (file, link, pipe, large) = ("\(folder)/file", "\(folder)/link", "\(folder)/pipe", "\(folder)/large")
        defer { for path in [file, link, pipe, large, folder] { _ = unsafe remove(path) } }
        try write("SLACK_BOT_TOKEN=x\n", to: file)
        try #require(unsafe symlink(file, link) == 0 && mkfifo(pipe, 0o600) == 0)
        try write(String(repeating: "#", count: 2 << 20), to: large)
        for (path, said) in [
            (link, "symbolic link"), (pipe, "not a regular file"), ("/dev/zero", "not a regular file"),
            (large, "larger than"), ("\(folder)/nothing", "nothing at"), (folder, "no installation store"),
        ] {
            let run = try Run(["import", "auto", path, "--tenant", "acme", "--yes"], at: admin)
            #expect(run.code == 2 && run.error.contains(said), "\(path): \(run.code) \(run.error)")
        }
    }

    /// A daemon with an app, whose signing secret compares like this.
    private static func admin(comparing result: String) throws -> FakeAdmin {
        try FakeAdmin([
            "GET apps": (200, #"{"apps":[{"platform":"slack","app_id":"A0123456789","fields":{}}]}"#),
            "POST apps/slack/A0123456789/import": (
                200, #"{"items":[{"name":"signing_secret","comparison":"\#(result)"}]}"#
            ),
        ])
    }

    @Test func `that others can read, or that git may remember, is warned about`() throws {
        let admin = try Self.admin(comparing: "same")
        let folder = try temporaryDirectory()
        defer { for path in ["/.env", "/.git", ""] { _ = unsafe remove(folder + path) } }
        try write("SLACK_SIGNING_SECRET=0123456789abcdef0123456789abcdef\n", to: "\(folder)/.env", mode: 0o644)
        try #require(unsafe chmod("\(folder)/.env", 0o644) == 0 && mkdir("\(folder)/.git", 0o700) == 0)
        let words = ["import", "auto", "\(folder)/.env", "--tenant", "acme", "--app", "slack/A0123456789", "--yes"]
        let run = try Run(words, at: admin)
        #expect(
            run.code == 0 && run.error.contains("other users") && run.error.contains("git work tree"), "\(run.error)")
        #expect(run.error.contains("still there"), "\(run.error)")
        // The name that --map takes is whole, and there is no column for places where there are none.
        #expect(run.out.contains("SLACK_SIGNING_SECRET") && !run.out.contains("WHERE"), "\(run.out)")
        #expect(try Run(words + ["--remove-source"], at: admin).code == 0)
        #expect(unsafe access("\(folder)/.env", F_OK) != 0)
    }

    @Test func `stays where the vault does not have all of it`() throws {
        let admin = try Self.admin(comparing: "absent")
        let folder = try temporaryDirectory()
        defer { for path in ["/a.json", "/.env", ""] { _ = unsafe remove(folder + path) } }
        try write("SLACK_SIGNING_SECRET=0123456789abcdef0123456789abcdef\n", to: "\(folder)/.env")
        let words = [
            "--tenant", "acme", "--app", "slack/A0123456789", "--yes", "--remove-source", "--no-verify",
        ]
        let run = try Run(["import", "auto", "\(folder)/.env"] + words, at: admin)
        #expect(run.code == 1 && run.error.contains("nothing was removed"), "\(run.error)")
        #expect(unsafe access("\(folder)/.env", F_OK) == 0)
        try write(
            #"{"profile":"slack","signing_secret":"0123456789abcdef0123456789abcdef","port":3000}"#,
            to: "\(folder)/a.json")
        let rest = try Run(["import", "auto", "\(folder)/a.json"] + words, at: admin)
        #expect(rest.code == 6 && rest.error.contains("port"), "\(rest.error)")
        #expect(unsafe access("\(folder)/a.json", F_OK) == 0)
    }

    private static let app = #"{"apps":[{"platform":"slack","app_id":"A0123456789","fields":{}}]}"#
    private static let secret = "0123456789abcdef0123456789abcdef"

    @Test func `keeps what was left out, since the vault does not have it`() throws {
        let admin = try FakeAdmin([
            "GET apps": (200, Self.app),
            "POST apps/slack/A0123456789/import": (
                200, #"{"items":[{"name":"signing_secret","comparison":"same"}]}"#
            ),
        ])
        let folder = try temporaryDirectory()
        defer { for path in ["/.env", ""] { _ = unsafe remove(folder + path) } }
        let other = "LARK_APP_SECRET=fakefakefakefakefakefakefakefake\n"
        try write("SLACK_SIGNING_SECRET=\(Self.secret)\n\(other)", to: "\(folder)/.env")
        let run = try Run(
            [
                "import", "env", "\(folder)/.env", "--tenant", "acme", "--app", "slack/A0123456789", "--profile",
                "alibaba-slack", "--yes", "--remove-source",
            ], at: admin)
        #expect(run.code == 0 && run.error.contains("left out: LARK_APP_SECRET"), "\(run.error)")
        #expect(try contents(of: "\(folder)/.env") == other)
    }

    @Test func `is stored though its check could not be made`() throws {
        let admin = try FakeAdmin([
            "GET apps": (200, Self.app),
            "POST apps/slack/A0123456789/import": (
                200, #"{"items":[{"name":"signing_secret","comparison":"absent"}]}"#
            ),
            "POST apps/slack/A0123456789/verify": (429, problem("rate_limited", 429, detail: "too often")),
        ])
        let folder = try temporaryDirectory()
        defer { for path in ["/.env", ""] { _ = unsafe remove(folder + path) } }
        try write("SLACK_SIGNING_SECRET=\(Self.secret)\n", to: "\(folder)/.env")
        let run = try Run(
            ["import", "env", "\(folder)/.env", "--tenant", "acme", "--app", "slack/A0123456789", "--yes"], at: admin)
        #expect(run.code == 8 && run.error.contains("is stored, but could not be checked: too often"), "\(run.error)")
        #expect(!run.error.contains("nothing was stored") && run.error.contains("still there"), "\(run.error)")
    }

    /// `.env` is for an app that is new; the file store for one with more workspaces than go in one call.
    @Test(arguments: [
        (".env", problem("conflict", 409), "(nothing was stored)"),
        (".env", "no answer", "not known"),
        ("store", problem("conflict", 409), "the first 400 installations are stored, the rest not"),
    ])
    func `says how far it came when storing failed`(_ source: String, _ answer: String, _ said: String) throws {
        let isStore = source == "store"
        let admin = try FakeAdmin([
            "GET apps": (200, #"{"apps":[]}"#),
            "POST apps": isStore ? (200, "{}") : (answer == "no answer" ? 200 : 409, answer),
            "POST apps/slack/A0123456789/import": (409, answer),
        ])
        let folder = try temporaryDirectory()
        defer { _ = try? Run(program: "/bin/rm", ["-rf", folder]) }
        try write("SLACK_APP_ID=A0123456789\nSLACK_SIGNING_SECRET=\(Self.secret)\n", to: "\(folder)/.env")
        for number in 0..<(isStore ? 401 : 0) {
            let place = "\(folder)/store/1.1/T\(number)"
            for path in number == 0 ? ["\(folder)/store", "\(folder)/store/1.1", place] : [place] {
                try #require(unsafe mkdir(path, 0o700) == 0)
            }
            try write(
                #"{"app_id":"A0123456789","team_id":"T\#(number)","bot_token":"xoxb-fake-\#(number)"}"#,
                to: "\(place)/installer-latest")
        }
        let run = try Run(
            ["import", "auto", "\(folder)/\(source)", "--tenant", "acme", "--yes", "--no-verify"], at: admin)
        #expect(run.code != 0 && run.error.contains(said), "\(run.error)")
        #expect(said == "(nothing was stored)" || !run.error.contains("nothing was stored"), "\(run.error)")
    }

    @Test func `stays where a store has webhooks and tokens that the vault has no place for`() throws {
        let same = ["bot_token", "webhook_url"].map { #"{"installation":0,"name":"\#($0)","comparison":"same"}"# }
        let admin = try FakeAdmin([
            "GET apps": (200, Self.app),
            "POST apps/slack/A0123456789/import": (200, #"{"items":[\#(same.joined(separator: ","))]}"#),
        ])
        let folder = try temporaryDirectory()
        defer { _ = try? Run(program: "/bin/rm", ["-rf", folder]) }
        let store = "\(folder)/T0FAKE"
        try #require(unsafe mkdir(store, 0o700) == 0)
        // As Bolt for JavaScript writes them.
        func write(_ name: String, _ hook: String, _ more: String = "") throws {
            let text = #"""
                {"appId":"A0123456789","team":{"id":"T0FAKE","name":"Fake"},"bot":{"token":"xoxb-fake","userId":"U0FAKE"},
                "incomingWebhook":{"url":"https://hooks.example/\#(hook)"}\#(more)}
                """#
            try CommandLineTests.write(text, to: "\(store)/\(name)")
        }
        let words = ["import", "bolt-files", folder, "--tenant", "acme", "--yes", "--remove-source"]
        try write("app-1700000000", "one")
        try write("app-latest", "two", #","user":{"token":"xoxp-fake"}"#)
        let run = try Run(words, at: admin)
        #expect(run.code == 6, "\(run.error)")
        #expect(
            run.error.contains("1 older incoming webhook of T0FAKE") && run.error.contains("1 user token of T0FAKE"),
            "\(run.error)")
        #expect(unsafe access("\(store)/app-1700000000", F_OK) == 0 && access("\(store)/app-latest", F_OK) == 0)
        for name in ["app-1700000000", "app-latest"] {
            try #require(unsafe remove("\(store)/\(name)") == 0)
            try write(name, "two")
        }
        let rest = try Run(words, at: admin)
        #expect(rest.code == 0, "\(rest.error)")
        #expect(unsafe access(store, F_OK) != 0)
    }

    @Test func `leaves no copy in memory, and takes away one that a killed import left`() throws {
        let admin = try FakeAdmin(Self.there)
        let folder = try temporaryDirectory()
        let memory = "/dev/shm/postern-cli-\(getpid())-\(UInt32.random(in: 0 ..< .max))"
        let left = "\(memory)/postern-import-1-1"
        defer { for path in [left + "/store", left, memory, folder + "/a.db", folder] { _ = unsafe remove(path) } }
        try #require(unsafe mkdir(memory, 0o700) == 0 && mkdir(left, 0o700) == 0)
        try write("xoxb-fake", to: "\(left)/store")
        try write("SQLite format 3\0" + String(repeating: "-", count: 100), to: "\(folder)/a.db")
        let run = try Run(
            ["import", "auto", "\(folder)/a.db", "--tenant", "acme", "--yes"], at: admin,
            environment: ["XDG_RUNTIME_DIR": memory])
        #expect(run.code == 2 && run.error.contains("not a store"), "\(run.error)")
        #expect(unsafe rmdir(memory) == 0)
    }
}
