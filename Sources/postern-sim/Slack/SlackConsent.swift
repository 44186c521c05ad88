import FoundationEssentials

extension SlackWorld {
    /// `GET /oauth/v2/authorize`: the page where a user would press Allow (platforms, 1.2). Presses it at once.
    ///
    /// `sim_user=deny` presses Cancel; `sim_user=U…` is the user who presses. What Slack shows on the page without
    /// ever redirecting, is a page here too, with status 400.
    mutating func authorize(_ request: SimRequest, at now: Date) -> Outcome {
        guard request.method == "GET" else {
            return .refused("method_not_allowed", .page("Slack", "This page takes GET.", status: 405))
        }
        guard let clientID = request.query("client_id"), let app = find(clientID: clientID) else {
            return shown("invalid_client_id", nil)
        }
        let redirect = request.query("redirect_uri")
        guard let target = redirect ?? app.redirectURLs.first, app.allows(redirect: target) else {
            return shown("bad_redirect_uri", app)
        }
        if let team = request.query("team"), team != app.teamID {
            return shown("invalid_team_for_non_distributed_app", app)
        }
        if request.query("code_challenge") != nil { return shown("pkce_not_allowed", app) }
        let scopes = list(request.query("scope"))
        let userScopes = list(request.query("user_scope"))
        if let code = refusal(of: scopes, userScopes, app) { return shown(code, app) }
        if request.query("sim_user") == "deny" { return deny(request, "access_denied") }

        let user = request.query("sim_user") ?? "U0FAKEUSER1"
        let code = SlackCode(
            value: mint.code(), appID: app.appID, redirectURI: redirect, scopes: scopes, userScopes: userScopes,
            userID: user, made: now)
        codes.append(code)
        return .accepted(
            "code for \((scopes + userScopes).joined(separator: ","))", back(to: target, request, "code", code.value),
            app: app.appID)
    }

    /// The user said no: back to the app with an error.
    func deny(_ request: SimRequest, _ code: String) -> Outcome {
        let app = request.query("client_id").flatMap { find(clientID: $0) }
        guard let target = request.query("redirect_uri") ?? app?.redirectURLs.first,
            app?.allows(redirect: target) == true
        else { return shown("bad_redirect_uri", app) }
        return .refused(code, back(to: target, request, "error", code), app: app?.appID)
    }

    private func list(_ text: String?) -> [String] {
        (text ?? "").split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
    }

    private func refusal(of scopes: [String], _ userScopes: [String], _ app: SlackApp) -> String? {
        if scopes.isEmpty && userScopes.isEmpty { return "no_scopes" }
        let identity = (scopes + userScopes).filter { $0.hasPrefix("identity.") }
        if !identity.isEmpty && identity.count != scopes.count + userScopes.count { return "invalid_scope" }
        if scopes.contains(where: { $0.hasPrefix("identity.") }) { return "invalid_scope" }
        let strange = { (asked: [String], known: [String]) in !known.isEmpty && asked.contains { !known.contains($0) } }
        return strange(scopes, app.botScopes) || strange(userScopes, app.userScopes) ? "invalid_scope" : nil
    }

    private func back(to target: String, _ request: SimRequest, _ name: String, _ value: String) -> SimAnswer {
        var location = target + (target.contains("?") ? "&" : "?") + "\(name)=\(FormText.escape(value))"
        if let state = request.query("state") { location += "&state=\(FormText.escape(state))" }
        return SimAnswer(status: 302, headers: [("Location", location)], body: [])
    }

    private func shown(_ code: String, _ app: SlackApp?) -> Outcome {
        .refused(code, .page("Something went wrong when authorizing", code, status: 400), app: app?.appID)
    }
}
