/// An organisation, as `tenant/v2/tenant/query` shows it.
package struct LarkOrganization: Sendable, Equatable {
    package let name: String
    /// Stable for the app's developer; what an installation is known by.
    package let tenantKey: String

    /// Both fields as given.
    package init(name: String, tenantKey: String) {
        self.name = name
        self.tenantKey = tenantKey
    }
}

/// An app, as `application/v6/applications/me` shows it. Neither H5 trusted domains nor the desktop homepage are in it.
package struct LarkApplication: Sendable, Equatable {
    package let appID: String
    /// 0 stopped, 1 enabled, 2 not enabled, 3 unknown.
    package let status: Int64
    package let redirectURLs: [String]
    /// nil when no version has been published.
    package let onlineVersion: String?

    /// Every field as given.
    package init(appID: String, status: Int64, redirectURLs: [String], onlineVersion: String?) {
        self.appID = appID
        self.status = status
        self.redirectURLs = redirectURLs
        self.onlineVersion = onlineVersion
    }
}

/// One scope of an app, as `application/v6/scopes` lists it.
package struct LarkScope: Sendable, Equatable {
    package let name: String
    /// For people's tokens; else for the organisation's.
    package let isUser: Bool
    package let isGranted: Bool

    /// Every field as given.
    package init(name: String, isUser: Bool, isGranted: Bool) {
        self.name = name
        self.isUser = isUser
        self.isGranted = isGranted
    }
}

extension Lark {
    /// `tenant/v2/tenant/query`: the organisation a tenant token is of. Needs tenant:tenant:readonly.
    package func tenantQuery(token: String) -> PlatformRequest {
        call("tenant.v2.tenant.query", "GET", "tenant/v2/tenant/query", token: token)
    }

    /// Reads the answer to `tenantQuery`.
    package func organization(_ answer: PlatformAnswer) throws(PlatformFailure) -> LarkOrganization {
        guard let tenant = try data(answer).object("tenant"), let name = tenant.label("name"),
            let key = tenant.word("tenant_key", longest: 64)
        else { throw .unexpected(brand.title, "it names no organisation") }
        return LarkOrganization(name: name, tenantKey: key)
    }

    /// `application/v6/applications/me`: the app itself. Needs application:application:self_manage or
    /// admin:app.info:readonly.
    package func applicationGet(token: String) -> PlatformRequest {
        call("application.v6.applications.me", "GET", "application/v6/applications/me?lang=en_us", token: token)
    }

    /// Reads the answer to `applicationGet`.
    package func application(_ answer: PlatformAnswer) throws(PlatformFailure) -> LarkApplication {
        guard let app = try data(answer).object("app"), let id = app.word("app_id", longest: 128),
            let status = app.integer("status")
        else { throw .unexpected(brand.title, "it names no app") }
        return LarkApplication(
            appID: id, status: status, redirectURLs: app.words("redirect_urls", longest: 2048),
            onlineVersion: app.word("online_version_id", longest: 128))
    }

    /// `application/v6/scopes`: what was granted. Needs no scope.
    package func scopesList(token: String) -> PlatformRequest {
        call("application.v6.scopes", "GET", "application/v6/scopes", token: token)
    }

    /// Reads the answer to `scopesList`.
    package func scopes(_ answer: PlatformAnswer) throws(PlatformFailure) -> [LarkScope] {
        guard let list = try data(answer).objects("scopes") else {
            throw .unexpected(brand.title, "it lists no scopes")
        }
        return list.prefix(2000).compactMap { item in
            guard let name = item.string("scope_name"), Scopes.isScope(name) else { return nil }
            return LarkScope(
                name: name, isUser: item.string("scope_type") == "user", isGranted: item.integer("grant_status") == 1)
        }
    }

    /// `bot/v3/info`: the app's bot. Needs no scope.
    package func botInfo(token: String) -> PlatformRequest {
        call("bot.v3.info", "GET", "bot/v3/info", token: token)
    }

    /// Reads the answer to `botInfo`, which has no `data`: the bot's activate_status, 2 for enabled.
    package func botStatus(_ answer: PlatformAnswer) throws(PlatformFailure) -> Int64 {
        guard let status = try object(answer).object("bot")?.integer("activate_status") else {
            throw .unexpected(brand.title, "it shows no bot")
        }
        return status
    }

    /// The machine token call with a made-up secret: tells whether this brand knows the App ID, and shows nobody the
    /// real secret.
    package func brandProbe(_ appID: String) -> PlatformRequest {
        call(
            "auth.v3.tenant_access_token.internal", "POST", "auth/v3/tenant_access_token/internal",
            ["app_id": .string(appID), "app_secret": .string(String(repeating: "0", count: 32))])
    }

    /// Reads the answer to `brandProbe`: whether the App ID is this brand's; nil where the answer does not tell. The
    /// code is the same for both, only the message differs (platforms, 2.6).
    package func knowsApp(_ answer: PlatformAnswer) -> Bool? {
        guard answer.status == 200, let fields = JSONFields(answer.body), let code = fields.integer("code"),
            code == 10014 || code == 10015, let said = fields.string("msg")?.lowercased()
        else { return nil }
        if said.contains("secret") { return true }
        return said.contains("app id") || said.contains("app_id") ? false : nil
    }
}
