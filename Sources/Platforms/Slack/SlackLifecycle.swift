package import Rules

extension Slack {
    /// `auth.test`, which every live token may call (platforms, 1.6).
    package func probe(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? {
        authTest(token: token)
    }

    /// `tokens_revoked` and `app_uninstalled` (platforms, 1.7 and 1.8). They come in either order, perhaps hours late.
    package func lifecycle(_ event: [UInt8]) -> Lifecycle? {
        guard let envelope = JSONFields(event), envelope.string("type") == "event_callback",
            let inner = envelope.object("event")
        else { return nil }
        let place = Place(
            enterpriseID: envelope.word("enterprise_id", longest: 64),
            teamID: envelope.word("team_id", longest: 64),
            name: nil, isEnterpriseInstall: envelope.bool("is_enterprise_install") ?? false)
        guard place.teamID != nil || place.enterpriseID != nil else { return nil }
        let at = envelope.integer("event_time").flatMap(JSONFields.moment(seconds:))
        switch inner.string("type") {
        case "app_uninstalled": return .uninstalled(place, at: at)
        case "tokens_revoked":
            let tokens = inner.object("tokens")
            return .tokensRevoked(
                place, users: Self.users(tokens?.words("oauth")), bots: Self.users(tokens?.words("bot")),
                at: at)
        default: return nil
        }
    }
    /// User ids, so many as one event may have us keep.
    private static func users(_ list: [String]?) -> [String] {
        Array((list ?? []).lazy.filter { $0.utf8.count <= 64 }.prefix(1000))
    }
}
