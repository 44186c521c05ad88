import FoundationEssentials

extension LarkWorld {
    /// What only Lark and Feishu have:
    ///
    /// - `ticket` `{app_id, new: true}`: a store app's ticket, as the event that carries it; `new: false` only looks.
    /// - `revoke` `{app_id, open_id?}`: an administrator takes back what people granted.
    /// - `expire` `{app_id}`: the app's machine tokens are dead, and the next call gives others.
    /// - `person` `{open_id, state: "active" | "frozen" | "resigned"}`.
    mutating func control(_ verb: String, _ body: JSON, at now: Date) -> JSON? {
        switch verb {
        case "ticket":
            guard let id = body["app_id"]?.text, registered[id]?.isStore == true else {
                return ["error": "takes the app_id of a store app"]
            }
            if body["new"] != false { renewTicket(of: id, at: now) }
            guard let app = registered[id] else { return nil }
            let stamp = String(Int64(now.timeIntervalSince1970))
            return [
                "app_ticket": .string(app.ticket),
                "event": [
                    "ts": .string("\(stamp).000000"), "uuid": .string("fake\(mint.hex(28))"),
                    "token": .string(app.verificationToken), "type": "event_callback",
                    "event": ["app_id": .string(id), "app_ticket": .string(app.ticket), "type": "app_ticket"],
                ],
            ]
        case "revoke":
            guard let id = body["app_id"]?.text, registered[id] != nil else {
                return ["error": "takes the app_id of an app, and an open_id for one person only"]
            }
            let person = body["open_id"]?.text
            let meant = { (app: String, user: String) in app == id && (person == nil || person == user) }
            var count: Int64 = 0
            for (value, token) in tokens where token.sort == .user && meant(token.appID, token.openID) {
                tokens[value] = nil
                count += 1
            }
            for (value, held) in refreshes where !held.used && meant(held.appID, held.openID) {
                refreshes[value]?.revoked = true
                count += 1
            }
            for key in grants.keys where person == nil ? key.hasPrefix("\(id) ") : key == "\(id) \(person ?? "")" {
                grants[key] = nil
            }
            return ["ok": true, "revoked": .integer(count)]
        case "expire":
            guard let id = body["app_id"]?.text, registered[id] != nil else { return ["error": "takes an app_id"] }
            tokens = tokens.filter { $0.value.appID != id || $0.value.sort == .user }
            return ["ok": true]
        case "person":
            guard let user = body["open_id"]?.text, let state = body["state"]?.text,
                ["active", "frozen", "resigned"].contains(state)
            else { return ["error": "takes open_id and state: active, frozen or resigned"] }
            people[user] = state == "active" ? nil : state
            return ["ok": true]
        default: return nil
        }
    }
}
