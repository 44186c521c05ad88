import Platforms
package import Rules
package import Sealing
package import Vault

/// What an app's settings at its platform lack, and what became of it.
package struct ManifestAnswer: Sendable {
    /// What was or would be changed, a sentence each.
    package var changes: [String] = []
    package var isApplied = false
    /// Scopes changed: people must install the app again.
    package var mustReinstall = false
    /// Why the platform does not take the manifest, in its own words made fit to be shown.
    package var faults: [String] = []
    /// What stays to be done by hand.
    package var remarks: [String] = []
}

extension Broker {
    /// Brings an app's settings at its platform to what its guide wants, or only says what that would change.
    ///
    /// Slack: `apps.manifest.export`, `validate`, `update` with an app configuration token, which is kept as a leg of its
    /// own and rotated like every other (platforms, 1.10). Feishu: the config API (platforms, 3.10).
    package func applyManifest(
        _ app: App, configToken: SecretBox?, onlyCheck: Bool, _ call: AdminCall
    ) throws(Problem) -> ManifestAnswer {
        switch app.key.platform {
        case .slack: return try applySlackManifest(app, configToken, onlyCheck, call)
        case .feishu: return try applyFeishuConfig(app, onlyCheck, call)
        case .lark:
            throw Problem(
                .unsupported, "Lark documents no call that changes an app's settings",
                advice: "enter them by hand: postern app manifest \(app.key)")
        case .genesys:
            throw Problem(
                .unsupported, "a Genesys Cloud client's settings are its administrator's alone",
                advice: "follow the steps of postern app manifest \(app.key)")
        }
    }

    private func applySlackManifest(
        _ app: App, _ given: SecretBox?, _ onlyCheck: Bool, _ call: AdminCall
    ) throws(Problem) -> ManifestAnswer {
        let slack = Slack(settings.urls)
        let profile = try profile(of: app)
        if let given { try keep(configToken: given, of: app, call) }
        let token = try configToken(of: app, call)
        let wanted = SlackManifest(
            of: profile, app: app.key.appID, redirects: app.redirectURIs, usesPKCE: app.fields[.pkce] == "on")
        let exported = try asked(slack.exportManifest(of: app.key.appID, token: token)) {
            answer throws(PlatformFailure) in try answer.slackManifest()
        }
        let templates = (profile.redirects + [profile.events].compactMap { $0 }).map {
            $0.replacing("{base}", with: profile.base)
        }
        let (merged, differences) = exported.bringing(wanted, templates: templates)
        var answer = ManifestAnswer(changes: differences.map { "\($0.change) (\($0.path))" })
        guard !onlyCheck, !differences.isEmpty else {
            if differences.isEmpty { try noteAddresses(of: app, profile, call) }
            return answer
        }
        answer.faults = try asked(slack.validate(merged, of: app.key.appID, token: token)) {
            answer throws(PlatformFailure) in try answer.slackManifestFaults().map(\.line)
        }
        guard answer.faults.isEmpty else { return answer }
        try note(call, "app.manifest.update", tenant: slug(of: app.tenant)?.value, app: app.key)
        let update = try asked(slack.update(merged, of: app.key.appID, token: token)) {
            answer throws(PlatformFailure) in try answer.slackManifestUpdate()
        }
        answer.isApplied = true
        answer.mustReinstall = update.permissionsUpdated
        try noteAddresses(of: app, profile, call)
        return answer
    }

    /// The manifest has our addresses now: two checks that nothing else can tell.
    private func noteAddresses(of app: App, _ profile: Profile, _ call: AdminCall) throws(Problem) {
        let hasEvents = profile.events != nil
        let hasRedirects = !app.redirectURIs.isEmpty
        guard hasEvents || hasRedirects else { return }
        try change(
            call, "app.manifest", tenant: slug(of: app.tenant)?.value, app: app.key, reason: "as wanted"
        ) { transaction, _ throws(Problem) in
            let how = "the manifest has it"
            func put(_ name: String) throws(Problem) {
                try transaction.put(
                    check: StoredCheck(
                        app: app.id, check: name, result: Check.Result.passed.rawValue, compared: how, advice: "",
                        checkedAt: transaction.now))
            }
            if hasRedirects { try put("redirect_url") }
            if hasEvents { try put("event_url") }
        }
    }

    // MARK: - The configuration token

    /// Keeps a configuration token as the leg `config`: an access token, its refresh token, or both with a space
    /// between. A refresh token alone is traded the first time one is needed.
    private func keep(configToken: SecretBox, of app: App, _ call: AdminCall) throws(Problem) {
        try Self.check(configToken)
        let words = configToken.text.split(whereSeparator: \.isWhitespace).map(String.init)
        let refresh = words.first { $0.hasPrefix("xoxe-") }
        let access = words.first { $0.hasPrefix("xoxe.xoxp-") }
        guard (1...2).contains(words.count), let token = access ?? refresh, words.count == 1 || access != refresh else {
            throw Problem(
                .badRequest, "this is no app configuration token",
                advice: "it begins with xoxe.xoxp-, its refresh token with xoxe-; both are made at "
                    + "https://api.slack.com/apps under Your App Configuration Tokens")
        }
        let secret = SecretBox(token)
        let refreshSecret = refresh.map { SecretBox($0) }
        let isSpent = access == nil
        let place = try configPlace(app)
        try change(
            call, "secret.set", tenant: slug(of: app.tenant)?.value, app: app.key,
            kind: SecretKind.configToken.rawValue
        ) { transaction, entry throws(Problem) in
            let owner: Installation
            if let place, let row = try transaction.installation(place.id) {
                owner = row
            } else {
                owner = try transaction.installation(
                    app: app.id, tenant: app.tenant, enterpriseID: "", teamID: "",
                    teamName: app.fields[.workspaceName] ?? "", isEnterprise: false, userID: "", botUserID: "")
            }
            // A refresh token alone stands in for a token that has ended, so that it is traded like one.
            var new = NewToken(
                token: secret, refreshToken: refreshSecret, scope: [], expiresAt: isSpent ? transaction.now : nil)
            if !isSpent, refreshSecret != nil { new.expiresAt = transaction.now + Self.configLife }
            let version = try transaction.storeLeg(.config, of: owner, new, by: call.name)
            entry.version = version.version
            entry.fingerprint = version.fingerprint
        }
    }

    /// Half of a configuration token's twelve hours: how old the pasted one is, nobody says.
    private static let configLife: Int64 = 6 * 3_600_000

    private func configPlace(_ app: App) throws(Problem) -> Installation? {
        let places = try vault.installations(of: app.id).filter { $0.0.state == .active && $0.0.userID.isEmpty }
        return (places.first { $0.1.contains { $0.leg == .config } } ?? places.first)?.0
    }

    func configToken(of app: App, _ call: AdminCall) throws(Problem) -> String {
        guard let place = try configPlace(app), try vault.leg(.config, of: place.id) != nil else {
            throw Problem(
                .badRequest, "an app configuration token is needed",
                advice: "make one at https://api.slack.com/apps under Your App Configuration Tokens, and give it with "
                    + "--config-token -")
        }
        return try token(TokenWant(.config, of: app, at: place, for: call.request)).text
    }

    // MARK: - Feishu

    private func applyFeishuConfig(
        _ app: App, _ onlyCheck: Bool, _ call: AdminCall
    ) throws(Problem) -> ManifestAnswer {
        let lark = Lark(.feishu, settings.urls)
        let profile = try profile(of: app)
        let token = try token(TokenWant(.tenant, of: app, at: nil, for: call.request)).text
        let found = try asked(lark.applicationGet(token: token), lark.application)
        var change = LarkConfigChange()
        change.addRedirectURLs = app.redirectURIs.filter { !found.redirectURLs.contains($0) }
        change.addTrustedDomains = [profile.trustedDomainURL].compactMap { $0 }
        var answer = ManifestAnswer(changes: change.addRedirectURLs.map { "register \($0)" })
        answer.remarks = change.addTrustedDomains.map { "H5 trusted domain \($0): added too, since no call shows it" }
        if let url = profile.homepageURL(for: app.key.appID) {
            answer.remarks.append("desktop homepage \(url): only by hand, Add Features > Web app")
        }
        guard !onlyCheck, change != LarkConfigChange() else { return answer }
        try note(call, "app.config.patch", tenant: slug(of: app.tenant)?.value, app: app.key)
        do throws(Problem) {
            try asked(lark.configPatch(change, of: app.key.appID.value, token: token), lark.configured)
        } catch {
            throw Problem(
                error.code, error.reason,
                advice: "the app needs the scope application:application:patch, in a published version; or enter it by "
                    + "hand: postern app manifest \(app.key)")
        }
        answer.isApplied = true
        return answer
    }

    /// One call whose answer is needed to go on.
    private func asked<Value>(
        _ request: PlatformRequest, _ read: (PlatformAnswer) throws(PlatformFailure) -> Value
    ) throws(Problem) -> Value {
        let answer = try ask(request)
        do throws(PlatformFailure) { return try read(answer) } catch { throw error.problem }
    }
}
