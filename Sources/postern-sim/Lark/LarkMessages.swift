import FoundationEssentials

extension LarkWorld {
    private static let receivers = ["open_id", "user_id", "union_id", "email", "chat_id"]

    /// `POST im/v1/messages` and `POST im/v1/messages/{id}/reply`.
    mutating func post(_ request: SimRequest, _ app: LarkApp, _ token: LarkToken, at now: Date) -> Outcome {
        guard app.botStatus == 2 else { return Self.error(230_006, "Bot ability is not activated.") }
        let body = JSON(bytes: request.body)
        let parts = request.path.split(separator: "/").map(String.init)
        let parent = parts.last == "reply" ? parts[parts.count - 2] : nil
        guard let type = body?["msg_type"]?.text, let content = body?["content"]?.text,
            case .object? = JSON(bytes: [UInt8](content.utf8))
        else { return Self.error(230_001, "Your request contains an invalid request parameter.") }
        if let parent {
            guard messages.contains(where: { $0["message_id"]?.text == parent }) else {
                return Self.error(230_011, "The message was withdrawn or does not exist.")
            }
        } else {
            guard Self.receivers.contains(request.query("receive_id_type") ?? ""),
                body?["receive_id"]?.text?.isEmpty == false
            else { return Self.error(99_992_402, "field validation failed") }
        }
        let id = "om_fake\(mint.hex(26))"
        let stamp = String(Int64(now.timeIntervalSince1970 * 1000))
        let message: JSON = [
            "message_id": .string(id), "root_id": .optional(parent), "parent_id": .optional(parent),
            "msg_type": .string(type), "create_time": .string(stamp), "update_time": .string(stamp), "deleted": false,
            "updated": false, "chat_id": .string("oc_fake\(mint.hex(26))"),
            "sender": [
                "id": .string(token.sort == .user ? token.openID : app.appID),
                "id_type": token.sort == .user ? "open_id" : "app_id",
                "sender_type": token.sort == .user ? "user" : "app", "tenant_key": .string(token.tenantKey),
            ],
            "body": ["content": .string(content)],
        ]
        messages.append(message)
        return Self.good(message)
    }

    /// `GET im/v1/messages/{id}`.
    func message(_ request: SimRequest, _ app: LarkApp) -> Outcome {
        let id = request.path.split(separator: "/").last.map(String.init)
        guard let found = messages.first(where: { $0["message_id"]?.text == id }) else {
            return Self.error(230_011, "The message was withdrawn or does not exist.")
        }
        return Self.good(["items": [found]])
    }
}
