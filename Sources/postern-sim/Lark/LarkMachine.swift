import FoundationEssentials

extension LarkWorld {
    /// The same token again while thirty minutes or more remain (platforms, 2.5).
    private static let sameAbove: TimeInterval = 1800

    /// `POST auth/v3/…`: the machine tokens and the ticket. All refusals come with HTTP 200 (platforms, 2.6).
    mutating func machine(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        guard request.method == "POST" else { return .refused("not_found", .text("404 page not found", status: 404)) }
        let body = JSON(bytes: request.body) ?? [:]
        if call == "auth.v3.tenant_access_token" { return storeTenantToken(body, at: now) }
        guard let id = body["app_id"]?.text, id.hasPrefix("cli_") else { return Self.failure(10003, "invalid param") }
        guard let app = registered[id] else { return Self.failure(10014, "app id not exists") }
        guard body["app_secret"]?.text == app.appSecret else {
            return Self.failure(10014, "app secret invalid", app: id)
        }
        guard app.status == 1 else { return Self.failure(10014, "app unauthorized", app: id) }
        switch call {
        case "auth.v3.app_ticket.resend":
            guard app.isStore else { return Self.failure(10016, "invalid app type", app: id) }
            renewTicket(of: id, at: now)
            return .accepted("ticket pushed", .json(["code": 0, "msg": "ok"]), app: id)
        case "auth.v3.app_access_token":
            guard app.isStore else { return Self.failure(10016, "invalid app type", app: id) }
            guard body["app_ticket"]?.text == app.ticket else {
                return Self.failure(10012, "app_ticket invalid", app: id)
            }
            let token = current(.app, app, "", at: now)
            return Self.given(token, ["app_access_token": .string(token.value)], at: now)
        default:
            guard !app.isStore else { return Self.failure(10014, "app unauthorized", app: id) }
            let token = current(.tenant, app, app.tenants[0].key, at: now)
            var fields: [String: JSON] = ["tenant_access_token": .string(token.value)]
            if call == "auth.v3.app_access_token.internal" { fields["app_access_token"] = .string(token.value) }
            return Self.given(token, fields, at: now)
        }
    }

    private mutating func storeTenantToken(_ body: JSON, at now: Date) -> Outcome {
        guard let bearer = body["app_access_token"]?.text, let held = tokens[bearer], held.sort == .app,
            now < held.until, let app = registered[held.appID]
        else { return Self.failure(99_991_664, "invalid app token") }
        guard let tenant = body["tenant_key"]?.text, app.tenants.contains(where: { $0.key == tenant }) else {
            return Self.failure(11210, "app not installed in the tenant", app: app.appID)
        }
        let token = current(.tenant, app, tenant, at: now)
        return Self.given(token, ["tenant_access_token": .string(token.value)], at: now)
    }

    private static func given(_ token: LarkToken, _ fields: [String: JSON], at now: Date) -> Outcome {
        var fields = fields
        fields["code"] = 0
        fields["msg"] = "ok"
        fields["expire"] = .integer(Int64(token.until.timeIntervalSince(now).rounded()))
        return .accepted("token given", .json(.object(fields)), app: token.appID, token: token.value)
    }

    /// The newest token of this sort if it has long enough to live, else a new one; the older one stays good.
    private mutating func current(
        _ sort: LarkToken.Sort, _ app: LarkApp, _ tenant: String, at now: Date
    ) -> LarkToken {
        let key = "\(sort.rawValue) \(app.appID) \(tenant)"
        if let held = newest[key].flatMap({ tokens[$0] }), held.until.timeIntervalSince(now) >= Self.sameAbove {
            return held
        }
        let token = LarkToken(
            value: "\(sort == .app ? "a-" : "t-")fake\(mint.letters(28))", sort: sort, appID: app.appID,
            tenantKey: tenant, openID: "", scopes: [], until: now.addingTimeInterval(TimeInterval(app.machineLife)))
        tokens[token.value] = token
        newest[key] = token.value
        return token
    }

    /// The platform pushes a new ticket; only the newest counts.
    mutating func renewTicket(of id: String, at now: Date) {
        let ticket = "fake-ticket-\(mint.hex(20))"
        change(id) { $0.ticket = ticket }
    }
}
