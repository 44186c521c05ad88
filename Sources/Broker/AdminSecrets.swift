import Platforms
package import Rules
package import Sealing
package import Vault

extension Broker {
    /// A value handed in: UTF-8 up to 64 KiB, no NUL, not empty (design, section 4).
    package static let longestSecret = 64 * 1024

    static func check(_ value: SecretBox) throws(Problem) {
        try value.withBytes { bytes throws(Problem) in
            guard bytes.count > 0 else { throw Problem(.badRequest, "the value is empty") }
            guard bytes.count <= longestSecret else { throw Problem(.tooLarge, "a value is at most 64 KiB long") }
            do { try SecretText.check(bytes) } catch {
                throw Problem(.badRequest, "the value is not UTF-8 text without NUL")
            }
        }
    }

    /// The app an admin names.
    package func app(_ key: AppKey, seenBy call: AdminCall) throws(Problem) -> App {
        guard let app = try vault.app(key), call.onlyTenant == nil || call.onlyTenant == app.tenant else {
            throw Problem(.notFound, "there is no app \(key)", advice: "list them: postern app list")
        }
        return app
    }

    /// The slug of a tenant's id; nil where that tenant is gone.
    package func slug(of tenant: Int64) -> Slug? { vault.policy.tenants[tenant]?.tenant.slug }

    /// Puts a value in force. With `grace` the value before stays readable by version and valid for verification until
    /// it ends; without, it is destroyed at once.
    package func setSecret(
        _ app: App, _ kind: SecretKind, _ value: SecretBox, installation: Int64?, grace: Interval?, _ call: AdminCall
    ) throws(Problem) -> (SecretVersion, Head) {
        try Self.check(value)
        guard kind != .appTicket else {
            throw Problem(
                .badRequest, "an app_ticket comes from the platform, every hour",
                advice: "point the app's events at this vault's webhook verification")
        }
        if kind == .botToken, installation == nil, grace == nil, let planted = try plantFirst(app, value, call) {
            return planted
        }
        let name = try secretName(app, kind, installation: installation)
        let action = grace == nil ? "secret.set" : "secret.rotate"
        let stored = try change(
            call, action, tenant: slug(of: app.tenant)?.value, app: app.key, kind: kind.rawValue
        ) { transaction, entry throws(Problem) in
            if grace != nil, try transaction.head(of: name)?.current == nil {
                throw Problem(
                    .notFound, "there is no \(kind.rawValue) to rotate",
                    advice: "set the first one: postern secret set \(app.key) \(kind.rawValue)")
            }
            let ends = grace.map { transaction.now + $0.milliseconds }
            let version = try transaction.store(
                value, as: name, tenant: app.tenant, by: call.name, graceEnds: ends)
            if let leg = kind.leg(at: app.key.platform) {
                try transaction.replacedByHand(leg, of: name.installation)
            }
            // What failed for want of the right credential is tried at once.
            try transaction.retryRefreshes(of: app.id)
            entry.version = version.version
            entry.fingerprint = version.fingerprint
            guard let head = try transaction.head(of: name) else {
                throw Problem(.internal, "a head that was written is not there")
            }
            // The value before may no longer be handed out as the current one.
            transaction.raiseEpoch()
            return (version, head)
        }
        // Only now can whoever asks find the new value.
        refreshing.release(app.id)
        return stored
    }

    /// The first bot token of an app makes its installation: the workspace `auth.test` names (design, section 4).
    private func plantFirst(
        _ app: App, _ value: SecretBox, _ call: AdminCall
    ) throws(Problem) -> (SecretVersion, Head)? {
        guard try vault.installations(of: app.id).allSatisfy({ row, legs in !legs.contains { $0.leg == .bot } }) else {
            return nil
        }
        let answer = try ask(Slack(settings.urls).authTest(token: value.text))
        let place: SlackIdentity
        do { place = try answer.slackIdentity() } catch { throw error.problem }
        return try change(
            call, "secret.set", tenant: slug(of: app.tenant)?.value, app: app.key, kind: SecretKind.botToken.rawValue
        ) { transaction, entry throws(Problem) in
            let (version, head) = try self.plant(value, of: app, at: place, transaction, call.name)
            entry.version = version.version
            entry.fingerprint = version.fingerprint
            return (version, head)
        }
    }

    /// All versions of a secret, the newest last, without any value.
    package func history(
        of app: App, _ kind: SecretKind, installation: Int64?
    ) throws(Problem) -> (Head, [SecretVersion]) {
        let name = try secretName(app, kind, installation: installation)
        guard let found = try vault.history(of: name) else {
            throw Problem(
                .notFound, "the app has no \(kind.rawValue)",
                advice: "set it: postern secret set \(app.key) \(kind.rawValue)")
        }
        return found
    }

    /// Opens a secret for an admin, who must say why; recorded before it is shown.
    package func reveal(
        _ app: App, _ kind: SecretKind, version: Int64?, installation: Int64?, reason: String, into slab: Slab,
        _ call: AdminCall
    ) throws(Problem) -> SecretAnswer {
        guard (3...500).contains(reason.utf8.count), !reason.utf8.contains(where: { $0 < 0x20 }) else {
            throw Problem(.badRequest, "a reason is 3 to 500 characters", advice: "say why: --reason \"…\"")
        }
        try requireSound()
        let name = try secretName(app, kind, installation: installation)
        guard let found = try vault.read(name, version: version, at: vault.now, into: slab) else {
            throw Self.lacking(kind, version, of: app.key)
        }
        do throws(Problem) {
            let entry = AuditEntry(
                "secret.reveal", .allowed, by: call.actor, request: call.request,
                tenant: slug(of: app.tenant)?.value, app: app.key, kind: kind.rawValue, version: found.version,
                fingerprint: found.fingerprint, reason: reason)
            guard try vault.record(entry, decidedUnder: call.epoch) else {
                throw Problem(.conflict, "who may do what has just changed", advice: "ask again")
            }
        } catch {
            slab.wipe()
            throw error
        }
        return SecretAnswer(key: app.key, kind: kind, version: found.version, state: found.state)
    }
}
