import Platforms
import Rules

extension Broker {
    /// The client's own token, whose it is, and the integrations (platforms, 4.6): at most three calls where a hundred
    /// integrations are enough.
    func verifyGenesys(_ submission: Submission) throws(Problem) -> Verified {
        let genesys = Genesys(settings.urls)
        let client = try submission.client()
        var token: GenesysVerification.Outcome<Void>?
        var info: GenesysVerification.Outcome<GenesysTokenInfo>?
        var integrations: GenesysVerification.Outcome<[GenesysIntegration]>?
        let ids = submission.fields[.integrationIDs]
        if let client {
            let minted = attempt(try genesys.mint(.app, MintMaterial(), client)) { answer throws(PlatformFailure) in
                try genesys.minted(answer, .app)
            }
            token = minted.map { _ in }
            if case .success(let pair) = minted {
                info = attempt(genesys.tokensMe(token: pair.token, client)) { answer throws(PlatformFailure) in
                    try answer.genesysTokenInfo()
                }
                if ids != nil { integrations = all(genesys, pair.token, client) }
            }
        }
        let verification = GenesysVerification(
            profile: submission.profile, clientID: submission.fields[.clientID] ?? "",
            region: submission.fields[.region], token: token, info: info, integrationIDs: ids,
            integrations: integrations, webhookURL: submission.appID.flatMap { submission.profile.eventURL(for: $0) },
            webhookSecretLength: try submission.secret(.webhookSecret)?.count)
        var place: Place?
        if case .success(let found)? = info {
            place = Place(teamID: found.organizationID, name: found.organizationName)
        }
        return Verified(checks: verification.checks, owner: verification.owner, place: place)
    }

    /// Every page of the list.
    private func all(
        _ genesys: Genesys, _ token: String, _ client: OAuthClient
    ) -> GenesysVerification.Outcome<[GenesysIntegration]> {
        var list: [GenesysIntegration] = []
        var page = 1
        var pages = 1
        repeat {
            let answer = attempt(genesys.openIntegrations(token: token, page: page, client)) {
                answer throws(PlatformFailure) in try answer.genesysIntegrations()
            }
            switch answer {
            case .success(let found):
                list += found.found
                pages = found.pages
            case .failure(let failure): return .failure(failure)
            }
            page += 1
        } while page <= pages
        return .success(list)
    }
}
