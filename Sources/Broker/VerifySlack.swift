import Platforms
import Rules

extension Broker {
    /// `auth.test`, `bots.info` and the probe of the client's pair: at most three calls (platforms, 1.9).
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
        if let clientID = submission.fields[.clientID], let secret = try submission.secret(.clientSecret) {
            let outcome = attempt(slack.clientPairProbe(clientID: clientID, clientSecret: secret)) {
                answer throws(PlatformFailure) in _ = try answer.slackInstallation()
            }
            if case .failure(let failure) = outcome { probe = failure }
        }
        let verification = SlackVerification(
            profile: submission.profile, appID: submission.appID, workspaceName: submission.fields[.workspaceName],
            domain: submission.fields[.domain], authTest: authTest, botsInfo: botsInfo, probe: probe)
        var found = Verified(checks: verification.checks)
        if case .success(let identity)? = authTest {
            found.bot = identity
            found.owner = identity.appID
            if case .success(let owner)? = botsInfo { found.owner = owner }
            found.place = Place(
                enterpriseID: identity.enterpriseID, teamID: identity.teamID, name: identity.teamName,
                isEnterpriseInstall: identity.isEnterpriseInstall)
        }
        return found
    }
}
