import FoundationEssentials

extension GenesysWorld {
    /// `/api/v2/…` with a bearer token of the same region.
    mutating func call(_ request: SimRequest, _ path: GenesysPath, at now: Date) -> Outcome {
        guard let header = request.header("authorization"), header.lowercased().hasPrefix("bearer ") else {
            return Self.failure(
                "no.authentication.bearer.token", status: 401,
                "No authentication bearer token specified in authorization header.")
        }
        let value = String(header.dropFirst(7).drop { $0 == " " })
        guard let token = tokens[value], now < token.expires, let app = find(token.clientID, in: path.region) else {
            return Self.failure("bad.credentials", status: 401, "Invalid login credentials.", token: value)
        }
        switch (request.method, path.call) {
        case ("GET", "tokens.me"), ("HEAD", "tokens.me"):
            return accepted("token of \(app.clientID)", request.method == "HEAD" ? nil : info(app), token)
        case ("DELETE", "tokens.me"):
            tokens[value] = nil
            return accepted("token ended", nil, token)
        case ("GET", "users.me"): return user(request, app, token)
        case ("GET", "conversations.messaging.integrations.open"): return integrations(request, app, token)
        case ("GET", "conversations.messaging.integrations.open.{id}"):
            guard let found = app.integrations.first(where: { $0.id == path.rest.last }) else {
                return Self.failure("not.found", status: 404, app: app.clientID, token: value)
            }
            return accepted("one integration", Self.shown(found), token)
        case ("GET", "oauth.clients.{id}"):
            guard app.maySeeClients else {
                return Self.failure(
                    "missing.any.permissions", status: 403, "You need oauth:client:view.", app: app.clientID,
                    token: value)
            }
            guard let other = find(path.rest.last ?? "", in: path.region), other.organizationID == app.organizationID
            else { return Self.failure("not.found", status: 404, app: app.clientID, token: value) }
            return accepted("one OAuth client", Self.shown(other), token)
        case ("POST", "conversations.messages.{id}.inbound.open.message"):
            return message(request, path.rest[2], app, token)
        default: return Self.failure("not.found", status: 404, app: app.clientID, token: value)
        }
    }

    private func accepted(_ reason: String, _ body: JSON?, _ token: GenesysToken) -> Outcome {
        .accepted(
            reason, body.map { .json($0) } ?? SimAnswer(status: 200, body: []), app: token.clientID,
            token: token.value)
    }

    /// `TokenInfo` (platforms, 4.6).
    private func info(_ app: GenesysApp) -> JSON {
        let organization: JSON = ["id": .string(app.organizationID), "name": .string(app.organizationName)]
        return [
            "organization": organization, "homeOrganization": organization, "authorizedScope": [],
            "OAuthClient": Self.shown(app),
        ]
    }

    private static func shown(_ app: GenesysApp) -> JSON {
        [
            "id": .string(app.clientID), "name": .string(app.name),
            "organization": ["id": .string(app.organizationID), "name": .string(app.organizationName)],
            "authorizedGrantType": .string(app.grantTypes.first ?? "CODE"), "state": .string(app.state),
            "scope": [], "accessTokenValiditySeconds": .integer(app.tokenLife),
            "registeredRedirectUri": .array(app.redirectURLs.map(JSON.string)),
        ]
    }

    /// `users/me`: only for a person's token, and with the organisation only when asked for.
    private func user(_ request: SimRequest, _ app: GenesysApp, _ token: GenesysToken) -> Outcome {
        guard let id = token.userID else {
            return Self.failure(
                "bad.request", status: 400, "This request is not valid with the Client Credentials grant.",
                app: app.clientID, token: token.value)
        }
        var body: [String: JSON] = [
            "id": .string(id), "name": "Fake Agent", "email": .string("agent-\(id.suffix(4))@example.com"),
            "username": .string("agent-\(id.suffix(4))@example.com"), "state": "active", "version": 1,
            "selfUri": .string("/api/v2/users/\(id)"),
        ]
        let expand = request.query.filter { $0.name == "expand" }.flatMap { $0.value.split(separator: ",") }
        if expand.contains("organization") {
            body["organization"] = ["id": .string(app.organizationID), "name": .string(app.organizationName)]
        }
        return accepted("identity of \(id)", .object(body), token)
    }

    private func integrations(_ request: SimRequest, _ app: GenesysApp, _ token: GenesysToken) -> Outcome {
        guard let size = Int(request.query("pageSize") ?? "25"), let page = Int(request.query("pageNumber") ?? "1"),
            (1...1000).contains(size), page > 0, page < 10_000
        else {
            return Self.failure("invalid.query.param.value", status: 400, app: app.clientID, token: token.value)
        }
        let all = app.integrations
        let pages = max(1, (all.count + size - 1) / size)
        let entities = all.dropFirst((page - 1) * size).prefix(size).map(Self.shown)
        return accepted(
            "\(entities.count) integrations",
            [
                "entities": .array(entities), "pageSize": .integer(Int64(size)), "pageNumber": .integer(Int64(page)),
                "pageCount": .integer(Int64(pages)), "total": .integer(Int64(all.count)),
            ], token)
    }

    /// With the secret in it, which the API may return (platforms, 4.6): nobody should read it.
    private static func shown(_ integration: GenesysApp.Integration) -> JSON {
        [
            "id": .string(integration.id), "name": .string(integration.name), "status": "Active",
            "createStatus": "Completed",
            "outboundNotificationWebhookUrl": .string(integration.webhookURL),
            "outboundNotificationWebhookSignatureSecretToken": .string(integration.webhookSecret),
            "selfUri": .string("/api/v2/conversations/messaging/integrations/open/\(integration.id)"),
        ]
    }

    private mutating func message(
        _ request: SimRequest, _ integration: String, _ app: GenesysApp, _ token: GenesysToken
    ) -> Outcome {
        guard app.integrations.contains(where: { $0.id == integration }) else {
            return Self.failure("not.found", status: 404, app: app.clientID, token: token.value)
        }
        guard let body = JSON(bytes: request.body), let text = body["text"]?.text, body["channel"]?["from"] != nil
        else {
            return Self.failure("bad.request", status: 400, app: app.clientID, token: token.value)
        }
        let id = mint.uuid()
        messages.append([
            "app_id": .string(app.clientID), "channel": .string(integration), "text": .string(text),
            "id": .string(id), "through": "conversations.messages.inbound.open.message",
        ])
        return accepted(
            "message taken",
            ["id": .string(id), "channel": body["channel"] ?? .null, "type": "Text", "text": .string(text)], token)
    }
}
