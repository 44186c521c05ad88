import Platforms
package import Rules
package import Sealing
package import Vault

/// A token as another store kept it, with what came with it.
package struct ImportedToken: Sendable {
    package let leg: Leg
    package let token: SecretBox
    package let refreshToken: SecretBox?
    package let scope: [String]
    /// Milliseconds since 1970; nil for a token that does not end.
    package let expiresAt: Int64?

    /// Every field as given.
    package init(leg: Leg, token: SecretBox, refreshToken: SecretBox?, scope: [String], expiresAt: Int64?) {
        self.leg = leg
        self.token = token
        self.refreshToken = refreshToken
        self.scope = scope
        self.expiresAt = expiresAt
    }
}

/// An installation, or one person of it, as another store kept it. Texts are empty where there is nothing.
package struct ImportedInstallation: Sendable {
    package var enterpriseID = ""
    package var teamID = ""
    package var teamName = ""
    package var isEnterprise = false
    /// Whose the user token is.
    package var userID = ""
    package var botUserID = ""
    package var tokens: [ImportedToken] = []
    package var webhookURL: SecretBox?

    /// One with nothing in it yet.
    package init() {}
}

/// What is brought for an app that is there already.
package struct AppImport: Sendable {
    package let fields: [PublicField: String]
    package let secrets: [SecretKind: SecretBox]
    package let installations: [ImportedInstallation]
    /// Values that differ from those in force take their place; without, nothing is written when one does.
    package let replaces: Bool
    /// Says only how they compare.
    package let onlyCompares: Bool

    /// Every field as given.
    package init(
        fields: [PublicField: String], secrets: [SecretKind: SecretBox], installations: [ImportedInstallation],
        replaces: Bool, onlyCompares: Bool
    ) {
        self.fields = fields
        self.secrets = secrets
        self.installations = installations
        self.replaces = replaces
        self.onlyCompares = onlyCompares
    }
}

/// One value that was brought, and how it compares with what is stored.
package struct ImportedItem: Sendable {
    /// A public field or a kind of secret.
    package let name: String
    /// Which of the installations brought, counted from 0; nil for the app's own.
    package let installation: Int?
    package let comparison: Comparison
}

extension Broker {
    /// Compares what is brought with what is stored, inside the vault, and stores what is missing: all of it or nothing.
    ///
    /// What was in force once and was replaced since is left alone: the vault has the newer one. Throws `conflict` where
    /// a value differs and `replaces` is not set.
    package func importInto(
        _ app: App, _ brought: AppImport, _ call: AdminCall
    ) throws(Problem) -> [ImportedItem] {
        for value in brought.secrets.values { try Self.check(value) }
        try Self.check(brought.installations)
        let fields = try checked(brought.fields, on: app.key.platform)
        guard brought.secrets[.appTicket] == nil, brought.secrets[.configToken] == nil,
            brought.secrets[.userToken] == nil
        else { throw Problem(.badRequest, "this kind of secret is not brought with an app") }
        let bots = try vault.installations(of: app.id, with: .bot, atMost: 1000)
        var place: SlackIdentity?
        if let token = brought.secrets[.botToken], bots.isEmpty, !brought.onlyCompares {
            place = try? ask(Slack(settings.urls).authTest(token: token.text)).slackIdentity()
        }
        let tenant = slug(of: app.tenant)?.value
        let bot = place
        let items = try change(
            call, "app.import", tenant: tenant, app: app.key, reason: brought.onlyCompares ? "compare" : nil
        ) { transaction, _ throws(Problem) in
            guard var row = try transaction.app(app.key), row.id == app.id else {
                throw Problem(.notFound, "the app is gone")
            }
            var steps = fields.sorted { $0.key.rawValue < $1.key.rawValue }.map { field, value in
                let stored = row.fields[field]
                return ImportStep(
                    ImportedItem(
                        name: field.rawValue, installation: nil,
                        comparison: stored == nil ? .absent : stored == value ? .same : .different))
            }
            let fieldSteps = steps.count
            for (kind, value) in brought.secrets.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                if kind == .botToken {
                    steps.append(try self.botStep(value, of: row, bots, at: bot, transaction, call.name))
                } else {
                    steps.append(try self.step(value, kind, of: row, transaction, call.name))
                }
            }
            for (index, installation) in brought.installations.enumerated() {
                steps += try self.steps(installation, index, of: row, transaction, call.name)
            }
            let items = steps.map(\.item)
            if brought.onlyCompares { return items }
            guard brought.replaces || !items.contains(where: { $0.comparison == .different }) else {
                throw Problem(
                    .conflict, "the vault has other values for this app, and nothing was stored",
                    advice: "compare them first; to put those brought in force, replace")
            }
            let changed = steps[..<fieldSteps].filter { $0.item.isNews(brought.replaces) }.map(\.item.name)
            if !changed.isEmpty {
                for (field, value) in fields where changed.contains(field.rawValue) { row.fields[field] = value }
                try transaction.update(app: row, takesAway: false)
                try transaction.removeChecks(of: row.id)
            }
            for step in steps where step.item.isNews(brought.replaces) {
                try self.carryOut(step, of: app.key, tenant, transaction, call)
            }
            if items.contains(where: { $0.isNews(brought.replaces) }) {
                // What failed for want of the right credential is tried at once.
                try transaction.retryRefreshes(of: app.id)
            }
            return items
        }
        refreshing.release(app.id)
        proven.forget(app: app.id)
        return items
    }

    /// Refuses what can be no installation of another store.
    static func check(_ installations: [ImportedInstallation]) throws(Problem) {
        guard installations.count <= 1000 else { throw Problem(.badRequest, "at most 1000 installations at a time") }
        for one in installations {
            for id in [one.enterpriseID, one.teamID, one.userID, one.botUserID] where !id.isEmpty {
                guard AppID(id) != nil else { throw Problem(.badRequest, "the id of an installation is malformed") }
            }
            guard one.teamName.utf8.count <= 1000, !one.teamName.utf8.contains(where: { $0 < 0x20 }) else {
                throw Problem(.badRequest, "a team_name is one line of at most 1000 bytes")
            }
            for token in one.tokens {
                try check(token.token)
                if let refresh = token.refreshToken { try check(refresh) }
                guard token.leg != .user || !one.userID.isEmpty else {
                    throw Problem(.badRequest, "a user_token comes with its user_id")
                }
            }
            if let url = one.webhookURL { try check(url) }
        }
    }

    /// Puts the installations brought with a new app in their places.
    func plant(
        _ installations: [ImportedInstallation], of app: App, _ transaction: Transaction, _ call: AdminCall
    ) throws(Problem) {
        for (index, installation) in installations.enumerated() {
            for step in try steps(installation, index, of: app, transaction, call.name) {
                try carryOut(step, of: app.key, slug(of: app.tenant)?.value, transaction, call)
            }
        }
    }

    /// Stores one value and records it: who looks for a token in the log finds how it came in.
    private func carryOut(
        _ step: ImportStep, of app: AppKey, _ tenant: String?, _ transaction: Transaction, _ call: AdminCall
    ) throws(Problem) {
        guard let store = step.store else { return }
        let version = try store(transaction)
        if step.item.comparison == .different { transaction.raiseEpoch() }
        try transaction.record(
            AuditEntry(
                "secret.import", .allowed, by: call.actor, request: call.request, tenant: tenant, app: app,
                kind: step.item.name, version: version.version, fingerprint: version.fingerprint))
    }

    private func step(
        _ value: SecretBox, _ kind: SecretKind, of app: App, _ transaction: Transaction, _ creator: String
    ) throws(Problem) -> ImportStep {
        let name = SecretName(app: app.id, kind: kind)
        let item = ImportedItem(
            name: kind.rawValue, installation: nil, comparison: try transaction.compare(value, with: name))
        return ImportStep(item) { transaction throws(Problem) in
            try transaction.store(value, as: name, tenant: app.tenant, by: creator, graceEnds: nil)
        }
    }

    /// A bot token without its workspace: the one installation's, else a new one's.
    private func botStep(
        _ value: SecretBox, of app: App, _ bots: [Installation], at place: SlackIdentity?,
        _ transaction: Transaction, _ creator: String
    ) throws(Problem) -> ImportStep {
        var found: [Comparison] = []
        for row in bots {
            found.append(
                try transaction.compare(
                    value, with: SecretName(app: app.id, installation: row.id, kind: .botToken)))
        }
        let comparison = [.same, .older, .different].first { found.contains($0) } ?? Comparison.absent
        let item = ImportedItem(name: SecretKind.botToken.rawValue, installation: nil, comparison: comparison)
        return ImportStep(item) { transaction throws(Problem) in
            guard bots.count <= 1 else {
                throw Problem(
                    .ambiguousInstallation, "several installations of the app have a bot token",
                    advice: "say which: postern secret set \(app.key) bot_token --installation ID")
            }
            guard let row = bots.first else {
                return try self.plant(value, of: app, at: place, transaction, creator).0
            }
            return try transaction.storeLeg(.bot, of: row, NewToken(token: value, scope: []), by: creator)
        }
    }

    private func steps(
        _ brought: ImportedInstallation, _ index: Int, of app: App, _ transaction: Transaction, _ creator: String
    ) throws(Problem) -> [ImportStep] {
        var steps: [ImportStep] = []
        for token in brought.tokens {
            let user = token.leg == .user ? brought.userID : ""
            let row = try existing(brought, user, of: app, transaction)
            var comparison = Comparison.absent
            if let row {
                let name = SecretName(app: app.id, installation: row.id, kind: token.leg.kind)
                comparison = try transaction.compare(token.token, with: name)
                if comparison == .same, let refresh = token.refreshToken,
                    let leg = try transaction.leg(token.leg, of: row.id)
                {
                    comparison = try transaction.compare(refresh, with: leg, tenant: app.tenant)
                }
            }
            let item = ImportedItem(name: token.leg.kind.rawValue, installation: index, comparison: comparison)
            steps.append(
                ImportStep(item) { transaction throws(Problem) in
                    var new = NewToken(
                        token: token.token, refreshToken: token.refreshToken, scope: token.scope.sorted())
                    new.asked = token.scope.sorted()
                    new.expiresAt = token.expiresAt
                    let row = try self.installation(brought, user, of: app, transaction)
                    return try transaction.storeLeg(token.leg, of: row, new, by: creator)
                })
        }
        if let url = brought.webhookURL {
            var comparison = Comparison.absent
            if let row = try existing(brought, "", of: app, transaction) {
                let name = SecretName(app: app.id, installation: row.id, kind: .webhookURL)
                comparison = try transaction.compare(url, with: name)
            }
            let item = ImportedItem(
                name: SecretKind.webhookURL.rawValue, installation: index, comparison: comparison)
            steps.append(
                ImportStep(item) { transaction throws(Problem) in
                    let row = try self.installation(brought, "", of: app, transaction)
                    return try transaction.store(
                        url, as: SecretName(app: app.id, installation: row.id, kind: .webhookURL), tenant: row.tenant,
                        by: creator, graceEnds: nil)
                })
        }
        return steps
    }

    private func existing(
        _ brought: ImportedInstallation, _ user: String, of app: App, _ transaction: Transaction
    ) throws(Problem) -> Installation? {
        try transaction.existing(
            app: app.id, enterpriseID: brought.enterpriseID, teamID: brought.teamID,
            isEnterprise: brought.isEnterprise, userID: user)
    }

    private func installation(
        _ brought: ImportedInstallation, _ user: String, of app: App, _ transaction: Transaction
    ) throws(Problem) -> Installation {
        try transaction.installation(
            app: app.id, tenant: app.tenant, enterpriseID: brought.enterpriseID, teamID: brought.teamID,
            teamName: brought.teamName, isEnterprise: brought.isEnterprise, userID: user,
            botUserID: user.isEmpty ? brought.botUserID : "")
    }
}

/// One value and, for what is sealed, how it is stored.
private struct ImportStep {
    typealias Store = (Transaction) throws(Problem) -> SecretVersion

    let item: ImportedItem
    let store: Store?

    init(_ item: ImportedItem, _ store: Store? = nil) {
        self.item = item
        self.store = store
    }
}

extension ImportedItem {
    fileprivate func isNews(_ replaces: Bool) -> Bool {
        comparison == .absent || (comparison == .different && replaces)
    }
}
