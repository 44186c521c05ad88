import Testing

@Suite struct `Adding an app` {
    static let words = ["app", "add", "--tenant", "acme", "--profile", "alibaba-slack"]
    static let values = [
        "workspace_name": "Acme", "app_id": "A0123456789", "client_id": "333.569",
        "client_secret": "0123456789abcdef0123456789abcdef", "signing_secret": "8f742231b10e8888abcd99yyyzzz85a5",
        "bot_token": "xoxb-1234567890-1234567890123-abcdefghijklmnopqrstuvwx",
    ]
    static let answer = [
        "POST apps": (
            201,
            #"{"platform":"slack","app_id":"A0123456789","tenant":"acme","event_url":"https://ailink.gts.work/e","#
                + #""checks":[{"name":"token","result":"passed"}]}"#
        )
    ]

    static func json(_ values: [String: String]) -> String {
        "{" + values.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",") + "}"
    }

    @Test func `sends fields and secrets apart`() throws {
        let admin = try FakeAdmin(Self.answer)
        let run = try Run(Self.words + ["--from-file", "-"], at: admin, input: Self.json(Self.values))
        #expect(run.code == 0, "\(run.error)")
        #expect(
            admin.changes.map(\.body) == [
                #"{"app_id":"A0123456789","fields":{"client_id":"333.569","workspace_name":"Acme"},"platform":"slack","#
                    + #""profile":"alibaba-slack","#
                    + #""secrets":{"bot_token":"\#(Self.values["bot_token"]!)","client_secret":"\#(Self.values["client_secret"]!)","#
                    + #""signing_secret":"\#(Self.values["signing_secret"]!)"},"tenant":"acme","verify":true}"#
            ])
        #expect(run.error.contains("https://ailink.gts.work/e"))
        for secret in ["xoxb-", "8f742231", "01234567890abcdef"] { #expect(!(run.out + run.error).contains(secret)) }
    }

    @Test func `with options sends what they say`() throws {
        let admin = try FakeAdmin(Self.answer)
        var values = Self.values
        values["workspace_name"] = nil
        values["app_id"] = nil
        let more = [
            "--no-verify", "--redirect-uri", "https://a.example/1", "--redirect-uri", "https://a.example/2",
            "--app-id", "A0123456789", "--field", "workspace_name=Acme = Co",
        ]
        #expect(try Run(Self.words + more + ["--from-file", "-"], at: admin, input: Self.json(values)).code == 0)
        let body = admin.changes.first?.body ?? ""
        #expect(body.contains(#""redirect_uris":["https://a.example/1","https://a.example/2"]"#))
        #expect(body.contains(#""verify":false"#))
        #expect(body.contains(#""workspace_name":"Acme = Co""#))
    }

    @Test(
        arguments: [
            (["client_id": "A0123456789"], "this looks like an App ID"),
            (["app_id": "333.569"], "this looks like a Client ID"),
            (["signing_secret": "xoxb-1234567890-1234567890123-abcdefghijklmnopqrstuvwx"], "this looks like a Bot"),
            (["client_secret": ""], "Client Secret (client_secret; Basic Information"),
            (["sining_secret": "x"], "did you mean signing_secret?"),
            (["app_id": "A01/../x"], "characters no App ID has"),
        ] as [([String: String], String)])
    func `stops before anything is sent when a value is wrong`(_ change: [String: String], _ why: String) throws {
        let admin = try FakeAdmin(Self.answer)
        let run = try Run(
            Self.words + ["--from-file", "-"], at: admin, input: Self.json(Self.values.merging(change) { $1 }))
        #expect(run.code == 2)
        #expect(run.error.contains(why), "\(run.error)")
        #expect(!run.error.contains("xoxb-"))
        #expect(admin.changes.isEmpty)
    }

    @Test func `takes odd values when told so, and says what is odd`() throws {
        let admin = try FakeAdmin(Self.answer)
        let values = Self.values.merging(["client_id": "A0123456789", "signing_secret": "short"]) { $1 }
        let run = try Run(Self.words + ["--as-is", "--from-file", "-"], at: admin, input: Self.json(values))
        #expect(run.code == 0)
        #expect(run.error.contains("Signing Secret usually looks like"))
        #expect(admin.changes.count == 1)
    }

    @Test(arguments: ["", "[]", "{\"app_id\":[1]}", "not json"])
    func `does not take a file that is not an object of texts`(_ input: String) throws {
        let run = try Run(Self.words + ["--from-file", "-"], at: FakeAdmin(Self.answer), input: input)
        #expect(run.code == 2)
    }

    @Test func `ends with 8 when a check failed`() throws {
        let bad = #"{"platform":"slack","app_id":"A0123456789","checks":[{"name":"token","result":"failed"}]}"#
        let run = try Run(
            Self.words + ["--from-file", "-"], at: FakeAdmin(["POST apps": (201, bad)]), input: Self.json(Self.values))
        #expect(run.code == 8)
        #expect(run.out.hasPrefix("slack/A0123456789 added to acme\n"))
    }

    // MARK: - Two apps of one integration

    static let two = ["app", "add", "--tenant", "acme", "--profile", "genesys-slack", "--from-file", "-"]
    static let id = "7f1c5ad1-0000-4000-8000-000000000001"
    static let direct = "7f1c5ad1-0000-4000-8000-0000000000d1"
    static let mention = "7f1c5ad1-0000-4000-8000-0000000000a1"
    static let bot = "xoxb-1234567890-1234567890123-fakefakefakefakefakefake"
    static let signing = "fake0000000000000000000000000000"
    static let secret = "fake-client-secret-of-genesys"
    static let webhook = "fake-open-messaging-secret"

    /// The same credentials as people may have them: by platform, with prefixes, and as the blueprint's settings.
    static let files: [String] = [
        #"{"genesys":{"client_id":"\#(id)","client_secret":"\#(secret)","region":"mypurecloud.ie","webhook_secret":"\#(webhook)","#
            + #""integration_ids":["\#(direct)","\#(mention)"]},"slack":{"bot_token":"\#(bot)","signing_secret":"\#(signing)","#
            + #""channel_id":"C0FAKE1234"}}"#,
        #"{"genesys.client_id":"\#(id)","genesys.client_secret":"\#(secret)","genesys.region":"mypurecloud.ie","#
            + #""genesys.webhook_secret":"\#(webhook)","genesys.integration_ids":"\#(direct), \#(mention)","#
            + #""slack.bot_token":"\#(bot)","slack.signing_secret":"\#(signing)","slack.channel_id":"C0FAKE1234"}"#,
        #"{"clientId":"\#(id)","clientSecret":"\#(secret)","region":"https://apps.mypurecloud.ie/","#
            + #""open_messaging_secret_token":"\#(webhook)","open_messaging_direct_messaging_id":"\#(direct)","#
            + #""open_messaging_app_mention_id":"\#(mention)","slack_bearer_token":"\#(bot)","#
            + #""slack_app_mention_channel":"C0FAKE1234","signing_secret":"\#(signing)"}"#,
    ]

    @Test(arguments: files)
    func `takes both apps of one integration, however they are written`(_ file: String) throws {
        let admin = try FakeAdmin([
            "POST apps": (201, #"{"integration":1,"apps":[{"platform":"genesys","app_id":"x"}]}"#)
        ])
        let run = try Run(Self.two, at: admin, input: file)
        #expect(run.code == 0, "\(run.error)")
        #expect(
            admin.changes.map(\.body) == [
                #"{"apps":[{"app_id":"\#(Self.id)","fields":{"client_id":"\#(Self.id)","integration_ids":"\#(Self.direct),\#(Self.mention)","#
                    + #""region":"mypurecloud.ie"},"platform":"genesys","secrets":{"client_secret":"\#(Self.secret)","#
                    + #""webhook_secret":"\#(Self.webhook)"}},{"fields":{"channel_id":"C0FAKE1234"},"platform":"slack","#
                    + #""secrets":{"bot_token":"\#(Self.bot)","signing_secret":"\#(Self.signing)"}}],"#
                    + #""profile":"genesys-slack","tenant":"acme","verify":true}"#
            ])
    }

    @Test(
        arguments: [
            (#"{"client_id":"x"}"#, "write genesys.client_id or slack.client_id"),
            (#"{"clientId":"x","genesys.client_id":"y"}"#, "twice, under two names"),
            (#"{"slack":{"bot_tokn":"x"}}"#, "did you mean slack.bot_token?"),
            (#"{"slack.bot_token":["x"]}"#, "is not a text"),
        ])
    func `says which of two apps a value could be of`(_ file: String, _ why: String) throws {
        let run = try Run(Self.two, at: FakeAdmin(), input: file)
        #expect(run.code == 2 && run.error.contains(why), "\(run.error)")
    }

    @Test func `notices one secret in two fields`() throws {
        let admin = try FakeAdmin(Self.answer)
        let values = Self.values.merging(["signing_secret": Self.values["client_secret"] ?? ""]) { $1 }
        let run = try Run(Self.words + ["--from-file", "-"], at: admin, input: Self.json(values))
        #expect(run.code == 2 && run.error.contains("Client Secret and Signing Secret are the same value"))
        #expect(admin.changes.isEmpty)
    }

    @Test func `asks for the App ID only when Slack does not tell it`() throws {
        let admin = try FakeAdmin([
            "POST apps": (400, problem("app_id_needed", 400, detail: "Slack does not say whose the bot token is"))
        ])
        let pty = try Pty(
            ["app", "add", "--tenant", "acme", "--profile", "ovice-slack", "--field", "domain=acme"], at: admin)
        #expect(pty.shows("Access Token"))
        #expect(pty.becomes(echoing: false))
        pty.type(Self.bot + "\n")
        #expect(pty.shows("whose the bot token is"))
        #expect(pty.shows("App ID"))
        pty.type("A0FAKE0001\n")
        _ = try pty.end()
        let bodies = admin.changes.map(\.body)
        #expect(bodies.count == 2 && !bodies[0].contains("app_id") && bodies[1].contains(#""app_id":"A0FAKE0001""#))
        #expect(!pty.screen.contains(Self.bot))
    }
}
