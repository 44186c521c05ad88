import Platforms
import Rules

extension Broker {
    /// The App Secret mints a token: nothing else proves it (platforms, 2.6).
    func verifyLark(_ submission: Submission) throws(Problem) -> Verified {
        guard let client = try submission.client() else {
            return Verified(checks: [Check("app_credentials", .pending, compared: "no App Secret is stored")])
        }
        let dialect = try settings.urls.dialect(of: submission.profile.platform)
        let outcome = attempt(try dialect.mint(.tenant, MintMaterial(), client)) { answer throws(PlatformFailure) in
            try dialect.minted(answer, .tenant)
        }
        switch outcome {
        case .success:
            let check = Check("app_credentials", .passed, compared: "the platform gives a token for them")
            return Verified(checks: [check], owner: client.appID)
        case .failure(let failure): return Verified(checks: [.credentials("app_credentials", failure)])
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
