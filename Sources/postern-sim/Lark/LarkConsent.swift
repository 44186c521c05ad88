import FoundationEssentials

/// A code on its way from the authorize page to the exchange.
struct LarkCode: Sendable {
    /// Five minutes (platforms, 2.1).
    static let life: TimeInterval = 300

    let value: String
    let appID: String
    let openID: String
    let tenantKey: String
    let redirectURI: String
    let scopes: [String]
    /// As the page saw it, with its method; nil without PKCE.
    let challenge: (value: String, isS256: Bool)?
    /// Made by the older page, for the older endpoints.
    let isOIDC: Bool
    let made: Date
    var used = false
}

extension LarkWorld {
    /// `GET …/accounts/open-apis/authen/v1/authorize`: the page where a person would press Authorize (platforms, 2.2).
    /// Presses it at once.
    ///
    /// `sim_user=deny` presses Cancel; `sim_user=ou_…` is who presses, `sim_tenant` their organisation's key,
    /// `sim_scope` what they grant where that is not all that is asked. What the platform shows on its page without
    /// ever redirecting, is a page here too, with status 400.
    mutating func authorize(_ request: SimRequest, at now: Date) -> Outcome {
        guard request.method == "GET" else {
            return .refused("method_not_allowed", .page(title, "This page takes GET.", status: 405))
        }
        guard let app = request.query("client_id").flatMap({ registered[$0] }) else { return shown(20048, nil) }
        guard request.query("response_type") == "code" else { return shown(20001, app) }
        guard let redirect = request.query("redirect_uri"), app.redirectURLs.contains(redirect) else {
            return shown(20029, app)
        }
        let scopes = (request.query("scope") ?? "").split(separator: " ").map(String.init)
        guard scopes.count <= 50, Set(scopes).count == scopes.count else { return shown(20067, app) }
        guard app.userScopes.isEmpty || scopes.allSatisfy(app.userScopes.contains) else { return shown(20027, app) }
        let method = request.query("code_challenge_method") ?? "plain"
        guard ["S256", "plain"].contains(method) else { return shown(20001, app) }
        let challenge = request.query("code_challenge").map { ($0, method == "S256") }
        let granted = request.query("sim_scope").map { $0.split(separator: " ").map(String.init) } ?? scopes
        return press(request, app, redirect, scopes: granted, challenge: challenge, isOIDC: false, at: now)
    }

    /// `GET …/open-apis/authen/v1/index`: the older page, without scopes and PKCE.
    mutating func index(_ request: SimRequest, at now: Date) -> Outcome {
        guard let app = request.query("app_id").flatMap({ registered[$0] }) else { return shown(20028, nil) }
        guard let redirect = request.query("redirect_uri"), app.redirectURLs.contains(redirect) else {
            return shown(20029, app)
        }
        return press(request, app, redirect, scopes: app.userScopes, challenge: nil, isOIDC: true, at: now)
    }

    private mutating func press(
        _ request: SimRequest, _ app: LarkApp, _ redirect: String, scopes: [String],
        challenge: (String, Bool)?, isOIDC: Bool, at now: Date
    ) -> Outcome {
        guard app.status == 1 else { return shown(20069, app) }
        if request.query("sim_user") == "deny" { return deny(request) }
        let user = request.query("sim_user") ?? "ou_fakeuser1"
        let tenant = request.query("sim_tenant") ?? app.tenants[0].key
        guard app.tenants.contains(where: { $0.key == tenant }) else { return shown(20009, app) }
        let code = LarkCode(
            value: "fake_\(mint.letters(40))", appID: app.appID, openID: user, tenantKey: tenant, redirectURI: redirect,
            scopes: scopes, challenge: challenge, isOIDC: isOIDC, made: now)
        codes[code.value] = code
        return .accepted(
            "code for \(scopes.joined(separator: " "))", back(to: redirect, request, "code", code.value), app: app.appID
        )
    }

    /// The person said no: back to the app with an error.
    func deny(_ request: SimRequest) -> Outcome {
        let id = request.query("client_id") ?? request.query("app_id")
        guard let app = id.flatMap({ registered[$0] }), let redirect = request.query("redirect_uri"),
            app.redirectURLs.contains(redirect)
        else { return shown(20029, nil) }
        return .refused("access_denied", back(to: redirect, request, "error", "access_denied"), app: app.appID)
    }

    private func back(to target: String, _ request: SimRequest, _ name: String, _ value: String) -> SimAnswer {
        var location = target + (target.contains("?") ? "&" : "?") + "\(name)=\(FormText.escape(value))"
        if let state = request.query("state") { location += "&state=\(FormText.escape(state))" }
        return SimAnswer(status: 302, headers: [("Location", location)], body: [])
    }

    func shown(_ code: Int64, _ app: LarkApp?) -> Outcome {
        .refused(
            String(code), .page("\(title): the request is not right", "Error code \(code)", status: 400),
            app: app?.appID)
    }
}
