import Platforms
import Rules
import Sealing
import Vault

/// What a platform has to be told so that something ends there, complete in itself: it outlives its installation and
/// its app. Sealed in the row that queues it; opened for one errand.
struct PlatformEnding {
    /// Which of the platform's calls; the numbers are in the file.
    enum What: Int64 {
        case revoke = 1
        /// Slack's `apps.uninstall`, which ends every token of the workspace.
        case uninstall = 2
    }

    private static let domain = "postern/ending/1"

    let what: What
    let app: AppKey
    let leg: Leg
    let token: String
    let client: OAuthClient

    init(_ what: What, _ app: AppKey, _ leg: Leg, token: String, _ client: OAuthClient) {
        self.what = what
        self.app = app
        self.leg = leg
        self.token = token
        self.client = client
    }

    /// In guarded memory, to be sealed. A client secret goes along only where the call wants it.
    var box: SecretBox {
        var canonical = Canonical(Self.domain)
        canonical.add(what.rawValue)
        canonical.add("\(app)")
        canonical.add(leg.rawValue)
        canonical.add(client.clientID)
        canonical.add(what == .uninstall ? client.clientSecret : nil)
        canonical.add(client.region)
        canonical.add(token)
        return SecretBox(SecretBytes(copying: canonical.bytes.span))
    }

    /// Reads what `box` held; `integrity_failure` for anything else.
    init(_ bytes: Span<UInt8>) throws(Problem) {
        do throws(SealingError) {
            var reader = try CanonicalReader(bytes, domain: Self.domain)
            guard let what = What(rawValue: try reader.integer()), let app = AppKey(try reader.text()),
                let leg = Leg(rawValue: try reader.text())
            else { throw .malformed }
            let clientID = try reader.text()
            let secret = try reader.optionalText()
            let region = try reader.optionalText()
            self.init(
                what, app, leg, token: try reader.text(),
                OAuthClient(appID: app.appID, clientID: clientID, clientSecret: secret, region: region))
            try reader.end()
        } catch { throw error.problem }
    }

    /// What to send; nil where the platform has no call for it.
    func request(_ dialect: any Dialect) -> PlatformRequest? {
        switch what {
        case .revoke: dialect.revoke(token: token, leg, client)
        case .uninstall: dialect.uninstall(token: token, client)
        }
    }
}

/// Queues the platform's part of what has ended here.
struct EndingQueue: Sendable {
    private let app: App
    private let client: OAuthClient
    private let dialect: any Dialect
    private let uninstalls: Bool

    init(_ app: App, _ client: OAuthClient, _ dialect: any Dialect, uninstalls: Bool = false) {
        self.app = app
        self.client = client
        self.dialect = dialect
        self.uninstalls = uninstalls
    }

    /// One row for each leg the platform should hear of, in the transaction that ended them.
    ///
    /// Where the platform has no call, the row says so, so that somebody can do it by hand. A minted token that cannot
    /// be ended needs no row: it was made of credentials that are still there, and ends by itself within hours.
    @discardableResult
    func add(_ ended: [EndedLeg], _ transaction: Transaction) throws(Problem) -> [Revocation] {
        let minted = dialect.mintable(client)
        var rows: [Revocation] = []
        for one in ended where one.leg != .config {
            guard let token = one.token?.text else { continue }
            let what: PlatformEnding.What =
                uninstalls && one.leg == .bot && dialect.uninstall(token: token, client) != nil ? .uninstall : .revoke
            let ending = PlatformEnding(what, app.key, one.leg, token: token, client)
            let isPossible = ending.request(dialect) != nil
            guard isPossible || !minted.contains(one.leg) else { continue }
            rows.append(try add(ending, isPossible, of: one.installation.id, transaction))
        }
        return rows
    }

    /// A row for a token that came too late to be kept.
    func add(_ token: SecretBox, _ leg: Leg, of installation: Int64, _ transaction: Transaction) throws(Problem) {
        let ending = PlatformEnding(.revoke, app.key, leg, token: token.text, client)
        _ = try add(ending, ending.request(dialect) != nil, of: installation, transaction)
    }

    private func add(
        _ ending: PlatformEnding, _ isPossible: Bool, of installation: Int64, _ transaction: Transaction
    ) throws(Problem) -> Revocation {
        try transaction.addRevocation(
            isPossible ? ending.box : nil, app: app.id, installation: installation, leg: ending.leg, tenant: app.tenant)
    }
}
