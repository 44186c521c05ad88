import Platforms
import Rules
import Sealing
import Vault

/// Credentials as they were submitted or as they are stored, for the length of a verification.
struct Submission {
    let profile: Profile
    /// nil where the profile comes without one and the platform is to be asked.
    let appID: AppID?
    let fields: [PublicField: String]
    let redirects: [String]
    /// Opens a secret; nil where there is none of that kind.
    let secret: (SecretKind) throws(Problem) -> String?

    /// The app as its platform's OAuth knows it; nil where its id or secret are missing.
    func client() throws(Problem) -> OAuthClient? {
        let isLark = profile.platform == .lark || profile.platform == .feishu
        guard let secret = try secret(isLark ? .appSecret : .clientSecret),
            let clientID = isLark ? appID?.value : fields[.clientID], let appID = appID ?? AppID(clientID)
        else { return nil }
        return OAuthClient(
            appID: appID, clientID: clientID, clientSecret: secret, region: fields[.region],
            usesPKCE: fields[.pkce] == "on", isStoreApp: fields[.appType] == "store")
    }
}

/// What the live checks of one app found (platforms, 1.6, 2.6 and 4.6).
struct Verified {
    var checks: [Check]
    /// The App ID the platform itself says these credentials are of; nil where it does not say.
    var owner: AppID?
    /// Where the app is; nil where nobody said.
    var place: Place?
    /// Who the bot token is; Slack only.
    var bot: SlackIdentity?

    /// Whether the platform itself has confirmed that the credentials are `app`'s.
    func proves(_ app: AppID) -> Bool { owner == app }

    /// No platform was asked.
    static let none = Verified(checks: [])
}

extension Broker {
    /// Asks the platform whether the credentials work. Trouble on the way makes a check inconclusive, never the whole
    /// verification fail.
    func verify(_ submission: Submission) throws(Problem) -> Verified {
        switch submission.profile.platform {
        case .slack: try verifySlack(submission)
        case .lark, .feishu: try verifyLark(submission)
        case .genesys: try verifyGenesys(submission)
        }
    }

    /// One call of a verification: the platform's answer as read, or why there is none.
    func attempt<Value>(
        _ request: PlatformRequest, _ read: (PlatformAnswer) throws(PlatformFailure) -> Value
    ) -> Result<Value, PlatformFailure> {
        let answer: PlatformAnswer
        do throws(Problem) { answer = try ask(request) } catch {
            return .failure(PlatformFailure(.retry, error.code.rawValue, error.reason))
        }
        do throws(PlatformFailure) { return .success(try read(answer)) } catch { return .failure(error) }
    }
}

extension SecretBox {
    /// A copy for one errand; freed memory is scrubbed process-wide.
    var text: String { withBytes { String(decoding: [UInt8](copying: $0), as: UTF8.self) } }
}
