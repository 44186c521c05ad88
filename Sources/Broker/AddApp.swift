package import Platforms
package import Rules
package import Sealing
package import Vault

/// What an admin submits for a new app.
package struct NewApp: Sendable {
    package let profile: Profile
    /// nil where the profile comes without one and the platform is asked (design, section 4).
    package let appID: AppID?
    package let fields: [PublicField: String]
    package let secrets: [SecretKind: SecretBox]
    package let redirectURIs: [String]
    /// Installations that another store has kept.
    package let installations: [ImportedInstallation]

    /// What the admin gave; secrets stay in guarded memory until they are sealed.
    package init(
        profile: Profile, appID: AppID?, fields: [PublicField: String], secrets: [SecretKind: SecretBox],
        redirectURIs: [String], installations: [ImportedInstallation] = []
    ) {
        self.profile = profile
        self.appID = appID
        self.fields = fields
        self.secrets = secrets
        self.redirectURIs = redirectURIs
        self.installations = installations
    }
}

/// An app that was added, and what its platform said of its credentials.
package struct AddedApp: Sendable {
    package let app: App
    package let checks: [Check]
}

extension Broker {
    /// Seals the credentials of a profile's one or two apps in one step; the pasted bot token becomes the bot leg of the
    /// installation that `auth.test` names.
    ///
    /// Only malformed input is refused: what the platforms say against the credentials is in the checks.
    package func addApps(
        _ news: [NewApp], of tenant: Tenant, verifying: Bool, _ call: AdminCall
    ) throws(Problem) -> (Integration, [AddedApp]) {
        var ready: [(new: NewApp, key: AppKey, redirects: [String], found: Verified)] = []
        for new in news {
            for value in new.secrets.values { try Self.check(value) }
            try Self.check(new.installations)
            let new = try checked(new)
            var appID =
                new.appID ?? (new.profile.appID == .clientID ? new.fields[.clientID].flatMap { AppID($0) } : nil)
            if verifying, let known = appID, try vault.app(AppKey(new.profile.platform, known))?.tenant == tenant.id {
                throw Problem(.conflict, "\(new.profile.platform.rawValue)/\(known.value) is there already")
            }
            let found = verifying ? try verify(submission(new, appID)) : .none
            appID = appID ?? found.owner
            guard let appID else { throw Self.appIDNeeded(new, asked: verifying) }
            let key = AppKey(new.profile.platform, appID)
            ready.append((new, key, try redirectURIs(new, key), found))
        }
        let parts = ready
        return try change(
            call, "app.add", tenant: tenant.slug.value, app: parts[0].key, reason: parts[0].new.profile.name
        ) { transaction, _ throws(Problem) in
            var added: [AddedApp] = []
            for part in parts {
                if part.found.proves(part.key.appID) {
                    try self.displace(part.key, for: tenant, transaction, call)
                }
                let app = try transaction.addApp(
                    part.key, tenant: tenant.id, profile: part.new.profile.name,
                    claim: part.found.proves(part.key.appID) ? .proven : .unproven, fields: part.new.fields,
                    redirectURIs: part.redirects)
                try self.store(part.new.secrets, of: app, part.found, transaction, call.name)
                try Self.place(part.found, of: app, transaction)
                try self.plant(part.new.installations, of: app, transaction, call)
                added.append(AddedApp(app: app, checks: try Self.keep(part.found.checks, of: app, transaction)))
            }
            let integration = try transaction.addIntegration(
                tenant: tenant.id, profile: parts[0].new.profile.name, firstApp: added[0].app.id,
                secondApp: added.count > 1 ? added[1].app.id : nil)
            return (integration, added)
        }
    }

    private func store(
        _ secrets: [SecretKind: SecretBox], of app: App, _ found: Verified, _ transaction: Transaction,
        _ creator: String
    ) throws(Problem) {
        for (kind, value) in secrets.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            if kind == .botToken {
                _ = try plant(value, of: app, at: found.bot, transaction, creator)
            } else {
                try transaction.store(
                    value, as: SecretName(app: app.id, kind: kind), tenant: app.tenant, by: creator, graceEnds: nil)
            }
        }
    }

    /// Whoever shows that an App ID is theirs takes it from a tenant that never did (design, section 4).
    private func displace(
        _ key: AppKey, for tenant: Tenant, _ transaction: Transaction, _ call: AdminCall
    ) throws(Problem) {
        guard let loser = try transaction.displace(key, for: tenant.id) else { return }
        try transaction.record(
            AuditEntry(
                "app.displace", .allowed, by: .system, request: call.request, tenant: slug(of: loser.tenant)?.value,
                app: loser.key, reason: "its App ID was proven by another"))
    }

    private func submission(_ new: NewApp, _ appID: AppID?) -> Submission {
        Submission(
            profile: new.profile, appID: appID, fields: new.fields, redirects: new.redirectURIs,
            secret: { kind in new.secrets[kind]?.text })
    }

    /// Refuses what is malformed; a region becomes the domain of the list.
    private func checked(_ new: NewApp) throws(Problem) -> NewApp {
        NewApp(
            profile: new.profile, appID: new.appID, fields: try checked(new.fields, on: new.profile.platform),
            secrets: new.secrets, redirectURIs: new.redirectURIs, installations: new.installations)
    }

    /// Public fields as they may be stored; throws `bad_request` for what is malformed.
    func checked(_ fields: [PublicField: String], on platform: Platform) throws(Problem) -> [PublicField: String] {
        var fields = fields
        if platform == .genesys, let region = fields[.region] {
            fields[.region] = try settings.urls.genesysRegions.domain(region)
        }
        for (field, words) in [
            (.pkce, ["on", "off"]), (.monthlyRefuse, ["on", "off"]), (.appType, ["internal", "store"]),
            (.login, OAuthClient.Login.allCases.map(\.rawValue)),
        ] as [(PublicField, [String])] {
            guard let value = fields[field], !words.contains(value) else { continue }
            throw Problem(.badRequest, "\(field.rawValue) is \(words.joined(separator: " or "))")
        }
        if let limit = fields[.monthlyLimit], Int64(limit).map({ $0 > 0 }) != true {
            throw Problem(.badRequest, "monthly_limit is a positive number of calls")
        }
        for (field, value) in fields {
            guard value.utf8.count <= 1000, !value.utf8.contains(where: { $0 < 0x20 }) else {
                throw Problem(.badRequest, "\(field.rawValue) is one line of at most 1000 bytes")
            }
        }
        return fields
    }

    private static func appIDNeeded(_ new: NewApp, asked: Bool) -> Problem {
        switch new.profile.appID {
        case .clientID:
            Problem(.badRequest, "the Client ID is missing, which is this app's id at Genesys Cloud")
        case .asked:
            Problem(
                .badRequest, "the App ID is missing",
                advice: new.profile.fields.first { $0.place == .appID }?.find ?? "")
        case .botToken:
            Problem(
                .appIDNeeded,
                asked
                    ? "Slack does not say whose the bot token is, so the App ID is needed"
                    : "without asking Slack, the App ID is needed",
                advice: "give app_id, from Basic Information > App Credentials; the first signed event will prove it")
        }
    }

    /// The bot leg a pasted token belongs to. Without `auth.test` the workspace is not known yet: the installation
    /// then stands under an empty team until `app verify` names it.
    func plant(
        _ token: SecretBox, of app: App, at place: SlackIdentity?, _ transaction: Transaction, _ creator: String
    ) throws(Problem) -> (SecretVersion, Head) {
        let installation = try transaction.installation(
            app: app.id, tenant: app.tenant, enterpriseID: place?.enterpriseID ?? "", teamID: place?.teamID ?? "",
            teamName: place?.teamName ?? app.fields[.workspaceName] ?? "",
            isEnterprise: place?.isEnterpriseInstall ?? false, userID: "", botUserID: place?.userID ?? "")
        let version = try transaction.storeLeg(
            .bot, of: installation, token: token, refreshToken: nil, scope: place?.scopes ?? [],
            expiresAt: place?.expiresIn.map { transaction.now + $0 * 1000 }, by: creator)
        guard let head = try transaction.head(of: version.secret) else {
            throw Problem(.internal, "a head that was written is not there")
        }
        return (version, head)
    }

    /// What is registered for the app: what was submitted, else our own callback and the profile's.
    private func redirectURIs(_ new: NewApp, _ key: AppKey) throws(Problem) -> [String] {
        try Self.check(redirectURIs: new.redirectURIs)
        if !new.redirectURIs.isEmpty { return new.redirectURIs }
        var uris: [String] = []
        for uri in [callbackURL(key)].compactMap({ $0 }) + new.profile.redirectURLs(for: key.appID)
        where !uris.contains(uri) {
            uris.append(uri)
        }
        return uris
    }

    /// Throws `bad_request` for what can be no redirect URI.
    static func check(redirectURIs: [String]) throws(Problem) {
        for uri in redirectURIs {
            guard uri.hasPrefix("https://") || Self.isLoopback(uri),
                !uri.contains("#"), uri.utf8.count <= 2500, uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw Problem(.badRequest, "a redirect URI is an https URL without a fragment")
            }
        }
    }

    /// Plain http to this machine, whatever port: the host ends where it says it does.
    private static func isLoopback(_ uri: String) -> Bool {
        ["http://127.0.0.1", "http://localhost"].contains { host in
            guard uri.hasPrefix(host) else { return false }
            let next = uri.dropFirst(host.count).first
            return next == nil || next == ":" || next == "/"
        }
    }

    /// The callback listener's address for an app; nil when there is no public URL.
    func callbackURL(_ key: AppKey) -> String? {
        settings.publicURL.isEmpty
            ? nil : "\(settings.publicURL)/thirdparty/\(key.platform.rawValue)/\(key.appID.value)/oauth2/callback"
    }
}
