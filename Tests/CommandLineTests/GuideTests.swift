import Testing

@Suite struct `A guide at the command line` {
    static let sheets = #"""
        {"profile":"alibaba-lark","apps":[{"platform":"lark","app_id":"cli_fake1","sheets":[
        {"name":"scopes","place":"Batch import","document":{"scopes":{"tenant":["a:b"],"user":[]}}},
        {"name":"redirect_urls","place":"Security Settings","lines":["https://a.example/1","https://a.example/2"]}]}]}
        """#

    @Test func `prints what is pasted, and where to beside it`() throws {
        let admin = try FakeAdmin(["GET apps/lark/cli_fake1/manifest": (200, Self.sheets)])
        let run = try Run(["app", "manifest", "lark/cli_fake1"], at: admin)
        #expect(run.code == 0)
        #expect(run.out.hasSuffix("}\nhttps://a.example/1\nhttps://a.example/2\n") && !run.out.contains("Batch import"))
        #expect(run.error.contains("scopes: enter at Batch import") && run.error.contains("Security Settings"))
    }

    @Test(arguments: [[], ["slack/A0FAKE1", "--profile", "slack"]])
    func `wants an app or a profile, and not both`(_ words: [String]) throws {
        #expect(try Run(["app", "manifest"] + words, at: FakeAdmin()).code == 2)
    }

    static let list = #"""
        {"profile":"alibaba-slack","apps":[{"platform":"slack","app_id":"A0FAKE1","profile":"alibaba-slack","claim":"proven",
        "steps":[{"step":"scopes","title":"grant the scopes","place":"OAuth","state":"missing","detail":"missing: im:write"},
        {"step":"install","title":"install it","place":"OAuth","state":"done","detail":"a bot"}],"checks":[],"notes":["mind"]}]}
        """#

    @Test(arguments: [([], true), (["--missing"], false)] as [([String], Bool)])
    func `prints the steps with what is left`(_ words: [String], _ all: Bool) throws {
        let admin = try FakeAdmin(["GET apps/slack/A0FAKE1/checklist": (200, Self.list)])
        let run = try Run(["app", "checklist", "slack/A0FAKE1"] + words, at: admin)
        #expect(run.code == 0 && run.out.contains("missing  grant the scopes\n") && run.out.contains("at: OAuth"))
        #expect(run.out.contains("done     install it") == all && run.error.contains("note: mind"))
    }

    static let app = #"""
        {"platform":"slack","app_id":"A0FAKE1","fields":{"workspace_name":"Acme"},"redirect_uris":["https://a.example/1"]}
        """#

    @Test(
        arguments: [
            (["--field", "workspace_name=Globex"], #"{"fields":{"workspace_name":"Globex"}}"#),
            (["--pkce", "on", "--login", "openid"], #"{"fields":{"login":"openid","pkce":"on"}}"#),
            (
                ["--redirect-uri", "https://a.example/2"],
                #"{"fields":{},"redirect_uris":["https://a.example/1","https://a.example/2"]}"#
            ),
            (["--remove-redirect-uri", "https://a.example/1"], #"{"fields":{},"redirect_uris":[]}"#),
        ] as [([String], String)])
    func `changes an app's public facts`(_ words: [String], _ body: String) throws {
        let admin = try FakeAdmin([
            "GET apps/slack/A0FAKE1": (200, Self.app), "POST apps/slack/A0FAKE1/edit": (200, Self.app),
        ])
        let run = try Run(["app", "edit", "slack/A0FAKE1"] + words, at: admin)
        #expect(run.code == 0, "\(run.error)")
        #expect(admin.changes.map(\.body) == [body])
        let check = try Run(["app", "edit", "slack/A0FAKE1", "--check"] + words, at: admin)
        #expect(check.code == 12 && admin.changes.count == 1)
    }

    @Test(
        arguments: [
            ([], 2), (["--field", "signing_secret=x"], 2), (["--field", "workspce_name=x"], 2),
            (["--pkce", "maybe"], 2),
            (["--remove-redirect-uri", "https://b.example/"], 5),
        ] as [([String], Int32)])
    func `refuses to change what is not there`(_ words: [String], _ code: Int32) throws {
        let admin = try FakeAdmin(["GET apps/slack/A0FAKE1": (200, Self.app)])
        #expect(try Run(["app", "edit", "slack/A0FAKE1"] + words, at: admin).code == code)
        #expect(admin.changes.isEmpty)
    }

    @Test func `never takes a configuration token from the command line`() throws {
        let admin = try FakeAdmin()
        let token = "xoxe.xoxp-1-fakefakefakefakefake"
        let run = try Run(["app", "apply-manifest", "slack/A0FAKE1", "--config-token", token], at: admin)
        #expect(run.code == 2 && admin.calls.isEmpty && !run.error.contains(token))
    }

    @Test func `says what the platform does not take, and ends with 8`() throws {
        let answer =
            #"{"changes":["add x (y)"],"applied":false,"must_reinstall":false,"faults":["/a: bad"],"remarks":[]}"#
        let admin = try FakeAdmin(["POST apps/slack/A0FAKE1/apply-manifest": (200, answer)])
        let run = try Run(["app", "apply-manifest", "slack/A0FAKE1"], at: admin)
        #expect(run.code == 8 && run.error.contains("/a: bad") && !run.error.contains("done at"))
    }
}
