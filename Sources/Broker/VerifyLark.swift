import Platforms
import Rules

extension Broker {
    /// The App Secret mints a token, and the token asks for the rest (platforms, 2.6): five calls, of which three count
    /// against the monthly quota.
    func verifyLark(_ submission: Submission) throws(Problem) -> Verified {
        let brand: Lark.Brand = submission.profile.platform == .lark ? .lark : .feishu
        let lark = Lark(brand, settings.urls)
        guard let client = try submission.client() else {
            return Verified(checks: [Check("app_credentials", .pending, compared: "no App Secret is stored")])
        }
        let outcome = try credentials(client, lark)
        var verification = LarkVerification(
            brand: brand, profile: submission.profile, appID: client.appID,
            organizationName: submission.fields[.workspaceName],
            redirectURLs: submission.profile.redirectURLs(for: client.appID) + submission.redirects,
            hasEncryptKey: try submission.secret(.encryptKey) != nil,
            hasVerificationToken: try submission.secret(.verificationToken) != nil,
            credentials: outcome.map { _ in })
        if case .success(let token?) = outcome {
            verification.organization = attempt(lark.tenantQuery(token: token), lark.organization)
            verification.application = attempt(lark.applicationGet(token: token), lark.application)
            verification.scopes = attempt(lark.scopesList(token: token), lark.scopes)
            verification.bot = attempt(lark.botInfo(token: token), lark.botStatus)
        } else if case .failure(let failure) = outcome, failure.verdict == .config {
            // Asked with a made-up secret: the other cloud learns nothing but the App ID.
            let other = Lark(brand.other, settings.urls)
            if case .success(let known) = attempt(other.brandProbe(client.appID.value), { other.knowsApp($0) }) {
                verification.otherBrandKnowsApp = known
            }
        }
        var place: Place?
        if case .success(let found)? = verification.organization {
            place = Place(teamID: found.tenantKey, name: found.name)
        }
        return Verified(
            checks: verification.checks, owner: verification.provesClaim ? client.appID : nil, place: place)
    }

    /// The tenant token of an internal app. A store app has none of its own; asking for its ticket proves its
    /// credentials just as well, and brings the ticket.
    private func credentials(_ client: OAuthClient, _ lark: Lark) throws(Problem) -> Result<String?, PlatformFailure> {
        if let resend = lark.resendTicket(client) {
            return attempt(resend) { answer throws(PlatformFailure) in
                if let failure = lark.complaint(answer) { throw failure }
                return nil
            }
        }
        return attempt(try lark.mint(.tenant, MintMaterial(), client)) { answer throws(PlatformFailure) in
            try lark.minted(answer, .tenant).token
        }
    }
}

extension Check {
    /// Credentials the platform would not give a token for, or did not get to say so.
    static func credentials(_ name: String, _ failure: PlatformFailure) -> Check {
        Check(
            name, failure.verdict == .config || failure.verdict == .reauth ? .failed : .inconclusive,
            compared: "the platform answers \(failure.code)", advice: failure.sentence)
    }
}
