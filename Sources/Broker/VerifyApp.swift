package import Platforms
package import Rules
import Sealing
package import Vault

/// What the platform said about submitted credentials.
struct Verification {
    let checks: [Check]
    let provesClaim: Bool
    /// Who the bot token is; nil where it was refused or not asked.
    let identity: SlackIdentity?
}

extension Broker {
    /// Runs the live checks of platforms 1.6 over credentials that are not stored yet.
    func verify(_ new: NewApp, _ key: AppKey) throws(Problem) -> Verification {
        try verify(
            profile: new.profile, key: key, fields: new.fields,
            botToken: new.secrets[.botToken].map { $0.text }, clientSecret: new.secrets[.clientSecret].map { $0.text })
    }

    /// Runs them over an app as stored, and records what they prove.
    package func verify(_ app: App, _ call: AdminCall) throws(Problem) -> [Check] {
        guard let profile = Profile.named(app.profile, on: app.key.platform) else {
            throw Problem(.unsupported, "this release does not know the profile \(app.profile)")
        }
        try note(call, "app.verify", tenant: slug(of: app.tenant)?.value, app: app.key)
        let legs = try vault.installations(of: app.id).filter { row, legs in
            row.state == .active && legs.contains { $0.leg == .bot }
        }
        let token = try legs.first.flatMap { place throws(Problem) in
            try use(SecretName(app: app.id, installation: place.0.id, kind: .botToken))
        }
        let found = try verify(
            profile: profile, key: app.key, fields: app.fields, botToken: token,
            clientSecret: try use(SecretName(app: app.id, kind: .clientSecret)))
        if found.provesClaim, app.claim == .unproven {
            try change(call, "app.prove", tenant: slug(of: app.tenant)?.value, app: app.key) {
                transaction, _ throws(Problem) in
                guard var row = try transaction.app(app.key) else { throw Problem(.notFound, "the app is gone") }
                row.claim = .proven
                try transaction.update(app: row, takesAway: false)
            }
        }
        if let place = legs.first?.0, place.teamID.isEmpty, let identity = found.identity {
            try name(place, identity, app, call)
        }
        return found.checks
    }

    /// A token stored without asking stands under no workspace until it is asked; then it gets its place.
    private func name(_ place: Installation, _ identity: SlackIdentity, _ app: App, _ call: AdminCall) throws(Problem) {
        try change(call, "installation.name", tenant: slug(of: app.tenant)?.value, app: app.key) {
            transaction, _ throws(Problem) in
            guard var row = try transaction.installation(place.id) else { return }
            row.enterpriseID = identity.enterpriseID ?? ""
            row.teamID = identity.teamID
            row.teamName = identity.teamName ?? row.teamName
            row.isEnterprise = identity.isEnterpriseInstall
            row.botUserID = identity.userID
            row.updatedAt = transaction.now
            try transaction.update(installation: row)
            if var leg = try transaction.leg(.bot, of: place.id), let scopes = identity.scopes {
                leg.scope = scopes
                try transaction.update(leg: leg)
            }
        }
    }

    private func verify(
        profile: Profile, key: AppKey, fields: [PublicField: String], botToken: String?, clientSecret: String?
    ) throws(Problem) -> Verification {
        let slack = Slack(settings.urls)
        var authTest: SlackVerification.Outcome<SlackIdentity>?
        var botsInfo: SlackVerification.Outcome<AppID>?
        var probe: PlatformFailure?
        if let botToken {
            let answer = try ask(slack.authTest(token: botToken))
            let identity = SlackVerification.Outcome<SlackIdentity> { () throws(PlatformFailure) in
                try answer.slackIdentity()
            }
            authTest = identity
            if case .success(let found) = identity, let bot = found.botID {
                let answer = try ask(slack.botsInfo(bot: bot, token: botToken))
                botsInfo = SlackVerification.Outcome<AppID> { () throws(PlatformFailure) in try answer.slackBotApp() }
            }
        }
        if let clientSecret, let clientID = fields[.clientID] {
            let answer = try ask(slack.clientPairProbe(clientID: clientID, clientSecret: clientSecret))
            do {
                _ = try answer.slackInstallation()
            } catch { probe = error }
        }
        let verification = SlackVerification(
            profile: profile, appID: key.appID, workspaceName: fields[.workspaceName], domain: fields[.domain],
            authTest: authTest, botsInfo: botsInfo, probe: probe)
        return Verification(
            checks: verification.checks, provesClaim: verification.provesClaim,
            identity: authTest.flatMap { try? $0.get() })
    }
}

extension SecretBox {
    /// A copy for one errand; freed memory is scrubbed process-wide.
    var text: String { withBytes { String(decoding: [UInt8](copying: $0), as: UTF8.self) } }
}
