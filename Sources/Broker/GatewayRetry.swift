import Linux
import Rules
import Vault

/// What a call may do whose token the platform did not accept.
enum RefusalTurn: Sendable {
    /// Has the token renewed; `RefreshState.reportEnded` must follow.
    case ours
    /// There is another token already.
    case renewed
    /// A renewal was tried less than a minute ago, and this is the token there is.
    case nothing
}

extension Broker {
    /// Seconds a call waits for the renewal that another one has begun.
    private static let patience: Int64 = 40

    /// One of all calls that meet the refused token has it renewed, at most once a minute; the others wait for that and
    /// go on with what it brought. Waits with no line entered.
    func turn(afterRefusalOf want: TokenWant) throws(Problem) -> RefusalTurn {
        if try isSuperseded(want) { return .renewed }
        if refreshing.mayReport(want.key, now: Clock.bootMilliseconds) == nil { return .ours }
        refreshing.awaitReport(want.key, until: .after(seconds: Self.patience))
        return try isSuperseded(want) ? .renewed : .nothing
    }

    /// Has a refused token renewed for the next call; this one cannot be made again.
    func renewForNext(_ want: TokenWant) {
        do throws(Problem) {
            guard try turn(afterRefusalOf: want) == .ours else { return }
            defer { refreshing.reportEnded(want.key) }
            _ = try ready(want)
        } catch { Log.warning("refused_token_not_renewed", ["app": want.app.key, "code": error.code.rawValue]) }
    }

    private func isSuperseded(_ want: TokenWant) throws(Problem) -> Bool {
        guard let place = want.installation, let row = try vault.leg(want.leg, of: place.id) else { return false }
        return row.generation != want.refused
    }
}
