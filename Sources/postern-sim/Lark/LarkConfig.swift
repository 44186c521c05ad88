extension LarkWorld {
    /// `PATCH application/v7/applications/{id}/config` (platforms, 3.10): absent members stay as they are; redirect
    /// URLs, trusted domains, the event URL and scopes count at once.
    mutating func configure(_ request: SimRequest, _ app: LarkApp) -> Outcome {
        guard target(request) == app.appID else { return Self.error(210_036, "not own app", status: 403) }
        guard !app.isStore else { return Self.error(210_034, "store app") }
        guard case .object(let body)? = JSON(bytes: request.body), !body.isEmpty,
            Set(body.keys).isSubset(of: [
                "scope", "event", "callback", "security", "event_and_callback_encrypt_strategy", "visibility",
                "contacts",
            ])
        else { return Self.error(210_031, "invalid parameter") }
        for (name, kinds) in [("event", "subscription_type"), ("callback", "callback_type")] {
            guard let part = body[name] else { continue }
            guard ["webhook", "websocket"].contains(part[kinds]?.text) else {
                return Self.error(210_031, "invalid parameter")
            }
        }
        if let strategy = body["event_and_callback_encrypt_strategy"] {
            for name in ["encryption_key", "verification_token"] {
                guard (1...32).contains(strategy[name]?.text?.utf8.count ?? 1) else {
                    return Self.error(210_031, "invalid parameter")
                }
            }
        }
        change(app.appID) { $0.apply(body) }
        return Self.good([:])
    }

    /// `POST application/v7/applications/{id}/publish`.
    mutating func publish(_ request: SimRequest, _ app: LarkApp) -> Outcome {
        guard target(request) == app.appID else { return Self.error(210_036, "not own app", status: 403) }
        guard let text = JSON(bytes: request.body)?["changelog"]?.text, (1...500).contains(text.count) else {
            return Self.error(210_031, "invalid parameter")
        }
        let version = "oav_fake\(mint.hex(20))"
        change(app.appID) { $0.onlineVersion = version }
        return Self.good(["version_id": .string(version)])
    }

    private func target(_ request: SimRequest) -> String? {
        request.path.split(separator: "/").map(String.init).first { $0.hasPrefix("cli_") }
    }
}

extension LarkApp {
    /// What a good PATCH changes.
    fileprivate mutating func apply(_ body: [String: JSON]) {
        config.merge(body) { _, new in new }
        if let strategy = body["event_and_callback_encrypt_strategy"] {
            encryptKey = strategy["encryption_key"]?.text ?? encryptKey
            verificationToken = strategy["verification_token"]?.text ?? verificationToken
        }
        if let security = body["security"] {
            let removed = security["remove"].map { Self.list($0, "redirect_urls") } ?? []
            redirectURLs.removeAll(where: removed.contains)
            for url in security["add"].map({ Self.list($0, "redirect_urls") }) ?? [] where !redirectURLs.contains(url) {
                redirectURLs.append(url)
            }
            if let allowed = security["allow_refresh_token"] { mayRefresh = allowed == true }
        }
        guard let scope = body["scope"] else { return }
        for (name, adds) in [("add_scopes", true), ("remove_scopes", false)] {
            guard case .array(let items)? = scope[name] else { continue }
            for item in items {
                guard let scopeName = item["scope_name"]?.text else { continue }
                change(scopeName, adds: adds, isUser: item["token_type"]?.text == "user")
            }
        }
    }

    private mutating func change(_ scope: String, adds: Bool, isUser: Bool) {
        var list = isUser ? userScopes : tenantScopes
        list.removeAll { $0 == scope }
        if adds { list.append(scope) }
        if isUser { userScopes = list } else { tenantScopes = list }
    }

    private static func list(_ value: JSON, _ name: String) -> [String] {
        guard case .array(let items)? = value[name] else { return [] }
        return items.compactMap(\.text)
    }
}
