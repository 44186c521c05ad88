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

    @Test func `that others can read, or that git may remember, is warned about`() throws {
        let admin = try FakeAdmin([
            "GET apps": (200, #"{"apps":[{"platform":"slack","app_id":"A0123456789","fields":{}}]}"#),
            "POST apps/slack/A0123456789/import": (
                200, #"{"items":[{"name":"signing_secret","comparison":"same"}]}"#
            ),
        ])
        let folder = try temporaryDirectory()
        defer { for path in ["/.env", "/.git", ""] { _ = unsafe remove(folder + path) } }
        try write("SLACK_SIGNING_SECRET=0123456789abcdef0123456789abcdef\n", to: "\(folder)/.env", mode: 0o644)
        try #require(unsafe chmod("\(folder)/.env", 0o644) == 0 && mkdir("\(folder)/.git", 0o700) == 0)
        let words = ["import", "auto", "\(folder)/.env", "--tenant", "acme", "--app", "slack/A0123456789", "--yes"]
        let run = try Run(words, at: admin)
        #expect(
            run.code == 0 && run.error.contains("other users") && run.error.contains("git work tree"), "\(run.error)")
        #expect(run.error.contains("still there"), "\(run.error)")
        #expect(try Run(words + ["--remove-source"], at: admin).code == 0)
        #expect(unsafe access("\(folder)/.env", F_OK) != 0)
    }

    @Test func `stays where the vault does not have all of it`() throws {
        let admin = try FakeAdmin([
            "GET apps": (200, #"{"apps":[{"platform":"slack","app_id":"A0123456789","fields":{}}]}"#),
            "POST apps/slack/A0123456789/import": (
                200, #"{"items":[{"name":"signing_secret","comparison":"absent"}]}"#
            ),
        ])
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
}
