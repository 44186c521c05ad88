import FoundationEssentials

extension SlackWorld {
    /// `#name` and id of the channels every workspace has.
    private static let channels = ["general": "C0FAKEGENRL", "random": "C0FAKERANDM"]

    /// `chat.postMessage`.
    mutating func post(_ arguments: SlackArguments, _ app: SlackApp, _ token: SlackToken, at now: Date) -> Outcome {
        guard let asked = arguments["channel"], let channel = Self.channel(asked) else {
            return Self.failure("channel_not_found", app: app.appID, token: token.value)
        }
        guard arguments.has("text") || arguments.has("blocks") || arguments.has("attachments") else {
            return Self.failure("no_text", app: app.appID, token: token.value)
        }
        let text = arguments["text"] ?? ""
        guard text.utf8.count <= 40_000 else {
            return Self.failure("msg_too_long", app: app.appID, token: token.value)
        }
        let ts = stamp(at: now)
        messages.append(
            SlackMessage(appID: app.appID, channel: channel, text: text, ts: ts, through: "chat.postMessage"))
        let message: JSON = [
            "type": "message", "text": .string(text), "user": .string(token.userID), "bot_id": .string(app.botID),
            "app_id": .string(app.appID), "team": .string(app.teamID), "ts": .string(ts),
        ]
        return .accepted(
            "posted in \(channel)",
            .json(["ok": true, "channel": .string(channel), "ts": .string(ts), "message": message]),
            app: app.appID, token: token.value)
    }

    /// The id of a channel given by id or by name; nil for what is neither.
    private static func channel(_ text: String) -> String? {
        if let id = channels[text.hasPrefix("#") ? String(text.dropFirst()) : text] { return id }
        guard let first = text.first, "CDGU".contains(first), (7...20).contains(text.utf8.count) else { return nil }
        let plain = text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) }
        // A message to a user lands in the direct conversation with them.
        return plain ? (first == "U" ? "D" + text.dropFirst() : text) : nil
    }

    /// `conversations.open`: the direct conversation with one user.
    func open(_ arguments: SlackArguments, _ app: SlackApp, _ token: SlackToken) -> Outcome {
        let users: [String]
        if case .array(let items)? = arguments.value("users") {
            users = items.compactMap(\.text)
        } else {
            users = (arguments["users"] ?? "").split(separator: ",").map(String.init)
        }
        guard let first = users.first else {
            return Self.failure("users_list_not_supplied", app: app.appID, token: token.value)
        }
        guard users.allSatisfy({ $0.hasPrefix("U") && Self.channel($0) != nil }) else {
            return Self.failure("user_not_found", app: app.appID, token: token.value)
        }
        let id = users.count == 1 ? "D" + first.dropFirst() : "G" + first.dropFirst()
        return .accepted(
            "opened \(id)", .json(["ok": true, "channel": ["id": .string(id)]]), app: app.appID, token: token.value)
    }

    /// `POST /services/T…/B…/…`: answers in plain text (platforms, 1.6).
    mutating func webhook(_ request: SimRequest, at now: Date) -> Outcome {
        guard request.method == "POST" else { return .refused("method_not_allowed", .text("", status: 405)) }
        guard let hook = webhooks.first(where: { $0.path == request.path }), !hook.revoked else {
            return .refused("no_service", .text("no_service", status: 404))
        }
        var payload = JSON(bytes: request.body)
        if (request.header("content-type") ?? "").lowercased().hasPrefix("application/x-www-form-urlencoded") {
            let pairs = FormText.pairs(in: String(decoding: request.body, as: UTF8.self))
            payload = pairs.first { $0.name == "payload" }.flatMap { JSON(bytes: [UInt8]($0.value.utf8)) }
        }
        guard case .object? = payload else {
            return .refused("invalid_payload", .text("invalid_payload", status: 400), app: hook.appID)
        }
        guard let text = payload?["text"]?.text, !text.isEmpty else {
            return .refused("no_text", .text("no_text", status: 400), app: hook.appID)
        }
        messages.append(
            SlackMessage(
                appID: hook.appID, channel: hook.channel, text: text, ts: stamp(at: now), through: "incoming_webhook"))
        return .accepted("posted in \(hook.channel)", .text("ok"), app: hook.appID)
    }
}
