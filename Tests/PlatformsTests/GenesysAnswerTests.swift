import Platforms
import Rules
import Testing

@Suite struct `Genesys Cloud's errors` {
    /// platforms 4.3, the whole table, and the rest of RFC 6749, section 5.2.
    @Test(
        arguments: [
            ("invalid_client", .config), ("invalid_grant", .reauth), ("invalid_request", .bug),
            ("unsupported_grant_type", .bug), ("unauthorized_client", .config), ("invalid_scope", .config),
            ("access_denied", .config), ("server_error", .retry), ("temporarily_unavailable", .retry),
        ] as [(String, PlatformFailure.Verdict)])
    func `of the token endpoint are judged as documented, whatever the status`(
        _ code: String, _ verdict: PlatformFailure.Verdict
    ) {
        for status in [200, 400, 401] {
            let body = #"{"error":"\#(code)","description":"d","error_description":"d"}"#
            let found = failure { () throws(PlatformFailure) in try answer(body, status: status).genesysToken() }
            #expect(found?.code == code && found?.verdict == verdict && found?.sentence.isEmpty == false)
        }
        #expect(GenesysErrors.token.contains { $0.code == code })
    }

    /// platforms 4.6 and 4.9: the API's own, and what a status means alone.
    @Test(
        arguments: [
            (401, "bad.credentials", "bad.credentials", .reauth),
            (401, "no.authentication.bearer.token", "no.authentication.bearer.token", .bug),
            (401, "authentication.required", "authentication.required", .reauth),
            (403, "not.authorized", "not.authorized", .config),
            (403, "missing.permissions", "missing.permissions", .config),
            (403, "missing.any.permissions", "missing.any.permissions", .config),
            (403, "missing.division.permission", "missing.division.permission", .config),
            (400, "bad.request", "bad.request", .bug),
            (400, "invalid.query.param.value", "invalid.query.param.value", .bug),
            (400, "invalid.path.parameter", "invalid.path.parameter", .bug), (404, "not.found", "not.found", .bug),
            (400, "too.many.requests", "too.many.requests", .retry),
            (500, "internal.server.error", "internal.server.error", .retry),
            (503, "service.unavailable", "service.unavailable", .retry),
            (504, "authentication.request.timeout", "authentication.request.timeout", .retry),
            (401, "brand.new", "unauthorized", .reauth), (403, "brand.new", "forbidden", .config),
            (404, "brand.new", "not_found", .bug), (408, "brand.new", "request_timeout", .retry),
            (429, "brand.new", "ratelimited", .retry), (418, "brand.new", "unknown_code", .bug),
            (500, "brand.new", "server_error", .retry), (599, "brand.new", "server_error", .retry),
        ] as [(Int, String, String, PlatformFailure.Verdict)])
    func `of the API are judged by their code, then by the status`(
        _ status: Int, _ code: String, _ want: String, _ verdict: PlatformFailure.Verdict
    ) {
        let body =
            #"{"message":"fake-token leaked","code":"\#(code)","status":\#(status),"contextId":"x","details":[]}"#
        let found = Genesys().complaint(answer(body, status: status))
        #expect(found?.code == want && found?.verdict == verdict && found?.sentence.contains("leaked") == false)
    }

    @Test func `stand in the tables once`() {
        let codes = (GenesysErrors.token + GenesysErrors.api).map(\.code)
        #expect(Set(codes).count == codes.count)
        #expect(Set(GenesysErrors.statuses.map(\.status)).count == GenesysErrors.statuses.count)
    }

    @Test(
        arguments: [
            ("client not found", "wrong region is the likely cause"),
            ("authentication failed", "refuses the Client Secret"),
            ("something else", "Client ID and Client Secret in this region"), ("", "in this region"),
        ])
    func `tell an unknown client from a wrong secret, and name the region`(_ description: String, _ words: String) {
        for name in ["description", "error_description"] {
            let body = #"{"error":"invalid_client","\#(name)":"\#(description)"}"#
            let found = failure { () throws(PlatformFailure) in try answer(body, status: 400).genesysToken() }
            #expect(found?.sentence.contains(words) == true)
        }
    }

    @Test(
        arguments: [
            (["Retry-After": "7"], 7), (["inin-ratelimit-reset": "61"], 61),
            (["Retry-After": "5", "inin-ratelimit-reset": "61"], 5), ([:], 60), (["Retry-After": "soon"], 60),
            (["inin-ratelimit-reset": "99999"], 3600), (["inin-ratelimit-reset": "-1"], 1),
        ] as [([String: String], Int64)])
    func `say how long to wait`(_ headers: [String: String], _ seconds: Int64) {
        let limited = answer("{}", status: 429, headers.map { HeaderField($0.key, $0.value) })
        #expect(Genesys().complaint(limited)?.retryAfter == seconds)
    }
}

@Suite struct `An answer of Genesys Cloud` {
    /// Body, status, the code it must end in.
    @Test(
        arguments: [
            ("<html>", 200, "unreadable_answer"), ("", 200, "unreadable_answer"), ("[]", 200, "unreadable_answer"),
            (#"{"access_token":"t","expires_"#, 200, "unreadable_answer"), ("{}", 200, "unexpected_answer"),
            (#"{"access_token":null}"#, 200, "unexpected_answer"),
            (#"{"access_token":"a\nb"}"#, 200, "unexpected_answer"),
            ("<html>", 502, "server_error"), ("", 302, "redirected"),
            (#"{"access_token":"t","expires_in":5}"#, 500, "server_error"),
        ])
    func `that is no token fails with a code of ours`(_ body: String, _ status: Int, _ code: String) {
        let found = failure { () throws(PlatformFailure) in try answer(body, status: status).genesysToken() }
        #expect(found?.code == code)
    }

    @Test(
        arguments: [
            (#"{"access_token":"t","token_type":"bearer","expires_in":86399,"refresh_token":"r"}"#, 86_399, []),
            (#"{"access_token":"t","expires_in":86399}"#, 86_399, [.noRefreshToken]),
            (#"{"access_token":"t","refresh_token":"r"}"#, 3600, [.noLife]),
            (#"{"access_token":"t","refresh_token":"r","expires_in":0,"error":"warning"}"#, 3600, [.noLife]),
            (#"{"access_token":"t","expires_in":-1}"#, 3600, [.noLife, .noRefreshToken]),
        ] as [(String, Int64, [TokenPair.Oddity])])
    func `with a token in it is kept, whatever else is odd`(
        _ body: String, _ life: Int64, _ odd: [TokenPair.Oddity]
    ) throws {
        let pair = try Genesys().refreshed(answer(body), .user)
        #expect(pair.token == "t" && pair.expiresIn == life && pair.oddities == odd)
        #expect((pair.refreshToken == nil) == odd.contains(.noRefreshToken))
    }

    @Test func `says whose a token is, and never reads a webhook secret`() throws {
        let info = try answer(
            """
            {"organization":{"id":"o1","name":"Acme\\u202e"},"OAuthClient":{"id":"c1","name":"Fake",
             "authorizedGrantType":"CLIENT-CREDENTIALS","state":"active"}}
            """
        ).genesysTokenInfo()
        #expect(
            info
                == GenesysTokenInfo(
                    organizationID: "o1", organizationName: "Acme", clientID: "c1", clientName: "Fake",
                    grantType: "CLIENT-CREDENTIALS", state: "active"))
        let list = try answer(
            """
            {"entities":[{"id":"i1","name":"One","outboundNotificationWebhookUrl":"https://a.example/x",
             "outboundNotificationWebhookSignatureSecretToken":"fake-webhook-secret"},{"name":"no id"}],"pageCount":7}
            """
        ).genesysIntegrations()
        #expect(list.found == [GenesysIntegration(id: "i1", name: "One", webhookURL: "https://a.example/x")])
        #expect(list.pages == 7 && !String(describing: list).contains("fake-webhook-secret"))
        let person = try answer(
            #"{"id":"u1","name":"Ada","email":"ada@example.com","organization":{"id":"o1","name":"Acme"}}"#
        ).genesysPerson()
        #expect(person.userID == "u1" && person.place == Place(teamID: "o1", name: "Acme") && !person.isEmailVerified)
        #expect(try answer(#"{"id":"u1"}"#).genesysPerson().place == nil)
    }

    @Test func `about a token that is gone counts as revoked`() throws {
        let genesys = Genesys()
        try genesys.revoked(PlatformAnswer(status: 200, body: []))
        try genesys.revoked(answer(#"{"code":"bad.credentials"}"#, status: 401))
        for status in [403, 429, 500] {
            #expect(failure { () throws(PlatformFailure) in try genesys.revoked(answer("", status: status)) } != nil)
        }
    }
}

@Suite struct `Verifying a Genesys Cloud client` {
    private static let ids = ["fa4e0000-0000-4000-8000-00000000000a", "fa4e0000-0000-4000-8000-00000000000b"]
    private static let url = "https://bridge.example/genesys"

    private static func integrations(_ urls: [String?] = [url, url]) -> [GenesysIntegration] {
        zip(ids, urls).enumerated().map { index, pair in
            GenesysIntegration(
                id: pair.0, name: ["Open Messaging Direct Message", "Open Messaging App Mention"][index],
                webhookURL: pair.1)
        }
    }

    private static func info(_ client: String? = "c1", state: String? = "active") -> GenesysTokenInfo {
        GenesysTokenInfo(
            organizationID: "o1", organizationName: "Acme", clientID: client, grantType: "CLIENT-CREDENTIALS",
            state: state)
    }

    private static func results(
        _ profile: String = "genesys-slack", token: GenesysVerification.Outcome<Void>? = .success(()),
        info: GenesysVerification.Outcome<GenesysTokenInfo>? = .success(info()),
        submitted: String? = ids.joined(separator: ", "),
        found: GenesysVerification.Outcome<[GenesysIntegration]>? = .success(integrations()), webhook: String? = url,
        secret: Int? = 16
    ) throws -> [String: Check] {
        let verification = GenesysVerification(
            profile: try #require(Profile.named(profile, on: .genesys)), clientID: "c1", region: "mypurecloud.ie",
            token: token, info: info, integrationIDs: submitted, integrations: found, webhookURL: webhook,
            webhookSecretLength: secret)
        return Dictionary(verification.checks.map { ($0.name, $0) }) { _, last in last }
    }

    @Test func `finds a good client good, as far as anybody can`() throws {
        let checks = try Self.results().mapValues { $0.result.rawValue }
        #expect(
            checks == [
                "client_credentials": "passed", "organization": "passed", "client_id": "passed",
                "client_settings": "passed", "integration_ids": "passed", "notification_url": "passed",
                "webhook_secret": "pending",
            ])
        let plain = try Self.results("genesys", submitted: nil, found: nil, webhook: nil, secret: nil)
        #expect(plain["integration_ids"] == nil && plain["client_id"]?.result == .passed)
    }

    @Test(
        arguments: [
            (PlatformFailure(.config, "invalid_client", "a wrong region"), .failed),
            (PlatformFailure(.retry, "ratelimited", "wait"), .inconclusive),
            (PlatformFailure(.bug, "unknown_code", "?"), .inconclusive),
        ] as [(PlatformFailure, Check.Result)])
    func `does not blame the client for the platform's trouble`(
        _ failure: PlatformFailure, _ result: Check.Result
    ) throws {
        let checks = try Self.results(token: .failure(failure), info: nil, found: nil)
        let check = try #require(checks["client_credentials"])
        #expect(check.result == result && check.advice == failure.sentence)
        #expect(check.compared.contains("mypurecloud.ie") && checks["client_id"] == nil)
    }

    @Test func `notices another client, a stopped one, and one that nobody names`() throws {
        #expect(try Self.results(info: .success(Self.info("c2")))["client_id"]?.result == .failed)
        #expect(try Self.results(info: .success(Self.info("C1")))["client_id"]?.result == .passed)
        #expect(try Self.results(info: .success(Self.info(nil)))["client_id"]?.result == .inconclusive)
        #expect(
            try Self.results(info: .success(Self.info(state: "disabled")))["client_settings"]?.result == .failed)
        let trouble = PlatformFailure(.retry, "server_error", "trouble")
        #expect(try Self.results(info: .failure(trouble))["organization"]?.result == .inconclusive)
    }

    /// What was submitted, what was found, how it comes out, what the comparison names.
    @Test func `holds both integrations against what is there`() throws {
        let one = try Self.results(submitted: Self.ids[0])
        #expect(one["integration_ids"]?.result == .failed)
        let other = try Self.results(submitted: "\(Self.ids[0]) fa4e0000-0000-4000-8000-00000000000c")
        #expect(
            other["integration_ids"]?.result == .failed
                && other["integration_ids"]?.compared.contains("fa4e0000-0000-4000-8000-00000000000c") == true)
        #expect(
            try Self.results(submitted: Self.ids.joined(separator: "\n").uppercased())["integration_ids"]?.result
                == .passed)
        let forbidden = PlatformFailure(.config, "missing.any.permissions", "roles")
        #expect(try Self.results(found: .failure(forbidden))["integration_ids"]?.result == .failed)
        let trouble = PlatformFailure(.retry, "server_error", "trouble")
        #expect(try Self.results(found: .failure(trouble))["integration_ids"]?.result == .inconclusive)
    }

    @Test func `wants notifications to come to us`() throws {
        let wrong = try Self.results(found: .success(Self.integrations([Self.url, "https://relay.example/\u{1B}"])))
        let check = try #require(wrong["notification_url"])
        #expect(
            check.result == .failed && check.compared.contains("relay.example") && !check.compared.contains("\u{1B}"))
        #expect(try Self.results(webhook: nil)["notification_url"]?.result == .pending)
    }

    @Test(arguments: [(nil, .pending), (0, .failed), (15, .failed), (16, .pending)] as [(Int?, Check.Result)])
    func `wants a webhook secret of sixteen characters`(_ length: Int?, _ result: Check.Result) throws {
        #expect(try Self.results(secret: length)["webhook_secret"]?.result == result)
    }
}
