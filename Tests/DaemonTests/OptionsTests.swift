import Linux
import Platforms
import Rules
import Testing

@testable import posternd

@Suite struct `Options of posternd` {
    /// One way to give settings.
    struct Given: Sendable {
        var flags: [String] = []
        var environment: [String: String] = [:]
        var file: String?
    }

    private func settings(_ given: Given) throws(Problem) -> Settings {
        try Settings(
            arguments: given.flags, environment: { given.environment[$0] },
            read: { path throws(Problem) in
                guard let file = given.file else { throw Problem(.badRequest, "no file \(path)") }
                return file
            })
    }

    private func options(_ given: Given) throws(Problem) -> Options {
        try Options(try settings(given), environment: { given.environment[$0] })
    }

    @Test(arguments: [
        (Given(flags: ["--data-dir", "/a"], environment: ["POSTERN_DATA_DIR": "/b"]), "/a"),
        (Given(flags: ["--data-dir=/a"], environment: ["STATE_DIRECTORY": "/c"]), "/a"),
        (Given(environment: ["POSTERN_DATA_DIR": "/b", "POSTERN_CONFIG": "f"], file: "data-dir = /c"), "/b"),
        (
            Given(flags: ["--config", "f"], environment: ["STATE_DIRECTORY": "/d"], file: "# x\n\n data-dir=/c \n"),
            "/c"
        ),
        (Given(environment: ["STATE_DIRECTORY": "/d:/e"]), "/d"),
        (Given(flags: ["--data-dir", "/a/b//"]), "/a/b"),
        (Given(), "./.postern"),
    ])
    func `come from flags before environment before file`(_ given: Given, _ want: String) throws {
        var given = given
        given.environment["POSTERN_ROOT_KEY"] = "file:/k"
        let options = try options(given)
        #expect(options.dataDirectory == want)
        #expect(options.runDirectory == want + "/run")
    }

    @Test func `take several platform addresses`() throws {
        let given = Given(
            flags: [
                "--platform-url", "slack.api=http://127.0.0.1:1/api", "--platform-url=lark.open=https://l.test/",
            ],
            environment: ["POSTERN_ROOT_KEY": "credential:root"])
        let options = try options(given)
        #expect(options.platformURLs[.slackAPI] == "http://127.0.0.1:1/api")
        #expect(options.platformURLs[.larkOpen] == "https://l.test")
        #expect(options.rootKey == .credential("root"))
        let spaced = Given(environment: [
            "POSTERN_ROOT_KEY": "file:k", "POSTERN_PLATFORM_URL": "slack.api=https://a.test lark.open=https://b.test",
        ])
        #expect(try self.options(spaced).platformURLs[.larkOpen] == "https://b.test")
    }

    @Test(arguments: [
        ["--nonsense", "1"], ["stray"], ["--data-dir"], ["--data-dir", ""], ["--user", "a", "--user", "b"],
        ["--callback-listen", "0.0.0.0:80"], ["--callback-listen", "example.com:80"], ["--callback-listen", "80"],
        ["--gateway-listen", "unix:/x"], ["--gateway-listen", "0.0.0.0:8431"],
        ["--gateway-listen", "example.com:8431"], ["--gateway-listen", "[::]:8431"], ["--gateway-listen", "127.0.0.1"],
        ["--public-url", "http://example.com"], ["--public-url", "https://"],
        ["--public-url", "https://a b"], ["--platform-url", "nobody.api=https://a.test"],
        ["--platform-url", "slack.api=http://slack.test"], ["--log-level", "loud"], ["--root-key", "key"],
        ["--root-key", "credential:../x"], ["--root-key", "file:"],
    ])
    func `are refused with what they take`(_ flags: [String]) {
        var given = Given(flags: flags)
        if !flags.contains("--root-key") { given.environment["POSTERN_ROOT_KEY"] = "file:/k" }
        #expect { try options(given) } throws: { ($0 as? Problem)?.code == .badRequest }
    }

    @Test(arguments: ["data-dir", "= x", "color = red", "user = a\nuser = b", "user a"])
    func `in a file are refused by line`(_ text: String) {
        let given = Given(flags: ["--config", "f", "--root-key", "file:/k"], file: text)
        #expect { try options(given) } throws: { ($0 as? Problem)?.reason.hasPrefix("line ") == true }
    }

    @Test func `need a root key`() {
        #expect { try options(Given()) } throws: { ($0 as? Problem)?.advice.contains("postern init") == true }
    }

    @Test func `are all in the help`() {
        for setting in Setting.all {
            #expect(Options.help.contains("  \(setting.flag) ") && Options.help.contains("[\(setting.variable)]"))
        }
    }
}
