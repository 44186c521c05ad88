import FoundationEssentials

/// App configuration tokens: one per user and workspace, not per app (platforms, 1.1).
struct SlackConfigurations: Sendable {
    private static let life: Int64 = 43_200

    private var tokens: [String: (team: String, expires: Date)] = [:]
    private var refreshes: [String: String] = [:]

    func knows(_ token: String) -> Bool { tokens[token] != nil }

    /// The workspace a live token is of, or why it is none.
    func team(_ token: String, at now: Date) -> Result<String, SlackRefusal> {
        guard let found = tokens[token] else { return .failure(SlackRefusal("invalid_auth", token: token)) }
        guard now < found.expires else { return .failure(SlackRefusal("token_expired", token: token)) }
        return .success(found.team)
    }

    mutating func issue(team: String, _ mint: inout Mint, at now: Date) -> JSON {
        let token = mint.rotatingUserToken()
        let refresh = mint.refreshToken()
        tokens[token] = (team, now.addingTimeInterval(TimeInterval(Self.life)))
        refreshes[refresh] = team
        let issued = Int64(now.timeIntervalSince1970)
        return [
            "ok": true, "token": .string(token), "refresh_token": .string(refresh), "team_id": .string(team),
            "user_id": "U0FAKEADMIN", "iat": .integer(issued), "exp": .integer(issued + Self.life),
        ]
    }

    /// `tooling.tokens.rotate`: the refresh token dies at its use (platforms, 1.10).
    mutating func rotate(_ arguments: SlackArguments, _ mint: inout Mint, at now: Date) -> Outcome {
        guard let value = arguments["refresh_token"], let team = refreshes.removeValue(forKey: value) else {
            return SlackWorld.failure("invalid_refresh_token", token: arguments["refresh_token"])
        }
        return .accepted("rotated configuration token", .json(issue(team: team, &mint, at: now)), token: value)
    }
}
