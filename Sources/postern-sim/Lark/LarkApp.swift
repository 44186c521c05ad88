import FoundationEssentials

/// An organisation an app lives in.
struct LarkTenant: Sendable, Equatable {
    let key: String
    var name: String

    var json: JSON { ["tenant_key": .string(key), "name": .string(name)] }
}

/// One Lark or Feishu app.
struct LarkApp: Sendable {
    var appID: String
    var name: String
    var appSecret: String
    /// A store app needs tickets and may be in several tenants; an internal one is in the first.
    var isStore: Bool
    var tenants: [LarkTenant]
    var redirectURLs: [String]
    /// Enabled and published scopes, for tenant tokens and for people; empty is whatever is asked.
    var tenantScopes: [String]
    var userScopes: [String]
    /// 0 stopped, 1 enabled, 2 not enabled, 3 unknown (platforms, 2.6).
    var status: Int64
    /// 2 is enabled.
    var botStatus: Int64
    /// Empty when nothing was published yet.
    var onlineVersion: String
    /// The security switch "refresh user_access_token".
    var mayRefresh: Bool
    /// Seconds people's and machines' tokens live, to try their ends; two hours at the platform.
    var tokenLife: Int64
    var machineLife: Int64
    var encryptKey: String
    var verificationToken: String
    /// A store app's newest ticket.
    var ticket: String
    /// What the config API set and what no other call shows.
    var config: [String: JSON] = [:]

    /// As `creds.json` of `postern app add` has it, and a little more.
    var json: JSON {
        [
            "app_id": .string(appID), "name": .string(name), "app_secret": .string(appSecret),
            "workspace_name": .string(tenants[0].name), "tenant_key": .string(tenants[0].key),
            "tenants": .array(tenants.map(\.json)), "app_type": isStore ? "store" : "internal",
            "redirect_urls": .array(redirectURLs.map(JSON.string)),
            "tenant_scopes": .array(tenantScopes.map(JSON.string)),
            "user_scopes": .array(userScopes.map(JSON.string)), "status": .integer(status),
            "bot_status": .integer(botStatus), "online_version_id": .string(onlineVersion),
            "may_refresh": .bool(mayRefresh), "token_life": .integer(tokenLife),
            "machine_life": .integer(machineLife), "encrypt_key": .string(encryptKey),
            "verification_token": .string(verificationToken), "app_ticket": .string(ticket),
        ]
    }
}

extension LarkApp {
    /// The app `body` describes, made up where it says nothing; `old` is the one it changes.
    init?(_ body: JSON, changing old: LarkApp?, _ mint: inout Mint) {
        guard case .object(let fields) = body else { return nil }
        func text(_ name: String) -> String? { fields[name]?.text }
        func list(_ name: String) -> [String]? {
            guard case .array(let items)? = fields[name] else { return nil }
            return items.compactMap(\.text)
        }
        func number(_ name: String) -> Int64? {
            guard case .integer(let number)? = fields[name] else { return nil }
            return number
        }
        appID = text("app_id") ?? "cli_fake\(mint.hex(12))"
        name = text("name") ?? old?.name ?? "Fake App"
        appSecret = text("app_secret") ?? old?.appSecret ?? mint.secret()
        isStore = text("app_type").map { $0 == "store" } ?? old?.isStore ?? false
        tenants = old?.tenants ?? []
        if case .array(let items)? = fields["tenants"] {
            tenants = items.compactMap { item in
                item["tenant_key"]?.text.map { LarkTenant(key: $0, name: item["name"]?.text ?? "Fake Organisation") }
            }
        }
        if tenants.isEmpty {
            tenants = [LarkTenant(key: text("tenant_key") ?? "fa4e\(mint.hex(12))", name: "Fake Organisation")]
        }
        if let name = text("workspace_name") { tenants[0].name = name }
        redirectURLs = list("redirect_urls") ?? old?.redirectURLs ?? []
        tenantScopes = list("tenant_scopes") ?? old?.tenantScopes ?? []
        userScopes = list("user_scopes") ?? old?.userScopes ?? []
        status = number("status") ?? old?.status ?? 1
        botStatus = number("bot_status") ?? old?.botStatus ?? 2
        onlineVersion = text("online_version_id") ?? old?.onlineVersion ?? "oav_fake\(mint.hex(20))"
        mayRefresh = fields["may_refresh"].map { $0 == true } ?? old?.mayRefresh ?? true
        tokenLife = number("token_life") ?? old?.tokenLife ?? 7200
        machineLife = number("machine_life") ?? old?.machineLife ?? 7200
        encryptKey = text("encrypt_key") ?? old?.encryptKey ?? ""
        verificationToken = text("verification_token") ?? old?.verificationToken ?? mint.secret()
        ticket = text("app_ticket") ?? old?.ticket ?? "fake-ticket-\(mint.hex(20))"
        config = old?.config ?? [:]
    }
}

/// A token somebody holds: an organisation's, an app's or a person's.
struct LarkToken: Sendable {
    enum Sort: String, Sendable { case tenant, app, user }

    let value: String
    let sort: Sort
    let appID: String
    /// Empty for a store app's app token.
    let tenantKey: String
    let openID: String
    let scopes: [String]
    let until: Date
}
