import Linux
import Platforms
import Rules
import Sealing
import Vault

extension Broker {
    /// Stores what an installation gave, at once and before anything else is asked: a pair that is not stored is lost.
    ///
    /// Where only the identity call can tell whose it is (Lark, Feishu, Genesys), it waits under a name of its own for
    /// a moment, and gets its place when the platform has said it.
    func keep(
        _ granted: Granted, _ flow: OAuthState, _ app: App, _ client: OAuthClient, by actor: Actor,
        _ request: RequestID
    ) throws(FlowFailure) -> FlowResult {
        var result = FlowResult(app.key.platform, .install, returnTo: flow.returnTo)
        do throws(Problem) {
            let dialect = try dialect(of: app)
            let life = dialect.refreshTokenLife(client)
            let queue = EndingQueue(app, client, dialect)
            let keeping = Keeping(
                granted, flow, app, refreshLife: life, showsSecret: dialect.exchangeShowsSecret(client), by: actor,
                request, tenant: slug(of: app.tenant)?.value)
            result.scopes = keeping.legs.map {
                FlowResult.Scopes(leg: $0.leg.rawValue, asked: $0.asked, granted: $0.granted)
            }
            if let place = granted.place {
                result.installation = try settled(
                    try keeping.store(at: place, userID: granted.userID, in: vault, queue))
                result.workspaceName = place.name
                result.identity = granted.userID.map {
                    FlowResult.Identity(
                        userID: $0, place: place.teamID ?? place.enterpriseID ?? "", name: nil, email: nil,
                        emailIsVerified: false, verified: true)
                }
                return result
            }
            guard let token = granted.user?.token else {
                throw Problem(
                    .platformRefused, "the platform granted no user token", advice: "start the authorization again")
            }
            guard let waiting = try keeping.storeUnplaced(in: vault, queue) else {
                _ = try settled(nil)
                return result
            }
            result.installation = waiting
            let person: Person
            do throws(Problem) { person = try self.person(token, app, client) } catch { return result }
            guard !Self.isNowhere(person, app) else {
                Log.warning("installation_unplaced", ["installation": waiting, "code": "no_tenant_key"])
                result.identity = FlowResult.Identity(person, nil)
                return result
            }
            result.installation = try settled(try keeping.place(waiting, person, in: vault, queue))
            result.workspaceName = person.place?.name
            result.identity = FlowResult.Identity(person, nil)
            return result
        } catch { throw FlowFailure(error) }
    }

    /// A store app has many organisations: whoever the platform names none of is not put under any.
    fileprivate static func isNowhere(_ person: Person, _ app: App) -> Bool {
        app.fields[.appType] == "store" && (person.place?.teamID ?? "").isEmpty
    }

    /// Refuses what was disconnected while somebody consented: its tokens are queued to be ended.
    private func settled(_ kept: Int64?) throws(Problem) -> Int64 {
        if let kept { return kept }
        workRevocations()
        throw Problem(
            .conflict, "the installation was disconnected while the authorization was under way",
            advice: "start the authorization again")
    }
}

/// The tokens of one consent on their way into the vault, in guarded memory.
private struct Keeping: Sendable {
    /// One token with what came with it.
    struct Token: Sendable {
        let leg: Leg
        let token: SecretBox
        let refreshToken: SecretBox?
        let asked: [String]
        let granted: [String]?
        let expiresIn: Int64?
        let refreshExpiresIn: Int64?
    }

    let legs: [Token]
    private let webhook: SecretBox?
    private let botUserID: String
    private let app: App
    /// Whether the platform has looked at the app's secret on the way.
    private let showsSecret: Bool
    private let flow: OAuthState
    private let entry: AuditEntry
    private let creator: String

    /// `refreshLife`: seconds a refresh token lives at this platform where its answer does not say.
    init(
        _ granted: Granted, _ flow: OAuthState, _ app: App, refreshLife: Int64?, showsSecret: Bool, by actor: Actor,
        _ request: RequestID, tenant: String?
    ) {
        func token(_ leg: Leg, _ pair: TokenPair?, asked: [String]) -> Token? {
            pair.map {
                Token(
                    leg: leg, token: SecretBox($0.token), refreshToken: $0.refreshToken.map { SecretBox($0) },
                    asked: asked, granted: $0.scope, expiresIn: $0.expiresIn,
                    refreshExpiresIn: $0.refreshExpiresIn ?? ($0.refreshToken == nil ? nil : refreshLife))
            }
        }
        let isSlack = app.key.platform == .slack
        legs = [
            token(.bot, granted.bot, asked: flow.scope),
            token(.user, granted.user, asked: isSlack ? flow.userScope : flow.scope + flow.userScope),
        ].compactMap(\.self)
        webhook = granted.webhookURL.map { SecretBox($0) }
        botUserID = granted.botUserID ?? ""
        self.app = app
        self.showsSecret = showsSecret
        self.flow = flow
        entry = AuditEntry("oauth.install", .allowed, by: actor, request: request, tenant: tenant, app: app.key)
        creator = actor.name ?? actor.kind.rawValue
    }

    /// Writes every leg that came, apart, with the record, in one transaction. Returns the workspace's installation,
    /// or the person's where only a person's token came; nil where all of it had ended since the consent began.
    func store(
        at place: Place, userID: String?, in vault: Vault, _ queue: EndingQueue
    ) throws(Problem) -> Int64? {
        try vault.change(always: { transaction throws(Problem) in
            var entry = entry
            var kept: Int64?
            for token in legs {
                let user = token.leg == .user ? userID ?? "" : ""
                if let ended = try ended(at: place, userID: user, transaction) {
                    try queue.add(token.token, token.leg, of: ended, transaction)
                    continue
                }
                let owner = try installation(
                    at: place, userID: user, revives: token.leg != .user || !user.isEmpty || revivesPlace, transaction)
                try store(token, of: owner, transaction, &entry)
                kept = kept ?? owner.id
            }
            if kept == nil {
                try refuse(transaction)
            } else {
                try finish(try installation(at: place, userID: "", revives: revivesPlace, transaction), transaction)
                try transaction.record(entry)
            }
            return kept
        })
    }

    /// A person's own consent does not bring back a place that was disconnected; an administrator's flow does.
    private var revivesPlace: Bool { flow.service == nil || legs.contains { $0.leg != .user } }

    /// The installation that has ended since the consent began, or 0 where the whole app is gone; else nil.
    private func ended(at place: Place, userID: String, _ transaction: Transaction) throws(Problem) -> Int64? {
        guard try transaction.app(app.key)?.id == app.id else { return 0 }
        return try transaction.ended(app: app.id, at: place, userID: userID, since: flow.createdAt)?.id
    }

    private func refuse(_ transaction: Transaction) throws(Problem) {
        var entry = entry
        entry.outcome = .denied
        entry.reason = "disconnected"
        try transaction.record(entry)
    }

    /// Stores a person's pair before anybody has said whose it is; nil where the app is gone.
    func storeUnplaced(in vault: Vault, _ queue: EndingQueue) throws(Problem) -> Int64? {
        try vault.change(always: { transaction throws(Problem) in
            guard try transaction.app(app.key)?.id == app.id else {
                for token in legs { try queue.add(token.token, token.leg, of: 0, transaction) }
                try refuse(transaction)
                return nil
            }
            var entry = entry
            entry.reason = "unplaced"
            let waiting = try transaction.installation(
                app: app.id, tenant: app.tenant, enterpriseID: "", teamID: "", teamName: "", isEnterprise: false,
                userID: Installation.unplaced(flow), botUserID: "", begun: flow.createdAt)
            for token in legs { try store(token, of: waiting, transaction, &entry) }
            try transaction.record(entry)
            return waiting.id
        })
    }

    /// Gives the pair its place, now that the platform has said it; nil where it has ended since the consent began.
    func place(_ waiting: Int64, _ person: Person, in vault: Vault, _ queue: EndingQueue) throws(Problem) -> Int64? {
        let place = person.place ?? Place(teamID: nil, name: nil)
        return try vault.change(always: { transaction throws(Problem) in
            if try transaction.ended(app: app.id, at: place, userID: person.userID, since: flow.createdAt) != nil {
                try queue.add(try transaction.end(installation: waiting), transaction)
                try transaction.removeUnplaced(waiting)
                try refuse(transaction)
                return nil
            }
            let workspace = try installation(at: place, userID: "", revives: revivesPlace, transaction)
            let owner = try transaction.place(unplaced: waiting, at: place, userID: person.userID, by: creator)
            try finish(workspace, transaction)
            try transaction.record(entry)
            return owner.id
        })
    }

    private func installation(
        at place: Place, userID: String, revives: Bool, _ transaction: Transaction
    ) throws(Problem) -> Installation {
        try transaction.installation(
            app: app.id, tenant: app.tenant, enterpriseID: place.enterpriseID ?? "", teamID: place.teamID ?? "",
            teamName: place.name ?? "", isEnterprise: place.isEnterpriseInstall, userID: userID,
            botUserID: userID.isEmpty ? botUserID : "", revives: revives)
    }

    private func store(
        _ token: Token, of owner: Installation, _ transaction: Transaction, _ entry: inout AuditEntry
    ) throws(Problem) {
        var new = NewToken(
            token: token.token, refreshToken: token.refreshToken, scope: (token.granted ?? token.asked).sorted())
        new.asked = token.asked.sorted()
        new.expiresAt = token.expiresIn.map { transaction.now + $0 * 1000 }
        new.refreshExpiresAt = token.refreshExpiresIn.map { transaction.now + $0 * 1000 }
        let version = try transaction.storeLeg(token.leg, of: owner, new, by: creator)
        entry.kind = entry.kind ?? token.leg.kind.rawValue
        entry.version = entry.version ?? version.version
        entry.fingerprint = entry.fingerprint ?? version.fingerprint
    }

    /// What an installation brings beside its tokens.
    private func finish(_ workspace: Installation, _ transaction: Transaction) throws(Problem) {
        if let webhook, workspace.state == .active {
            try transaction.store(
                webhook, as: SecretName(app: app.id, installation: workspace.id, kind: .webhookURL),
                tenant: workspace.tenant, by: creator, graceEnds: nil)
        }
        try Broker.proveExchange(flow.purpose, of: app, transaction)
        if showsSecret, var row = try transaction.app(app.key), row.id == app.id, row.claim != .proven {
            // The platform has taken this App ID's secret for its own.
            row.claim = .proven
            try transaction.update(app: row, takesAway: false)
        }
    }
}

extension Transaction {
    fileprivate func ended(
        app: Int64, at place: Place, userID: String, since begun: Int64
    ) throws(Problem) -> Installation? {
        try ended(
            app: app, enterpriseID: place.enterpriseID ?? "", teamID: place.teamID ?? "",
            isEnterprise: place.isEnterpriseInstall, userID: userID, since: begun)
    }

    fileprivate func place(
        unplaced id: Int64, at place: Place, userID: String, by creator: String
    ) throws(Problem) -> Installation {
        try self.place(
            unplaced: id, enterpriseID: place.enterpriseID ?? "", teamID: place.teamID ?? "",
            teamName: place.name ?? "", isEnterprise: place.isEnterpriseInstall, userID: userID, by: creator)
    }
}

extension Broker {
    /// Asks again whose the pairs are that wait for their place; called every ten seconds.
    package func placeWaiting() {
        guard let waiting = try? vault.unplacedInstallations(), !waiting.isEmpty else { return }
        placing.start("placing") {
            for row in waiting {
                do throws(Problem) { try self.place(row) } catch {
                    Log.warning("installation_unplaced", ["installation": row.id, "code": error.code.rawValue])
                }
            }
        }
    }

    private func place(_ row: Installation) throws(Problem) {
        guard let app = try vault.app(id: row.app) else { return }
        let request = RequestID.next()
        let token = try token(TokenWant(.user, of: app, at: row, for: request)).text
        let person = try person(token, app, try client(of: app, .address))
        guard !Self.isNowhere(person, app) else {
            throw Problem(.platformRefused, "the platform does not say which organisation the person is of")
        }
        let place = person.place ?? Place(teamID: nil, name: nil)
        let queue = try endings(of: app)
        let entry = AuditEntry(
            "installation.name", .allowed, by: .system, request: request, tenant: slug(of: app.tenant)?.value,
            app: app.key)
        try vault.change(always: { transaction throws(Problem) in
            // The row began with its consent.
            if try transaction.ended(app: app.id, at: place, userID: person.userID, since: row.createdAt) != nil {
                try queue.add(try transaction.end(installation: row.id), transaction)
                try transaction.removeUnplaced(row.id)
                var entry = entry
                entry.outcome = .denied
                entry.reason = "disconnected"
                try transaction.record(entry)
                return
            }
            _ = try transaction.installation(
                app: app.id, tenant: app.tenant, enterpriseID: place.enterpriseID ?? "", teamID: place.teamID ?? "",
                teamName: place.name ?? "", isEnterprise: place.isEnterpriseInstall, userID: "", botUserID: "",
                revives: false)
            _ = try transaction.place(unplaced: row.id, at: place, userID: person.userID, by: "posternd")
            try transaction.record(entry)
        })
    }
}
