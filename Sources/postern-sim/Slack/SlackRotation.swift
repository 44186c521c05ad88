import FoundationEssentials

extension SlackWorld {
    /// `oauth.v2.access` with a refresh token: the new pair stands at the top level, a user's too, and nobody is named
    /// under `authed_user` (platforms, 0.4 row 4).
    mutating func refresh(_ arguments: SlackArguments, _ app: SlackApp, at now: Date) -> Outcome {
        guard let value = arguments["refresh_token"],
            let pair = tokens.refresh(value, of: app, &mint, at: now)
        else { return Self.failure("invalid_refresh_token", app: app.appID, token: arguments["refresh_token"]) }
        return given(pair, app, "refreshed \(pair.token.sort) token", by: value)
    }

    /// `oauth.v2.exchange`: turns a token that does not end into a pair, once (platforms, 1.10). Slack's own SDK sends
    /// the argument `token` as a bearer token.
    mutating func makeRotate(_ request: SimRequest, _ arguments: SlackArguments, at now: Date) -> Outcome {
        let app: SlackApp
        switch client(request, arguments, mayBear: true, at: now) {
        case .success(let known): app = known
        case .failure(let refusal): return refusal.outcome
        }
        guard app.rotates else { return Self.failure("token_rotation_not_enabled", app: app.appID) }
        let value = arguments["token"] ?? (try? bearer(request, arguments).get())
        guard let value, let token = tokens[value], token.expires == nil, !token.revoked else {
            return Self.failure("invalid_token", app: app.appID)
        }
        guard token.appID == app.appID else { return Self.failure("authorization_not_found", app: app.appID) }
        guard tokens.exchange(value) else { return Self.failure("token_already_exchanged", app: app.appID) }
        let pair = tokens.issue(token.chain, token.scopes, life: app.tokenLife, &mint, at: now)
        return given(pair, app, "exchanged \(token.sort) token", by: value)
    }

    private func given(
        _ pair: (token: SlackToken, refresh: String), _ app: SlackApp, _ reason: String, by spent: String
    ) -> Outcome {
        var body = place(app, pair.token.chain.teamID).merging(shown(pair, app)) { mine, _ in mine }
        if pair.token.sort == .bot { body["bot_user_id"] = .string(app.botUserID) }
        return .accepted(reason, .json(.object(body)), app: app.appID, token: spent)
    }
}
