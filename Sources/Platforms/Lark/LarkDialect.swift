package import Rules

extension Lark: Dialect {
    /// `{open}/open-apis` of the brand (platforms, 2.11 and 3.11).
    package func apiBase(_ client: OAuthClient) -> String { open }

    /// Reads a token pair, of the newer or the older endpoint; whose it is only `identity` tells (platforms, 2.3).
    package func granted(_ answer: PlatformAnswer) throws(PlatformFailure) -> Granted {
        Granted(user: try pair(answer, refreshing: false))
    }

    /// Reads `user_info`: open_id, and the tenant_key where the scopes show it. Its address is an administrator's,
    /// never verified (platforms, 2.6).
    package func person(_ answer: PlatformAnswer) throws(PlatformFailure) -> Person {
        let fields = try data(answer)
        guard let user = fields.word("open_id", longest: 64) else {
            throw .unexpected(brand.title, "user_info names no open_id")
        }
        return Person(
            userID: user, name: fields.label("name") ?? fields.label("en_name"),
            email: fields.word("email", longest: 320) ?? fields.word("enterprise_email", longest: 320),
            isEmailVerified: false,
            place: fields.word("tenant_key", longest: 64).map { Place(teamID: $0, name: nil) })
    }

    /// Reads a refreshed pair (platforms, 2.4). Without a refresh token it says so in `oddities`; the old one then
    /// stays.
    package func refreshed(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        try pair(answer, refreshing: true)
    }

    /// Reads a flat machine token answer (platforms, 2.5).
    package func minted(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        try machineToken(answer, leg)
    }

    /// There is none (platforms, 2.7).
    package func revoke(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? { nil }

    /// Nothing to read, since nothing is asked.
    package func revoked(_ answer: PlatformAnswer) throws(PlatformFailure) {
        throw .unexpected(brand.title, "it has no call that revokes")
    }

    /// There is no call that uninstalls (platforms, 2.7).
    package func uninstall(token: String, _ client: OAuthClient) -> PlatformRequest? { nil }

    /// A `code` that is not 0, a limit, or an answer that is none (platforms, 2.6 and 2.9).
    package func complaint(_ answer: PlatformAnswer) -> PlatformFailure? {
        do { _ = try object(answer) } catch { return error }
        return nil
    }
}
