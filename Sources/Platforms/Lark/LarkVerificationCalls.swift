extension Lark {
    /// `tenant/v2/tenant/query`: the organisation a tenant token is of. Needs tenant:tenant:readonly.
    package func tenantQuery(token: String) -> PlatformRequest {
        call("tenant.v2.tenant.query", "GET", "tenant/v2/tenant/query", token: token)
    }

    /// `application/v6/applications/me`: the app itself. Needs application:application:self_manage or
    /// admin:app.info:readonly.
    package func application(token: String) -> PlatformRequest {
        call("application.v6.applications.me", "GET", "application/v6/applications/me?lang=en_us", token: token)
    }

    /// `application/v6/scopes`: what was granted. Needs no scope.
    package func scopes(token: String) -> PlatformRequest {
        call("application.v6.scopes", "GET", "application/v6/scopes", token: token)
    }

    /// `bot/v3/info`: the app's bot. Needs no scope.
    package func botInfo(token: String) -> PlatformRequest {
        call("bot.v3.info", "GET", "bot/v3/info", token: token)
    }
}
