package import Platforms
package import Rules
package import Vault

/// What is known of an app's credentials.
package struct VerifyAnswer: Sendable {
    package let checks: [Check]
    /// Milliseconds since 1970.
    package let checkedAt: Int64
    /// Whether the platform was asked just now.
    package let isFresh: Bool
}

extension Broker {
    /// How often one app's credentials are verified at most (platforms, 1.9).
    static let verifyMilliseconds: Int64 = 60_000
    /// What only something that arrives can prove; once proven it stays so until the secret is another.
    private static let proofs: [String: SecretKind?] = [
        "signing_secret": .signingSecret, "webhook_secret": .webhookSecret, "client_pair": .clientSecret,
        "encrypt_key": .encryptKey, "verification_token": .verificationToken, "login": nil, "event_url": nil,
        "redirect_url": nil,
    ]

    /// Verifies an app as stored, and keeps what was found. Within a minute of the last time, and nothing changed since,
    /// what was found then is told again, or `rate_limited` for whoever insists on a `fresh` answer.
    package func verify(_ app: App, fresh: Bool, _ call: AdminCall) throws(Problem) -> VerifyAnswer {
        let profile = try profile(of: app)
        if let kept = try resting(app) {
            guard fresh else { return kept }
            let age = (vault.now - kept.checkedAt) / 1000
            throw Problem(
                .rateLimited, "this app was verified \(age) s ago, and nothing was changed since",
                advice: "without fresh, what was found is told again; a new look in \(max(1, 60 - age)) s",
                retryAfter: max(1, 60 - age))
        }
        try note(call, "app.verify", tenant: slug(of: app.tenant)?.value, app: app.key)
        let places = try vault.installations(of: app.id).filter { $0.0.state == .active }
        let bot = places.first { $0.1.contains { $0.leg == .bot } }?.0
        let found = try verify(
            Submission(
                profile: profile, appID: app.key.appID, fields: app.fields, redirects: app.redirectURIs,
                secret: { kind throws(Problem) in try self.use(kind, of: app, bot: bot, call) }))
        let unnamed = bot.flatMap { $0.teamID.isEmpty ? $0.id : nil }
        return try change(
            call, "app.checked", tenant: slug(of: app.tenant)?.value, app: app.key,
            reason: Self.summary(found.checks)
        ) { transaction, _ throws(Problem) in
            guard var row = try transaction.app(app.key), row.id == app.id else {
                throw Problem(.notFound, "the app is gone")
            }
            if found.proves(app.key.appID), row.claim != .proven {
                row.claim = .proven
                try transaction.update(app: row, takesAway: false)
            }
            if let unnamed, let identity = found.bot { try Self.name(unnamed, identity, transaction) }
            try Self.place(found, of: row, transaction)
            return VerifyAnswer(
                checks: try Self.keep(found.checks, of: row, transaction), checkedAt: transaction.now, isFresh: true)
        }
    }

    /// A stored credential for a verification; tokens that rotate are good ones.
    private func use(
        _ kind: SecretKind, of app: App, bot: Installation?, _ call: AdminCall
    ) throws(Problem) -> String? {
        switch kind {
        case .botToken:
            guard let bot else { return nil }
            // A dead one is told to the platform all the same: what it says of it is the finding.
            let good = try? token(TokenWant(.bot, of: app, at: bot, for: call.request)).text
            if let good { return good }
            return try use(SecretName(app: app.id, installation: bot.id, kind: .botToken))
        case .configToken: return try? configToken(of: app, call)
        default: return try use(SecretName(app: app.id, kind: kind))
        }
    }

    /// What was found less than a minute ago, where nothing has been changed since; nil where it is time to ask.
    private func resting(_ app: App) throws(Problem) -> VerifyAnswer? {
        let stored = try vault.checks(of: app.id)
        guard let last = Self.verifiedAt(stored), vault.now - last < Self.verifyMilliseconds else { return nil }
        guard try !vault.secrets(of: app.id).contains(where: { $0.1.createdAt > last }) else { return nil }
        let found = stored.filter { $0.check != "login" }.compactMap { row in
            Check.Result(rawValue: row.result).map {
                Check(row.check, $0, compared: row.compared, advice: row.advice)
            }
        }
        return VerifyAnswer(checks: found, checkedAt: last, isFresh: false)
    }

    /// When the platform was last asked, milliseconds since 1970; nil for never. What arrived by itself does not count.
    package static func verifiedAt(_ checks: [StoredCheck]) -> Int64? {
        checks.filter { proofs[$0.check] == nil }.map(\.checkedAt).max()
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

    /// An app that is where its credentials are (Lark, Feishu, Genesys) has its installation as soon as that is known. One
    /// that was disconnected stays so: looking at an app revives nothing.
    static func place(_ found: Verified, of app: App, _ transaction: Transaction) throws(Problem) {
        guard app.key.platform != .slack, app.fields[.appType] != "store", let place = found.place,
            let team = place.teamID
        else { return }
        let rows = try transaction.installations(of: app.id).filter(\.userID.isEmpty)
        if rows.isEmpty {
            _ = try transaction.installation(
                app: app.id, tenant: app.tenant, enterpriseID: "", teamID: team, teamName: place.name ?? "",
                isEnterprise: false, userID: "", botUserID: "")
        } else if var waiting = rows.first(where: { $0.teamID.isEmpty && $0.state == .active }),
            !rows.contains(where: { $0.teamID == team })
        {
            waiting.teamID = team
            waiting.teamName = place.name ?? waiting.teamName
            waiting.updatedAt = transaction.now
            try transaction.update(installation: waiting)
        }
    }

    /// A token stored without asking stands under no workspace until it is asked; then it gets its place.
    private static func name(
        _ id: Int64, _ identity: SlackIdentity, _ transaction: Transaction
    ) throws(Problem) {
        guard var row = try transaction.installation(id) else { return }
        let isTaken = try transaction.installations(of: row.app).contains {
            $0.id != id && $0.userID.isEmpty && $0.teamID == identity.teamID
                && $0.enterpriseID == identity.enterpriseID ?? "" && $0.isEnterprise == identity.isEnterpriseInstall
        }
        guard !isTaken else { return }
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
