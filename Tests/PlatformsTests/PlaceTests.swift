import Platforms
import Rules
import Testing

@Suite struct `A person's place` {
    /// Their organisation and team, the installation's, whether it is the organisation's, and whether they are of it.
    @Test(
        arguments: [
            (nil, "T1", "", "T1", false, true), (nil, "T2", "", "T1", false, false),
            ("E1", "T1", "E1", "", true, true), ("E2", "T1", "E1", "", true, false), (nil, "T1", "E1", "", true, false),
            (nil, nil, "", "", false, false), ("", "", "", "", false, false), ("", "", "", "", true, false),
            ("E1", "", "E1", "", false, false),
        ] as [(String?, String?, String, String, Bool, Bool)])
    func `is an installation's only by name`(
        _ enterprise: String?, _ team: String?, _ itsEnterprise: String, _ itsTeam: String, _ isEnterprise: Bool,
        _ isWithin: Bool
    ) {
        let place = Place(enterpriseID: enterprise, teamID: team, name: nil)
        #expect(place.isWithin(team: itsTeam, enterprise: itsEnterprise, isEnterprise: isEnterprise) == isWithin)
    }

    /// What an exchange says of showing the secret is what it does.
    @Test(arguments: Platform.allCases, [true, false])
    func `is gained by showing the secret, or without`(_ platform: Platform, _ usesPKCE: Bool) throws {
        let id = try #require(AppID("A1"))
        let client = OAuthClient(
            appID: id, clientID: "1.2", clientSecret: "fakesecretfakesecret", region: "mypurecloud.ie",
            usesPKCE: usesPKCE)
        let dialect = try PlatformURLs().dialect(of: platform)
        let request = dialect.exchange(
            ExchangeAsk(
                purpose: .install, code: "c", redirectURI: "https://a.example/", verifier: usesPKCE ? "v" : nil), client
        )
        let isBasic = request.headers.contains { $0.name == "Authorization" }
        let inBody = String(decoding: request.body, as: UTF8.self).contains("fakesecretfakesecret")
        #expect(dialect.exchangeShowsSecret(client) == (isBasic || inBody))
    }
}
