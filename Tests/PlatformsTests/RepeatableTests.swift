import Rules
import Testing

@testable import Platforms

@Suite struct `A bridge's call whose connection died under it` {
    /// RFC 9110, section 9.2.2: whether the platform did what it was asked nobody knows.
    @Test(arguments: GatewayRequest.verbs)
    func `may be sent again only where that does no harm`(_ verb: String) throws {
        let id = try #require(AppID("A0FAKE0001"))
        let client = OAuthClient(
            appID: id, clientID: "fake", clientSecret: "fake", region: "mypurecloud.ie")
        for (dialect, path) in [
            (Slack(), "chat.postMessage"), (Lark(.lark), "im/v1/messages"), (Lark(.feishu), "im/v1/messages"),
            (Genesys(), "api/v2/users"),
        ] as [(any Dialect, String)] {
            // Slack has no more than these.
            if dialect is Slack, !["GET", "POST", "HEAD", "OPTIONS"].contains(verb) { continue }
            let request = try dialect.gatewayCall(
                GatewayRequest(path: path, verb: verb, headers: [], body: []), at: GatewayPath(path), token: "fake",
                client)
            #expect(request.method == verb)
            #expect(request.repeatable == ["GET", "HEAD", "OPTIONS"].contains(verb), "\(dialect)")
        }
    }
}
