import Platforms
import Rules
import Testing

/// Who the client is, in the header or the body, as each platform wants it.
@Suite struct `A client that trades a code` {
    private static func ask(_ verifier: String?) -> ExchangeAsk {
        ExchangeAsk(purpose: .install, code: "fake-code", redirectURI: "https://bridge.example/cb", verifier: verifier)
    }

    private static func request(_ platform: Platform, _ client: OAuthClient) throws -> PlatformRequest {
        try PlatformURLs().dialect(of: platform).exchange(ask(client.usesPKCE ? "fake-verifier" : nil), client)
    }

    // Authorization values computed with Python's standard library.
    @Test(
        arguments: [
            (
                .slack, "A0FAKE0001", "3336676.569200954261", "0123456789abcdef0123456789abcdef",
                "Basic MzMzNjY3Ni41NjkyMDA5NTQyNjE6MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
            ),
            (
                .genesys, "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                "s3cr3t-._~value",
                "Basic M2YyNTA0ZTAtNGY4OS00MWQzLTlhMGMtMDMwNWU4MmMzMzAxOnMzY3IzdC0uX352YWx1ZQ=="
            ),
        ] as [(Platform, String, String, String, String)])
    func `authenticates as RFC 7617 says`(
        _ platform: Platform, _ appID: String, _ id: String, _ secret: String, _ header: String
    ) throws {
        let client = OAuthClient(
            appID: try #require(AppID(appID)), clientID: id, clientSecret: secret,
            region: platform == .genesys ? "mypurecloud.ie" : nil)
        let request = try Self.request(platform, client)
        #expect(request.headers.contains(HeaderField("Authorization", header)))
        #expect(!String(decoding: request.body, as: UTF8.self).contains(secret))
    }

    @Test func `of Slack with PKCE says its id and sends no secret`() throws {
        let client = OAuthClient(
            appID: try #require(AppID("A0FAKE0001")), clientID: "1.2", clientSecret: nil, usesPKCE: true)
        let request = try Self.request(.slack, client)
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(!request.headers.contains { $0.name == "Authorization" })
        #expect(body.contains("client_id=1.2") && body.contains("code_verifier=fake-verifier"))
        #expect(!body.contains("client_secret"))
    }

    @Test(arguments: [.lark, .feishu] as [Platform])
    func `of Lark and Feishu stands in the body alone`(_ platform: Platform) throws {
        let client = OAuthClient(
            appID: try #require(AppID("cli_fake0001")), clientID: "cli_fake0001", clientSecret: "fake-app-secret",
            usesPKCE: true)
        let request = try Self.request(platform, client)
        let body = String(decoding: request.body, as: UTF8.self)
        #expect(!request.headers.contains { $0.name == "Authorization" })
        #expect(
            body.contains(#""client_secret":"fake-app-secret""#) && body.contains(#""code_verifier":"fake-verifier""#))
    }
}
