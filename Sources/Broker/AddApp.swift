package import Platforms
package import Rules
package import Sealing
package import Vault

/// What an admin submits for a new app.
package struct NewApp: Sendable {
    package let tenant: Tenant
    package let profile: Profile
    /// nil where the profile comes without one and the platform is asked (design, section 4).
    package let appID: AppID?
    package let fields: [PublicField: String]
    package let secrets: [SecretKind: SecretBox]
    package let redirectURIs: [String]
    package let verify: Bool

    /// What the admin gave; secrets stay in guarded memory until they are sealed.
    package init(
        tenant: Tenant, profile: Profile, appID: AppID?, fields: [PublicField: String],
        secrets: [SecretKind: SecretBox], redirectURIs: [String], verify: Bool
    ) {
        self.tenant = tenant
        self.profile = profile
        self.appID = appID
        self.fields = fields
        self.secrets = secrets
        self.redirectURIs = redirectURIs
        self.verify = verify
    }
}

extension Broker {
    /// Seals a new app's credentials in one step; the pasted bot token becomes the bot leg of the installation that
    /// `auth.test` names.
    package func addApp(_ new: NewApp, _ call: AdminCall) throws(Problem) -> (App, [Check]) {
        guard new.profile.platform == .slack else {
            throw Problem(.unsupported, "this release connects Slack; \(new.profile.platform.rawValue) comes next")
        }
        for value in new.secrets.values { try Self.check(value) }
        guard let appID = new.appID else {
            throw Problem(.badRequest, "the App ID is missing", advice: "find it on Basic Information, App Credentials")
        }
        let key = AppKey(new.profile.platform, appID)
        let redirects = try redirectURIs(new, key)
        let verification = new.verify ? try verify(new, key) : nil
        let place = verification?.identity
        let claim: App.Claim = verification?.provesClaim == true ? .proven : .unproven
        let app = try change(
            call, "app.add", tenant: new.tenant.slug.value, app: key, reason: new.profile.name
        ) { transaction, _ throws(Problem) in
            let app = try transaction.addApp(
                key, tenant: new.tenant.id, profile: new.profile.name, claim: claim, fields: new.fields,
                redirectURIs: redirects)
            for (kind, value) in new.secrets.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                if kind == .botToken {
                    _ = try self.plant(value, of: app, at: place, transaction, call.name)
                } else {
                    try transaction.store(
                        value, as: SecretName(app: app.id, kind: kind), tenant: app.tenant, by: call.name,
                        graceEnds: nil)
                }
            }
            return app
        }
        return (app, verification?.checks ?? [])
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
        for uri in new.redirectURIs {
            guard uri.hasPrefix("https://") || Self.isLoopback(uri),
                !uri.contains("#"), uri.utf8.count <= 2500, uri.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw Problem(.badRequest, "a redirect URI is an https URL without a fragment")
            }
        }
        if !new.redirectURIs.isEmpty { return new.redirectURIs }
        var uris: [String] = []
        if let own = callbackURL(key) { uris.append(own) }
        uris += new.profile.redirectURLs(for: key.appID)
        return uris
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
