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
}
