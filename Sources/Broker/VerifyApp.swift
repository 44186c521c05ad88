package import Platforms
package import Rules
package import Vault

extension Broker {
    /// How often one app's credentials are verified at most (platforms, 1.9).
    static let verifyMilliseconds: Int64 = 60_000
    /// What only something that arrives can prove; once proven it stays so until the secret is another.
    private static let proofs: [String: SecretKind?] = [
        "signing_secret": .signingSecret, "webhook_secret": .webhookSecret, "client_pair": .clientSecret,
        "encrypt_key": .encryptKey, "verification_token": .verificationToken, "login": nil,
    ]

    /// Verifies an app as stored, and keeps what was found. `rate_limited` within a minute of the last time, unless
    /// something was changed since.
    package func verify(_ app: App, _ call: AdminCall) throws(Problem) -> [Check] {
        let profile = try profile(of: app)
        try requireRest(app)
        try note(call, "app.verify", tenant: slug(of: app.tenant)?.value, app: app.key)
        let places = try vault.installations(of: app.id).filter { $0.0.state == .active }
        let bot = places.first { $0.1.contains { $0.leg == .bot } }?.0
        let found = try verify(
            Submission(
                profile: profile, appID: app.key.appID, fields: app.fields, redirects: app.redirectURIs,
                secret: { kind throws(Problem) in
                    kind == .botToken
                        ? try bot.flatMap { place throws(Problem) in
                            try self.use(SecretName(app: app.id, installation: place.id, kind: .botToken))
                        } : try self.use(SecretName(app: app.id, kind: kind))
                }))
        let unnamed = bot.flatMap { $0.teamID.isEmpty ? $0.id : nil }
        return try change(
            call, "app.checked", tenant: slug(of: app.tenant)?.value, app: app.key,
            reason: Self.summary(found.checks)
        ) { transaction, _ throws(Problem) in
            guard var row = try transaction.app(app.key), row.id == app.id else {
                throw Problem(.notFound, "the app is gone")
            }
            if found.proves(app.key.appID), row.claim == .unproven {
                row.claim = .proven
                try transaction.update(app: row, takesAway: false)
            }
            if let unnamed, let identity = found.bot { try Self.name(unnamed, identity, transaction) }
            try Self.place(found, of: row, transaction)
            return try Self.keep(found.checks, of: row, transaction)
        }
    }

    private func requireRest(_ app: App) throws(Problem) {
        let now = vault.now
        guard let last = try vault.checks(of: app.id).map(\.checkedAt).max(), now - last < Self.verifyMilliseconds
        else {
            return
        }
        let changed = try vault.secrets(of: app.id).contains { $0.1.createdAt > last }
        guard !changed else { return }
        let wait = (Self.verifyMilliseconds - (now - last) + 999) / 1000
        throw Problem(
            .rateLimited, "this app was verified \((now - last) / 1000) s ago, and nothing was changed since",
            advice: "see what was found: postern app checklist \(app.key); or ask again in \(wait) s")
    }

    /// `2 failed, 1 pending`: for the log.
    static func summary(_ checks: [Check]) -> String {
        let parts = Check.Result.allCases.compactMap { result -> String? in
            let count = checks.count { $0.result == result }
            return count == 0 ? nil : "\(count) \(result.rawValue)"
        }
        return parts.isEmpty ? "nothing checked" : parts.joined(separator: ", ")
    }

    /// Stores the results in place of those before. What has been proven by something that arrived is not taken back
    /// by "pending".
    static func keep(_ checks: [Check], of app: App, _ transaction: Transaction) throws(Problem) -> [Check] {
        var proven: [StoredCheck] = []
        for old in try transaction.checks(of: app.id) where old.result == Check.Result.passed.rawValue {
            guard let proof = proofs[old.check] else { continue }
            if let kind = proof,
                try !transaction.isOlder(SecretName(app: app.id, kind: kind), than: old.checkedAt)
            {
                continue
            }
            proven.append(old)
        }
        try transaction.removeChecks(of: app.id)
        let checks = checks.map { check in
            guard check.result != .failed, let old = proven.first(where: { $0.check == check.name }) else {
                return check
            }
            return Check(check.name, .passed, compared: old.compared)
        }
        for check in checks {
            try transaction.put(
                check: StoredCheck(
                    app: app.id, check: check.name, result: check.result.rawValue, compared: check.compared,
                    advice: check.advice, checkedAt: transaction.now))
        }
        for old in proven where !checks.contains(where: { $0.name == old.check }) { try transaction.put(check: old) }
        return checks
    }

    /// Something has arrived that proves a credential: a signed request, a first exchange, a login.
    static func prove(_ name: String, _ how: String, of app: App, _ transaction: Transaction) throws(Problem) {
        let passed = Check.Result.passed.rawValue
        guard try transaction.check(name, of: app.id)?.result != passed else { return }
        try transaction.put(
            check: StoredCheck(
                app: app.id, check: name, result: passed, compared: how, advice: "", checkedAt: transaction.now))
    }

    /// What a code exchange that was answered with tokens proves.
    static func proveExchange(_ purpose: Purpose, of app: App, _ transaction: Transaction) throws(Problem) {
        if app.key.platform == .slack, app.fields[.pkce] != "on" {
            try prove("client_pair", "Slack has answered them with tokens", of: app, transaction)
        }
        if purpose != .install { try prove("login", "somebody has logged in", of: app, transaction) }
    }

    /// An app that is where its credentials are (Lark, Feishu, Genesys) has its installation as soon as that is known.
    static func place(_ found: Verified, of app: App, _ transaction: Transaction) throws(Problem) {
        guard app.key.platform != .slack, app.fields[.appType] != "store", let place = found.place else { return }
        _ = try transaction.installation(
            app: app.id, tenant: app.tenant, enterpriseID: "", teamID: place.teamID ?? "", teamName: place.name ?? "",
            isEnterprise: false, userID: "", botUserID: "")
    }

    /// A token stored without asking stands under no workspace until it is asked; then it gets its place.
    private static func name(
        _ id: Int64, _ identity: SlackIdentity, _ transaction: Transaction
    ) throws(Problem) {
        guard var row = try transaction.installation(id) else { return }
        row.enterpriseID = identity.enterpriseID ?? ""
        row.teamID = identity.teamID
        row.teamName = identity.teamName ?? row.teamName
        row.isEnterprise = identity.isEnterpriseInstall
        row.botUserID = identity.userID
        row.updatedAt = transaction.now
        try transaction.update(installation: row)
        if var leg = try transaction.leg(.bot, of: id), let scopes = identity.scopes {
            leg.scope = scopes
            try transaction.update(leg: leg)
        }
    }
}
