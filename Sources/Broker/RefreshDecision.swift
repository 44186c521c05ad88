import Rules
import Vault

/// What to do about a token that somebody wants now.
enum RefreshDecision: Equatable {
    case serve
    case renew
    case fail(Problem)

    static func == (a: RefreshDecision, b: RefreshDecision) -> Bool {
        switch (a, b) {
        case (.serve, .serve), (.renew, .renew): true
        case (.fail(let a), .fail(let b)): a == b
        default: false
        }
    }
}

extension LegRow {
    /// Milliseconds the access token has left; nil for one that does not end.
    func left(at now: Int64) -> Int64? { expiresAt.map { $0 - now } }

    /// Decides for somebody who wants a token that is good for `least` milliseconds more.
    ///
    /// Nobody gets a token that has ended. A token is not renewed for the sake of more than half of its life, so that no
    /// caller can make us renew in a circle. `isRefused`: the platform refuses the token although time has not ended it.
    /// `hasTried`: a renewal has just ended well, so what it brought is what there is.
    func decide(
        at now: Int64, least: Int64, canMint: Bool, isRefused: Bool, hasTried: Bool
    ) -> RefreshDecision {
        let left = left(at: now)
        let isAlive = left.map { $0 > 0 } ?? true
        switch state {
        case .revoked:
            // What the app can make by itself it makes again once its place is in use again.
            return canMint && !hasTried ? .renew : .fail(over("was revoked"))
        case .needsReauthorization:
            return left != nil && isAlive && !isRefused ? .serve : .fail(over("is no longer accepted"))
        case .active: break
        }
        let enough = expiresAt.map { min(least, max(0, $0 - issuedAt) / 2) } ?? 0
        if !isRefused, isAlive, left.map({ $0 >= enough }) ?? true { return .serve }
        guard canRefresh || canMint else {
            if isAlive, !isRefused { return .serve }
            return .fail(over(isRefused ? "is refused by the platform" : "has ended"))
        }
        if hasTried {
            guard !isAlive else { return .serve }
            return .fail(Problem(.platformUnreachable, "the platform gave a token that has ended", advice: "try again"))
        }
        // Without a failure it only says that the platform has no other token to give before.
        if let retryAt, retryAt > now, failures > 0 || (isAlive && !isRefused) {
            return isAlive && !isRefused ? .serve : .fail(waiting(until: retryAt, at: now))
        }
        return .renew
    }

    private func over(_ what: String) -> Problem {
        Problem(
            .needsReauthorization, "the \(leg.rawValue) token of this installation \(what)",
            advice: "an administrator of the customer has to install the app again: postern installation list")
    }

    private func waiting(until moment: Int64, at now: Int64) -> Problem {
        let seconds = max(1, (moment - now + 999) / 1000)
        let why = failureCode.map { " (\($0))" } ?? ""
        return Problem(
            failureVerdict == "CONFIG" || failureVerdict == "BUG" ? .platformRefused : .platformUnreachable,
            "the token could not be refreshed\(why)", advice: "the next attempt is in \(seconds) seconds")
    }
}
