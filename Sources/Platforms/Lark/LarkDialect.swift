package import Rules

extension Lark: Dialect {
    package func apiBase(_ client: OAuthClient) -> String { open }

    package func granted(_ answer: PlatformAnswer) throws(PlatformFailure) -> Granted {
        Granted(user: try pair(answer, refreshing: false))
    }

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

    package func refreshed(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        try pair(answer, refreshing: true)
    }

    package func minted(_ answer: PlatformAnswer, _ leg: Leg) throws(PlatformFailure) -> TokenPair {
        try machineToken(answer, leg)
    }

    /// There is none (platforms, 2.7).
    package func revoke(token: String, _ leg: Leg, _ client: OAuthClient) -> PlatformRequest? { nil }

    package func revoked(_ answer: PlatformAnswer) throws(PlatformFailure) {
        throw .unexpected(brand.title, "it has no call that revokes")
    }

    package func uninstall(token: String, _ client: OAuthClient) -> PlatformRequest? { nil }

    package func complaint(_ answer: PlatformAnswer) -> PlatformFailure? {
        do { _ = try object(answer) } catch { return error }
        return nil
    }
}
