import Platforms
import Rules
import Testing

@Suite struct `Automating a Slack app` {
    private let slack = Slack()
    private static let app = AppID("A0FAKE0001")!
    private static let manifest = SlackManifest(["display_information": ["name": "Fake & App"]])

    @Test func `sends the manifest as a JSON string, with the configuration token in the header`() {
        let json = "manifest=%7B%22display_information%22%3A%7B%22name%22%3A%22Fake%20%26%20App%22%7D%7D"
        let requests = [
            (slack.exportManifest(of: Self.app, token: "xoxe.xoxp-fake"), "export", "app_id=A0FAKE0001", true),
            (slack.validate(Self.manifest, of: nil, token: "xoxe.xoxp-fake"), "validate", json, true),
            (
                slack.validate(Self.manifest, of: Self.app, token: "xoxe.xoxp-fake"), "validate",
                json + "&app_id=A0FAKE0001", true
            ),
            (
                slack.update(Self.manifest, of: Self.app, token: "xoxe.xoxp-fake"), "update",
                "app_id=A0FAKE0001&" + json, true
            ), (slack.create(Self.manifest, token: "xoxe.xoxp-fake"), "create", json, false),
        ]
        for (request, name, body, repeatable) in requests {
            #expect(request.url == "https://slack.com/api/apps.manifest.\(name)" && request.repeatable == repeatable)
            #expect(request.headers.contains(HeaderField("Authorization", "Bearer xoxe.xoxp-fake")))
            #expect(String(decoding: request.body, as: UTF8.self) == body)
        }
    }

    @Test func `turns a long-lived token into a pair by the client's arguments`() {
        let client = OAuthClient(appID: Self.app, clientID: "1.2", clientSecret: "top")
        let request = slack.makeRotate(token: "xoxb-fake", client)
        #expect(request.url == "https://slack.com/api/oauth.v2.exchange" && !request.repeatable)
        #expect(request.body == [UInt8]("client_id=1.2&client_secret=top&token=xoxb-fake".utf8))
    }

    @Test func `reads a manifest as it is`() throws {
        let read = try answer(#"{"ok":true,"manifest":{"settings":{"new_key":[1,2.5,null]}}}"#).slackManifest()
        #expect(read.tree.encoded() == #"{"settings":{"new_key":[1,2.5,null]}}"#)
        for body in [#"{"ok":true}"#, #"{"ok":true,"manifest":"{}"}"#] {
            let found = failure { () throws(PlatformFailure) in try answer(body).slackManifest() }
            #expect(found?.code == "unexpected_answer")
        }
    }

    @Test func `shows what Slack finds wrong, made fit to be shown`() throws {
        let body = """
            {"ok":false,"error":"invalid_manifest","errors":[
             {"code":"x","message":"Must be \\u001b[31m1 to 35","pointer":"/display_information/name"},{"pointer":"a b"}]}
            """
        let faults = try answer(body).slackManifestFaults()
        #expect(faults.map(\.line) == ["/display_information/name: Must be [31m1 to 35", "not accepted"])
        #expect(try answer(#"{"ok":true,"errors":[]}"#).slackManifestFaults() == [])
        let bare = failure { () throws(PlatformFailure) in
            try answer(#"{"ok":false,"error":"invalid_manifest"}"#).slackManifestFaults()
        }
        #expect(bare?.code == "invalid_manifest")
        let update = failure { () throws(PlatformFailure) in try answer(body).slackManifestUpdate() }
        #expect(update?.code == "invalid_manifest" && update?.verdict == .config)
    }

    @Test(arguments: [(#","permissions_updated":true"#, true), (#","permissions_updated":false"#, false), ("", true)])
    func `advises to install again unless Slack says there is no need`(_ more: String, _ again: Bool) throws {
        let read = try answer(#"{"ok":true,"app_id":"A0FAKE0001"\#(more)}"#).slackManifestUpdate()
        #expect(read.appID == Self.app && read.permissionsUpdated == again)
    }

    @Test func `takes four credentials of a new app, or says that they are missing`() throws {
        let whole = """
            {"ok":true,"app_id":"A0FAKE0001","credentials":{"client_id":"1.2","client_secret":"fake-a",
             "verification_token":"fake-b","signing_secret":"fake-c"}}
            """
        let read = try answer(whole).slackCreatedApp()
        #expect(read.appID == Self.app && read.clientID == "1.2" && read.clientSecret == "fake-a")
        #expect(read.signingSecret == "fake-c" && read.verificationToken == "fake-b")
        let broken = answer(whole.replacing("signing_secret", with: "signing"))
        #expect(failure { () throws(PlatformFailure) in try broken.slackCreatedApp() }?.code == "unexpected_answer")
    }
}
