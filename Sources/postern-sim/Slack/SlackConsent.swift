import FoundationEssentials

extension SlackWorld {
    /// `GET /oauth/v2/authorize` and `GET /openid/connect/authorize`: the page where a user would press Allow
    /// (platforms, 1.2). Presses it at once.
    ///
    /// `sim_user=deny` presses Cancel; `sim_user=U…` is the user who presses, `sim_team=T…` the workspace they choose,
    /// `sim_org=1` the whole organisation, `sim_refuse=a,b` the scopes they untick. What Slack shows on the page
    /// without ever redirecting, is a page here too, with status 400.
    mutating func authorize(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
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
        var code = SlackCode(
            value: mint.code(), appID: app.appID, teamID: place(request, app), redirectURI: redirect,
            scopes: granted("scope", request), userScopes: granted("user_scope", request),
            userID: request.query("sim_user") ?? "U0FAKEUSER1", made: now)
        if call == "openid.connect.authorize" {
            code.isOpenID = true
            code.nonce = request.query("nonce")
        }
        if let refusal = refusal(of: request, code, app) { return shown(refusal, app) }
        if request.query("sim_user") == "deny" { return deny(request, "access_denied") }
        code.challenge = request.query("code_challenge")
        codes[code.value] = code
        return .accepted(
            "code for \((code.scopes + code.userScopes).joined(separator: ","))",
            back(to: target, request, "code", code.value), app: app.appID)
    }

    /// nil for the whole organisation.
    private func place(_ request: SimRequest, _ app: SlackApp) -> String? {
        request.query("sim_org") == "1" ? nil : request.query("sim_team") ?? request.query("team") ?? app.teamID
    }

    private func granted(_ name: String, _ request: SimRequest) -> [String] {
        let refused = list(request.query("sim_refuse"))
        return list(request.query(name)).filter { !refused.contains($0) }
    }

    private func list(_ text: String?) -> [String] {
        (text ?? "").split(whereSeparator: { $0 == "," || $0 == " " }).map(String.init)
    }

    /// Why the page shows an error instead of a button; nil for the button.
    private func refusal(of request: SimRequest, _ code: SlackCode, _ app: SlackApp) -> String? {
        if code.isOpenID {
            guard request.query("response_type") == "code" else { return "invalid_response_type" }
            guard code.scopes.contains("openid"), code.userScopes.isEmpty,
                code.scopes.allSatisfy(["openid", "email", "profile"].contains)
            else { return "invalid_scope" }
            return nil
        }
        if let refusal = refusal(of: list(request.query("scope")), list(request.query("user_scope")), app) {
            return refusal
        }
        if let team = code.teamID {
            if team != app.teamID && !app.isDistributed { return "invalid_team_for_non_distributed_app" }
        } else if app.enterpriseID == nil || !app.deploysToOrganisation {
            return "scope_not_allowed_on_enterprise"
        }
        let challenge = request.query("code_challenge")
        if challenge != nil && !app.usesPKCE { return "pkce_not_allowed" }
        if app.usesPKCE {
            let isS256 = request.query("code_challenge_method") == "S256" && challenge?.utf8.count == 43
            return isS256 ? nil : "invalid_code_challenge"
        }
        return nil
    }

    private func refusal(of scopes: [String], _ userScopes: [String], _ app: SlackApp) -> String? {
        if scopes.isEmpty && userScopes.isEmpty { return "no_scopes" }
        let identity = (scopes + userScopes).filter { $0.hasPrefix("identity.") }
        if !identity.isEmpty && identity.count != scopes.count + userScopes.count { return "invalid_scope" }
        if scopes.contains(where: { $0.hasPrefix("identity.") }) { return "invalid_scope" }
        let strange = { (asked: [String], known: [String]) in !known.isEmpty && asked.contains { !known.contains($0) } }
        return strange(scopes, app.botScopes) || strange(userScopes, app.userScopes) ? "invalid_scope" : nil
    }

    /// The user said no: back to the app with an error.
    func deny(_ request: SimRequest, _ code: String) -> Outcome {
        let app = request.query("client_id").flatMap { find(clientID: $0) }
        guard let target = request.query("redirect_uri") ?? app?.redirectURLs.first,
            app?.allows(redirect: target) == true
        else { return shown("bad_redirect_uri", app) }
        return .refused(code, back(to: target, request, "error", code), app: app?.appID)
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
