/// What the config API may change on an app made in the developer console (platforms, 3.10). What is empty or nil stays
/// as it is.
package struct LarkConfigChange: Sendable, Equatable {
    package var addTenantScopes: [String] = []
    package var addUserScopes: [String] = []
    package var addRedirectURLs: [String] = []
    package var addTrustedDomains: [String] = []
    /// Asked for its challenge during the call: the receiver must be able to answer within a second.
    package var eventURL: String?
    package var addEvents: [String] = []
    /// 1 to 32 characters, chosen by us and so known for certain.
    package var encryptKey: String?
    package var verificationToken: String?
    /// The security switch "refresh user_access_token".
    package var allowsRefresh: Bool?

    /// No change yet.
    package init() {}
}

extension Lark {
    /// Whether the config API is documented for this brand: on Lark nobody knows (platforms, 2.10).
    package var hasConfigAPI: Bool { brand == .feishu }

    /// `PATCH application/v7/applications/{id}/config`. Needs application:application:patch and the app's own tenant
    /// token, or the token of a person who may edit the app.
    package func configPatch(_ change: LarkConfigChange, of appID: String, token: String) -> PlatformRequest {
        call(
            "application.v7.applications.config", "PATCH", "application/v7/applications/\(appID)/config", token: token,
            change.fields)
    }

    /// `POST application/v7/applications/{id}/publish`: what does not count at once counts from then on.
    package func publish(
        _ appID: String, version: String?, changelog: String, token: String
    ) -> PlatformRequest {
        var fields: [String: JSONValue] = [
            "changelog": .string(String(changelog.prefix(500))), "pc_default_ability": "web_app",
            "mobile_default_ability": "bot",
        ]
        if let version { fields["version"] = .string(version) }
        return call(
            "application.v7.applications.publish", "POST", "application/v7/applications/\(appID)/publish", token: token,
            fields, repeatable: false)
    }

    /// Reads the answer to either.
    package func configured(_ answer: PlatformAnswer) throws(PlatformFailure) { _ = try object(answer) }
}

extension LarkConfigChange {
    fileprivate var fields: [String: JSONValue] {
        var fields: [String: JSONValue] = [:]
        let scopes = addTenantScopes.map { Self.scope($0, "tenant") } + addUserScopes.map { Self.scope($0, "user") }
        if !scopes.isEmpty { fields["scope"] = ["add_scopes": .array(scopes)] }
        if eventURL != nil || !addEvents.isEmpty {
            var event: [String: JSONValue] = ["subscription_type": "webhook"]
            if let eventURL { event["request_url"] = .string(eventURL) }
            if !addEvents.isEmpty { event["add_events"] = .strings(addEvents) }
            fields["event"] = .object(event)
        }
        var security: [String: JSONValue] = [:]
        var added: [String: JSONValue] = [:]
        if !addRedirectURLs.isEmpty { added["redirect_urls"] = .strings(addRedirectURLs) }
        if !addTrustedDomains.isEmpty { added["h5_trusted_domains"] = .strings(addTrustedDomains) }
        if !added.isEmpty { security["add"] = .object(added) }
        if let allowsRefresh { security["allow_refresh_token"] = .bool(allowsRefresh) }
        if !security.isEmpty { fields["security"] = .object(security) }
        var strategy: [String: JSONValue] = [:]
        if let encryptKey { strategy["encryption_key"] = .string(encryptKey) }
        if let verificationToken { strategy["verification_token"] = .string(verificationToken) }
        if !strategy.isEmpty { fields["event_and_callback_encrypt_strategy"] = .object(strategy) }
        return fields
    }

    private static func scope(_ name: String, _ type: JSONValue) -> JSONValue {
        ["scope_name": .string(name), "token_type": type]
    }
}
