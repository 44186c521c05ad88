import FoundationEssentials

extension SlackWorld {
    /// `bots.info`: only bots of the token's own workspace are visible.
    func bot(_ arguments: SlackArguments, _ app: SlackApp, _ token: SlackToken) -> Outcome {
        let visible = registered.filter { $0.teamID == app.teamID }
        guard let found = visible.first(where: { $0.botID == arguments["bot"] }) else {
            return Self.failure("bot_not_found", app: app.appID, token: token.value)
        }
        let body: JSON = [
            "ok": true,
            "bot": [
                "id": .string(found.botID), "deleted": false, "name": .string(found.name), "updated": 1_700_000_000,
                "app_id": .string(found.appID), "user_id": .string(found.botUserID),
                "icons": ["image_36": "https://slack.example/36.png"],
            ],
        ]
        return .accepted("bot of \(found.appID)", .json(body), app: app.appID, token: token.value)
    }

    /// `users.identity`: e-mail and names only with their scopes.
    func identity(_ app: SlackApp, _ token: SlackToken) -> Outcome {
        var user: [String: JSON] = ["id": .string(token.userID), "name": "Fake User"]
        let place = token.chain.teamID ?? app.teamID
        var team: [String: JSON] = ["id": .string(place)]
        if token.scopes.contains("identity.email") {
            user["email"] = .string("\(token.userID.lowercased())@example.com")
        }
        if token.scopes.contains("identity.team") { team["name"] = .string(app.team(place).name) }
        return .accepted(
            "identity of \(token.userID)", .json(["ok": true, "user": .object(user), "team": .object(team)]),
            app: app.appID, token: token.value)
    }

    /// The people of every workspace: twelve, so that pages can be tried.
    private static func members(of app: SlackApp) -> [JSON] {
        (1...12).map { number in
            [
                "id": .string("U0FAKEUSER\(number)"), "team_id": .string(app.teamID),
                "name": .string("fake.user\(number)"), "real_name": .string("Fake User \(number)"),
                "deleted": false, "is_bot": false,
            ]
        }
    }

    /// `users.list` with `limit` and `cursor`.
    func people(_ arguments: SlackArguments, _ app: SlackApp, _ token: SlackToken) -> Outcome {
        let all = Self.members(of: app)
        var start = 0
        if let cursor = arguments["cursor"], !cursor.isEmpty {
            guard let data = Data(base64Encoded: cursor), let text = String(validating: data, as: UTF8.self),
                text.hasPrefix("user:"), let index = Int(text.dropFirst(5)), all.indices.contains(index)
            else { return Self.failure("invalid_cursor", app: app.appID, token: token.value) }
            start = index
        }
        guard let limit = Int(arguments["limit"] ?? "0"), (0...1000).contains(limit) else {
            return Self.failure("invalid_limit", app: app.appID, token: token.value)
        }
        let end = limit == 0 ? all.count : min(all.count, start + limit)
        let next = end < all.count ? Data("user:\(end)".utf8).base64EncodedString() : ""
        return .accepted(
            "\(end - start) users",
            .json([
                "ok": true, "members": .array(Array(all[start..<end])),
                "response_metadata": ["next_cursor": .string(next)],
            ]), app: app.appID, token: token.value)
    }

    /// `users.info`.
    func person(_ arguments: SlackArguments, _ app: SlackApp, _ token: SlackToken) -> Outcome {
        guard let found = Self.members(of: app).first(where: { $0["id"]?.text == arguments["user"] }) else {
            return Self.failure("user_not_found", app: app.appID, token: token.value)
        }
        return .accepted("one user", .json(["ok": true, "user": found]), app: app.appID, token: token.value)
    }

    /// `users.lookupByEmail`: everybody has the address `user-id@example.com`, in any case of letters; number 11 has
    /// left, number 12 has not confirmed it.
    func person(byEmail email: String, _ app: SlackApp, _ token: SlackToken) -> Outcome {
        let name = email.lowercased()
        let number = (1...12).first { "u0fakeuser\($0)@example.com" == name }
        guard let number, number != 11, case .object(var user) = Self.members(of: app)[number - 1] else {
            return Self.failure("users_not_found", app: app.appID, token: token.value)
        }
        user["is_email_confirmed"] = .bool(number != 12)
        user["profile"] = ["email": .string("u0fakeuser\(number)@example.com")]
        return .accepted(
            "one user by e-mail", .json(["ok": true, "user": .object(user)]), app: app.appID, token: token.value)
    }
}
