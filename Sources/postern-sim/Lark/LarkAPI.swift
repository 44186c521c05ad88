import FoundationEssentials
import Rules

extension LarkWorld {
    /// What follows `Bearer ` in the request's header.
    static func bearer(_ request: SimRequest) -> String? {
        guard let header = request.header("authorization"), header.hasPrefix("Bearer ") else { return nil }
        return String(header.dropFirst(7))
    }

    /// The API calls that take a token.
    mutating func api(_ request: SimRequest, _ call: String, at now: Date) -> Outcome {
        let route = "\(request.method) \(call)"
        guard Self.routes.contains(route), brand == .feishu || !Self.feishuOnly.contains(route) else {
            return .refused("not_found", .text("404 page not found", status: 404))
        }
        guard let value = Self.bearer(request) else { return Self.error(99_991_661, "Missing access token") }
        guard let token = tokens[value], let app = registered[token.appID] else {
            return Self.error(Self.stranger(value), "Invalid access token", token: value)
        }
        guard now < token.until else {
            return Self.error(
                token.sort == .user ? 99_991_677 : 99_991_663, "token expired", app: app.appID, token: value)
        }
        guard app.status == 1 else { return Self.error(99_991_662, "app stopped", app: app.appID, token: value) }
        if call == "authen.v1.user_info" { return userInfo(token, app) }
        let takesUser = call.hasPrefix("im.") || call.hasPrefix("application.v7.")
        guard token.sort == .tenant || (takesUser && token.sort == .user) else {
            return Self.error(99_991_663, "token not supported", app: app.appID, token: value)
        }
        if let missing = lacking(call, app) { return missing }
        var outcome = run(request, route, app, token, at: now)
        outcome.appID = app.appID
        outcome.token = value
        return outcome
    }

    private static let routes: Set<String> = [
        "GET authen.v1.user_info", "GET tenant.v2.tenant.query", "GET application.v6.applications.me",
        "GET application.v6.applications", "GET application.v6.scopes", "GET bot.v3.info", "POST im.v1.messages",
        "GET im.v1.messages", "POST im.v1.messages.reply", "PATCH application.v7.applications.config",
        "POST application.v7.applications.publish",
    ]

    private static let feishuOnly: Set<String> = [
        "PATCH application.v7.applications.config", "POST application.v7.applications.publish",
    ]

    /// One of these scopes is enough; a call that is not here needs none.
    private static let needed: [String: [String]] = [
        "tenant.v2.tenant.query": ["tenant:tenant:readonly"],
        "application.v6.applications.me": ["application:application:self_manage", "admin:app.info:readonly"],
        "application.v6.applications": ["application:application:self_manage", "admin:app.info:readonly"],
        "im.v1.messages": ["im:message:send_as_bot", "im:message"],
        "im.v1.messages.reply": ["im:message:send_as_bot", "im:message"],
        "application.v7.applications.config": ["application:application:patch"],
        "application.v7.applications.publish": ["application:application:patch"],
    ]

    private static func stranger(_ value: String) -> Int64 {
        if value.hasPrefix("t-") || value.hasPrefix("a-") { return 99_991_663 }
        return value.hasPrefix("u-") || value.hasPrefix("eyJ") ? 99_991_668 : 99_991_671
    }

    private func lacking(_ call: String, _ app: LarkApp) -> Outcome? {
        guard let needed = Self.needed[call], !app.tenantScopes.isEmpty,
            !needed.contains(where: app.tenantScopes.contains)
        else { return nil }
        let list = needed.joined(separator: ", ")
        let violations = needed.map { JSON.object(["type": "action_scope_required", "subject": .string($0)]) }
        return .refused(
            "99991672",
            .json(
                [
                    "code": 99_991_672,
                    "msg": .string("Access denied. One of the following scopes is required: [\(list)]."),
                    "error": ["permission_violations": .array(violations)],
                ], status: 400), app: app.appID)
    }

    private mutating func run(
        _ request: SimRequest, _ route: String, _ app: LarkApp, _ token: LarkToken, at now: Date
    ) -> Outcome {
        switch route {
        case "GET tenant.v2.tenant.query": return tenant(token, app)
        case "GET application.v6.applications.me", "GET application.v6.applications": return application(request, app)
        case "GET application.v6.scopes": return scopes(app)
        case "GET bot.v3.info":
            return .accepted(
                "bot",
                .json([
                    "code": 0, "msg": "ok",
                    "bot": [
                        "activate_status": .integer(app.botStatus), "app_name": .string(app.name),
                        "avatar_url": "https://lark.example/bot.png", "ip_white_list": [],
                        "open_id": .string("ou_fakebot\(app.appID.suffix(6))"),
                    ],
                ]))
        case "POST im.v1.messages", "POST im.v1.messages.reply": return post(request, app, token, at: now)
        case "GET im.v1.messages": return message(request, app)
        case "PATCH application.v7.applications.config": return configure(request, app)
        default: return publish(request, app)
        }
    }

    private func userInfo(_ token: LarkToken, _ app: LarkApp) -> Outcome {
        guard token.sort == .user else {
            return Self.failure(20005, "The user access token passed is invalid", app: app.appID)
        }
        switch people[token.openID] {
        case "frozen": return Self.failure(20022, "User frozen", app: app.appID)
        case "resigned": return Self.failure(20021, "User resigned", app: app.appID)
        default: break
        }
        let tail = String(token.openID.dropFirst(3))
        var data: [String: JSON] = [
            "name": "Fake User", "en_name": "Fake User", "avatar_url": "https://lark.example/72.png",
            "open_id": .string(token.openID), "union_id": .string("on_\(tail)"), "tenant_key": .string(token.tenantKey),
        ]
        if token.scopes.contains("contact:user.email:readonly") {
            data["email"] = .string("\(tail)@example.com")
            data["enterprise_email"] = .string("\(tail)@corp.example.com")
        }
        if token.scopes.contains("contact:user.employee_id:readonly") { data["user_id"] = .string(tail) }
        return .accepted(
            "identity of \(token.openID)", .json(["code": 0, "msg": "success", "data": .object(data)]),
            app: app.appID, token: token.value)
    }

    private func tenant(_ token: LarkToken, _ app: LarkApp) -> Outcome {
        guard let tenant = app.tenants.first(where: { $0.key == token.tenantKey }) else {
            return Self.error(1_184_000, "tenant not found", status: 404)
        }
        return Self.good([
            "tenant": [
                "name": .string(tenant.name), "display_id": "F0000000001", "tenant_tag": 0,
                "tenant_key": .string(tenant.key), "avatar": ["avatar_origin": "https://lark.example/avatar.png"],
            ]
        ])
    }

    private func application(_ request: SimRequest, _ app: LarkApp) -> Outcome {
        guard ["zh_cn", "en_us", "ja_jp"].contains(request.query("lang")) else {
            return Self.error(99_992_402, "field validation failed")
        }
        let asked = request.path.split(separator: "/").last.map(String.init) ?? ""
        guard asked == "me" || asked == app.appID else {
            return Self.error(registered[asked] == nil ? 210_506 : 210_504, "no such app")
        }
        return Self.good([
            "app": [
                "app_id": .string(app.appID), "creator_id": "ou_fakecreator", "status": .integer(app.status),
                "scene_type": .integer(app.isStore ? 1 : 0), "redirect_urls": .array(app.redirectURLs.map(JSON.string)),
                "online_version_id": .string(app.onlineVersion), "unaudit_version_id": "",
                "app_name": .string(app.name), "avatar_url": "https://lark.example/app.png", "description": "",
                "scopes": .array(
                    (app.tenantScopes + app.userScopes).map { ["scope": .string($0), "description": "", "level": 1] }),
                "back_home_url": "", "primary_language": "en_us", "i18n": [], "common_categories": [],
            ]
        ])
    }

    private func scopes(_ app: LarkApp) -> Outcome {
        let list = { (names: [String], type: JSON) -> [JSON] in
            names.map { ["scope_name": .string($0), "scope_type": type, "grant_status": 1] }
        }
        return Self.good(["scopes": .array(list(app.tenantScopes, "tenant") + list(app.userScopes, "user"))])
    }

    /// `{"code": 0, "msg": "success", "data": …}`.
    static func good(_ data: JSON) -> Outcome {
        .accepted("answered", .json(["code": 0, "msg": "success", "data": data]))
    }

    /// A refusal with HTTP 400, as the API's own are.
    static func error(
        _ code: Int64, _ message: String, status: Int = 400, app: String? = nil, token: String? = nil
    ) -> Outcome {
        var outcome = failure(code, message, status: status, app: app)
        outcome.token = token
        return outcome
    }
}
