import Platforms
import Rules

extension Broker {
    /// The client's own token, and whose it is (platforms, 4.6).
    func verifyGenesys(_ submission: Submission) throws(Problem) -> Verified {
        guard let client = try submission.client() else {
            return Verified(checks: [Check("client_credentials", .pending, compared: "no Client Secret is stored")])
        }
        let genesys = Genesys(settings.urls)
        let minted = attempt(try genesys.mint(.app, MintMaterial(), client)) { answer throws(PlatformFailure) in
            try genesys.minted(answer, .app)
        }
        switch minted {
        case .failure(let failure): return Verified(checks: [.credentials("client_credentials", failure)])
        case .success(let pair):
            let check = Check("client_credentials", .passed, compared: "the platform gives a token for them")
            let info = attempt(genesys.tokensMe(token: pair.token, client)) { answer throws(PlatformFailure) in
                try answer.genesysTokenInfo()
            }
            guard case .success(let found) = info else { return Verified(checks: [check]) }
            return Verified(
                checks: [check], owner: found.clientID.flatMap { AppID($0) },
                place: Place(teamID: found.organizationID, name: found.organizationName))
        }
    }
}
