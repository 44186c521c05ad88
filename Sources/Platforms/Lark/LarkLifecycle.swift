package import Rules

extension Lark {
    /// A user token can be asked who it is; a machine token is tried by whoever uses it.
    package func probe(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? {
        leg == .user ? identity(token: token, client) : nil
    }

    /// `auth.user_access_token.revoked_v4` (platforms, 2.7), and the events of store apps in their older shape (2.5).
    package func lifecycle(_ event: [UInt8]) -> Lifecycle? {
        guard let envelope = JSONFields(event), let inner = envelope.object("event") else { return nil }
        if let header = envelope.object("header") {
            guard header.string("event_type") == "auth.user_access_token.revoked_v4",
                let tenant = header.word("tenant_key", longest: 64),
                let user = inner.word("open_id", longest: 64),
                // While the refresh token lives, the next refresh makes a new access token.
                inner.string("revoke_token_type")?.contains("refresh_token") == true
            else { return nil }
            return .tokensRevoked(
                Place(teamID: tenant, name: nil), users: [user], bots: [],
                at: header.string("create_time").flatMap { Int64($0) }.flatMap(
                    JSONFields.moment(milliseconds:)))
        }
        guard envelope.string("type") == "event_callback" else { return nil }
        let at = envelope.string("ts").flatMap { Int64($0.prefix { $0 != "." }) }.flatMap(
            JSONFields.moment(seconds:))
        switch inner.string("type") {
        case "app_ticket": return inner.word("app_ticket").map { .ticket($0, at: at) }
        case "app_uninstalled":
            return inner.word("tenant_key", longest: 64).map {
                .uninstalled(Place(teamID: $0, name: nil), at: at)
            }
        default: return nil
        }
    }
}
