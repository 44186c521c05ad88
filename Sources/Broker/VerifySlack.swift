import Platforms
import Rules

extension Broker {
    /// `auth.test`, `bots.info`, the probe of the client's pair and, with a configuration token, `apps.manifest.export`:
    /// at most four calls (platforms, 1.9).
    func verifySlack(_ submission: Submission) throws(Problem) -> Verified {
        let slack = Slack(settings.urls)
        var authTest: SlackVerification.Outcome<SlackIdentity>?
        var botsInfo: SlackVerification.Outcome<AppID>?
        var probe: PlatformFailure?
        if let token = try submission.secret(.botToken) {
            let outcome = attempt(slack.authTest(token: token)) { answer throws(PlatformFailure) in
                try answer.slackIdentity()
            }
            authTest = outcome
            if case .success(let found) = outcome, let bot = found.botID {
                botsInfo = attempt(slack.botsInfo(bot: bot, token: token)) { answer throws(PlatformFailure) in
                    try answer.slackBotApp()
                }
            }
        }
        let usesPKCE = submission.fields[.pkce] == "on"
        if !usesPKCE, let clientID = submission.fields[.clientID], let secret = try submission.secret(.clientSecret) {
            let outcome = attempt(slack.clientPairProbe(clientID: clientID, clientSecret: secret)) {
                answer throws(PlatformFailure) in _ = try answer.slackInstallation()
            }
            if case .failure(let failure) = outcome { probe = failure }
        }
        var manifest: SlackVerification.Outcome<SlackManifest>?
        if let app = submission.appID, let token = try submission.secret(.configToken) {
            manifest = attempt(slack.exportManifest(of: app, token: token)) { answer throws(PlatformFailure) in
                try answer.slackManifest()
            }
        }
        let verification = SlackVerification(
            profile: submission.profile, appID: submission.appID, workspaceName: submission.fields[.workspaceName],
            domain: submission.fields[.domain], authTest: authTest, botsInfo: botsInfo, probe: probe,
            usesPKCE: usesPKCE, redirects: submission.redirects,
            hasSigningSecret: try submission.secret(.signingSecret) != nil, manifest: manifest)
        var found = Verified(checks: verification.checks)
        if case .success(let identity)? = authTest {
            found.bot = identity
            found.owner = verification.owner
            found.place = Place(
                enterpriseID: identity.enterpriseID, teamID: identity.teamID, name: identity.teamName,
                isEnterpriseInstall: identity.isEnterpriseInstall)
        }
        return found
    }
}
