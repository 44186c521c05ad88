import FoundationEssentials

extension LarkWorld {
    /// At most two hours; the same token again while thirty minutes or more remain (platforms, 2.5).
    private static let life: TimeInterval = 7200
    private static let sameAbove: TimeInterval = 1800

    /// `auth/v3/tenant_access_token/internal` and `app_access_token/internal`.
    mutating func internalToken(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        let body = JSON(bytes: request.body)
        guard let id = body?["app_id"]?.text, !id.isEmpty, id.hasPrefix("cli_") else {
            return Self.failure(10003, "invalid param")
        }
        guard let app = registered[id] else { return Self.failure(10014, "app id not exists") }
        guard body?["app_secret"]?.text == app.appSecret else {
            return Self.failure(10014, "app secret invalid", app: id)
        }
        let token = current(.tenant, app, app.tenants[0].key, prefix: "t-", at: now)
        var answer: [String: JSON] = [
            "code": 0, "msg": "ok", "tenant_access_token": .string(token.value),
            "expire": .integer(Int64(token.until.timeIntervalSince(now))),
        ]
        if call.hasPrefix("auth.v3.app") { answer["app_access_token"] = .string(token.value) }
        return .accepted("token given", .json(.object(answer)), app: id, token: token.value)
    }

    /// The newest token of this sort if it has long enough to live, else a new one.
    mutating func current(
        _ sort: LarkToken.Sort, _ app: LarkApp, _ tenant: String, prefix: String, at now: Date
    ) -> LarkToken {
        let held = tokens.values.filter { $0.sort == sort && $0.appID == app.appID && $0.tenantKey == tenant }
        if let newest = held.max(by: { $0.until < $1.until }), newest.until.timeIntervalSince(now) >= Self.sameAbove {
            return newest
        }
        let token = LarkToken(
            value: "\(prefix)fake\(mint.letters(28))", sort: sort, appID: app.appID, tenantKey: tenant, openID: "",
            scopes: app.tenantScopes, until: now.addingTimeInterval(Self.life))
        tokens[token.value] = token
        return token
    }
}
