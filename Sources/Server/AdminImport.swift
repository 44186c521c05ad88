import Broker
import HTTPServer
import Rules
import Sealing
import Vault

extension AdminRoutes {
    /// Brings values from another store to an app that is there: compared inside the vault, stored where they are missing.
    func importInto(_ call: AdminRequest, _ key: AppKey) throws(Problem) -> HTTPServer.Response {
        let (app, admin) = try admitted(call, .operate, "app.import", key)
        let brought = AppImport(
            fields: try Ask.fields(&call.body), secrets: try Ask.secrets(&call.body),
            installations: try Ask.installations(&call.body),
            replaces: try call.body.bool("replace", otherwise: false),
            onlyCompares: try call.body.bool("check", otherwise: false))
        try call.body.end()
        let items = try broker.importInto(app, brought, admin)
        return Reply.json(
            [
                "platform": .text(key.platform.rawValue), "app_id": .text(key.appID.value),
                "items": .list(
                    items.map { item in
                        [
                            "name": .text(item.name),
                            "installation": item.installation.map { .int(Int64($0)) } ?? .absent,
                            "comparison": .text(item.comparison.rawValue),
                        ]
                    }),
            ], call.request)
    }
}

extension Ask {
    /// Secrets by kind.
    static func secrets(_ body: inout Body) throws(Problem) -> [SecretKind: SecretBox] {
        var secrets: [SecretKind: SecretBox] = [:]
        for (name, value) in try body.textMembers("secrets") {
            secrets[try Names.kind(Substring(name))] = SecretBox(SecretBytes(copying: value.utf8.span))
        }
        return secrets
    }

    /// Installations as slack_sdk's stores name their parts.
    static func installations(_ body: inout Body) throws(Problem) -> [ImportedInstallation] {
        guard var members = try body.objects("installations") else { return [] }
        var found: [ImportedInstallation] = []
        for index in members.indices { found.append(try installation(&members[index])) }
        return found
    }

    private static func installation(_ body: inout Body) throws(Problem) -> ImportedInstallation {
        var one = ImportedInstallation()
        one.enterpriseID = try body.optionalText("enterprise_id") ?? ""
        one.teamID = try body.optionalText("team_id") ?? ""
        one.teamName = try body.optionalText("team_name") ?? ""
        one.isEnterprise = try body.bool("is_enterprise_install", otherwise: false)
        one.userID = try body.optionalText("user_id") ?? ""
        one.botUserID = try body.optionalText("bot_user_id") ?? ""
        one.webhookURL = try secret(&body, "incoming_webhook_url")
        one.tokens = [try token(.bot, &body), try token(.user, &body)].compactMap(\.self)
        try body.end()
        return one
    }

    private static func token(_ leg: Leg, _ body: inout Body) throws(Problem) -> ImportedToken? {
        let name = leg.rawValue
        let token = try secret(&body, "\(name)_token")
        let refresh = try secret(&body, "\(name)_refresh_token")
        let scopes = try body.texts("\(name)_scopes") ?? []
        let seconds = try body.optionalInt("\(name)_token_expires_at")
        guard (0...32_503_680_000).contains(seconds ?? 0) else {
            throw Problem(.badRequest, "\(name)_token_expires_at is a number of seconds since 1970")
        }
        guard let token else {
            guard refresh == nil else {
                throw Problem(.badRequest, "a \(name)_refresh_token comes with its \(name)_token")
            }
            return nil
        }
        return ImportedToken(
            leg: leg, token: token, refreshToken: refresh, scope: scopes, expiresAt: seconds.map { $0 * 1000 })
    }

    private static func secret(_ body: inout Body, _ name: String) throws(Problem) -> SecretBox? {
        try body.optionalText(name).map { SecretBox(SecretBytes(copying: $0.utf8.span)) }
    }
}
