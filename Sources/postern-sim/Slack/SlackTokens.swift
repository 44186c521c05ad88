import FoundationEssentials

/// Whose tokens belong together: Slack keeps one bot and any number of users apart (platforms, 1.4).
struct SlackChain: Hashable, Sendable {
    enum Sort: Sendable { case bot, user }
    let appID: String
    /// nil for the whole organisation.
    let teamID: String?
    let sort: Sort
    let userID: String
}

/// A token somebody holds.
struct SlackToken: Sendable {
    let value: String
    let chain: SlackChain
    var scopes: [String]
    /// nil for a token that does not rotate.
    let expires: Date?
    var revoked = false
    /// Turned into a pair by `oauth.v2.exchange`: ends with that pair's first refresh.
    var exchanged = false

    var appID: String { chain.appID }
    var sort: SlackChain.Sort { chain.sort }
    var userID: String { chain.userID }
}

/// A refresh token and what became of it.
private struct Refresh: Sendable {
    let chain: SlackChain
    let scopes: [String]
    let made: Date
    var spent: Date?
    /// What took its place; dies when this one is used again in its time of grace.
    var successor: String?
    var dead = false
}

/// Every token of every installation.
struct SlackTokens: Sendable {
    /// Refresh tokens of the apps of the PKCE switch end after thirty days (platforms, 1.1).
    private static let publicRefreshLife: TimeInterval = 30 * 86_400

    private var tokens: [String: SlackToken] = [:]
    private var refreshes: [String: Refresh] = [:]
    /// The live access tokens of a chain, oldest first, and its newest refresh token.
    private var chains: [SlackChain: (active: [String], refresh: String?)] = [:]

    subscript(value: String) -> SlackToken? { tokens[value] }

    /// The newest live pair of a chain.
    func newest(_ chain: SlackChain) -> (token: SlackToken?, refresh: String?) {
        let held = chains[chain]
        return (held?.active.last.flatMap { tokens[$0] }, held?.refresh)
    }

    /// Whether the app is installed there, by anybody.
    func isInstalled(_ appID: String, team: String?) -> Bool {
        chains.contains { $0.key.appID == appID && $0.key.teamID == team && !$0.value.active.isEmpty }
    }

    /// A token that does not rotate, of this value.
    mutating func hold(_ value: String, _ chain: SlackChain, _ scopes: [String]) {
        if let old = tokens[value] { chains[old.chain]?.active.removeAll { $0 == value } }
        tokens[value] = SlackToken(value: value, chain: chain, scopes: scopes, expires: nil)
        chains[chain, default: ([], nil)].active.append(value)
    }

    /// Scopes add up; nothing but the end of a token takes one away (platforms, 1.2).
    mutating func widen(_ value: String, by scopes: [String]) -> SlackToken? {
        let held = tokens[value]?.scopes ?? []
        tokens[value]?.scopes += scopes.filter { !held.contains($0) }
        return tokens[value]
    }

    /// A new pair. At most two access tokens are alive: a third ends the oldest (platforms, 1.4).
    mutating func issue(
        _ chain: SlackChain, _ scopes: [String], life: Int64, _ mint: inout Mint, at now: Date
    ) -> (token: SlackToken, refresh: String) {
        let token = SlackToken(
            value: chain.sort == .bot ? mint.rotatingBotToken() : mint.rotatingUserToken(), chain: chain,
            scopes: scopes, expires: now.addingTimeInterval(TimeInterval(life)))
        let refresh = mint.refreshToken()
        tokens[token.value] = token
        refreshes[refresh] = Refresh(chain: chain, scopes: scopes, made: now)
        var held = chains[chain] ?? ([], nil)
        held.active.append(token.value)
        while held.active.count > 2 { tokens[held.active.removeFirst()]?.revoked = true }
        held.refresh = refresh
        chains[chain] = held
        return (token, refresh)
    }

    /// What `oauth.v2.access` does with a refresh token; nil for `invalid_refresh_token`.
    mutating func refresh(
        _ value: String, of app: SlackApp, _ mint: inout Mint, at now: Date
    ) -> (token: SlackToken, refresh: String)? {
        guard let old = refreshes[value], old.chain.appID == app.appID, !old.dead else { return nil }
        if app.usesPKCE, now >= old.made.addingTimeInterval(Self.publicRefreshLife) { return nil }
        if let spent = old.spent {
            guard now < spent.addingTimeInterval(TimeInterval(app.grace)) else { return nil }
            // Two refreshes of one token give two refresh tokens, of which the first is not good any more.
            if let successor = old.successor { refreshes[successor]?.dead = true }
        }
        for token in chains[old.chain]?.active ?? [] where tokens[token]?.exchanged == true {
            tokens[token]?.revoked = true
            chains[old.chain]?.active.removeAll { $0 == token }
        }
        let pair = issue(old.chain, old.scopes, life: app.tokenLife, &mint, at: now)
        refreshes[value]?.spent = old.spent ?? now
        refreshes[value]?.successor = pair.refresh
        return pair
    }

    /// Marks a long-lived token as turned into a pair; false when it was before.
    mutating func exchange(_ value: String) -> Bool {
        guard tokens[value]?.exchanged == false else { return false }
        tokens[value]?.exchanged = true
        return true
    }

    /// Ends one token and no other.
    mutating func end(_ value: String) {
        guard let token = tokens[value] else { return }
        tokens[value]?.revoked = true
        chains[token.chain]?.active.removeAll { $0 == value }
    }

    /// Ends everything of an app, or of one installation of it.
    mutating func end(app: String, where here: (SlackChain) -> Bool = { _ in true }) {
        for chain in chains.keys where chain.appID == app && here(chain) { chains[chain] = nil }
        for (value, token) in tokens where token.appID == app && here(token.chain) { tokens[value]?.revoked = true }
        for (value, refresh) in refreshes where refresh.chain.appID == app && here(refresh.chain) {
            refreshes[value]?.dead = true
        }
    }
}
