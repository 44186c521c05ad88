/// One record of a Slack installation store, as slack_sdk and Bolt keep them. Texts are empty where there is nothing.
struct StoreRecord {
    /// A token with what came with it.
    struct Token {
        var token = ""
        var refreshToken = ""
        var scopes: [String] = []
        /// Seconds since 1970.
        var expiresAt: Int64?
    }

    var clientID = ""
    var appID = ""
    var enterpriseID = ""
    var enterpriseName = ""
    var teamID = ""
    var teamName = ""
    var isEnterprise = false
    var bot = Token()
    var botUserID = ""
    var user = Token()
    var userID = ""
    var webhookURL = ""
    /// Of the bots alone, which the stores ask first for a bot token.
    var isBot = false

    /// The workspace or organisation.
    var place: String { Columns.printable(teamID.isEmpty ? enterpriseID : teamID) }

    static func scopes(_ text: String) -> [String] {
        text.split { $0 == "," || $0 == " " }.map(String.init)
    }
}

/// What a store comes to: of every workspace the newest bot token, of every person the newest user token.
struct StoreRecords {
    struct App: Hashable {
        let clientID: String
        let appID: String
    }

    private struct Place: Hashable {
        let enterpriseID: String
        let teamID: String
        let isEnterprise: Bool
    }

    private struct Contents {
        var newest: StoreRecord
        var bot: StoreRecord?
        var webhook: StoreRecord?
        var users: [String: StoreRecord] = [:]
    }

    private var places: [App: [Place: Contents]] = [:]
    /// Records whose tokens a later one has replaced.
    private(set) var replaced = 0
    /// Incoming webhooks, with the place each was made for: a later one does not end an earlier one (platforms, 1.1).
    private var webhooks: [String: String] = [:]
    /// How many user tokens of a place name nobody.
    private var nameless: [String: Int] = [:]

    var apps: [App] { places.keys.sorted { ($0.appID, $0.clientID) < ($1.appID, $1.clientID) } }

    /// What works still, it may be, and has no place in the vault.
    var left: [(what: String, why: String)] {
        let kept = Set(places.values.flatMap(\.values).compactMap { $0.webhook?.webhookURL })
        let lost = Dictionary(grouping: webhooks.filter { !kept.contains($0.key) }, by: \.value).mapValues(\.count)
        return lost.sorted { $0.key < $1.key }.map {
            ("\(Show.count($0.value, "older incoming webhook")) of \($0.key)", "the vault keeps the newest of a place")
        }
            + nameless.sorted { $0.key < $1.key }.map {
                ("\(Show.count($0.value, "user token")) of \($0.key)", "the store does not say whose")
            }
    }

    /// Takes note of a record of the past: of its tokens nothing works any more, of its webhook everything.
    mutating func add(past record: StoreRecord) {
        if !record.webhookURL.isEmpty { webhooks[record.webhookURL] = record.place }
    }

    /// Takes the next record; the oldest come first.
    mutating func add(_ record: StoreRecord) {
        let app = App(clientID: record.clientID, appID: record.appID)
        let place = Place(
            enterpriseID: record.enterpriseID, teamID: record.isEnterprise ? "" : record.teamID,
            isEnterprise: record.isEnterprise)
        var contents = places[app]?[place] ?? Contents(newest: record)
        contents.newest = record
        if !record.bot.token.isEmpty, record.isBot || contents.bot?.isBot != true {
            if let old = contents.bot, old.bot.token != record.bot.token { replaced += 1 }
            contents.bot = record
        }
        if !record.user.token.isEmpty, record.userID.isEmpty {
            nameless[record.place, default: 0] += 1
        } else if !record.user.token.isEmpty {
            if let old = contents.users[record.userID], old.user.token != record.user.token { replaced += 1 }
            contents.users[record.userID] = record
        }
        if !record.webhookURL.isEmpty { contents.webhook = record }
        add(past: record)
        places[app, default: [:]][place] = contents
    }

    /// The installations of an app, each once for its workspace and once for each person with a token; and what is
    /// left out because it has ended. `now` is in seconds since 1970.
    func installations(of app: App, now: Int64) -> (found: [[String: JSON]], ended: [String]) {
        var found: [[String: JSON]] = []
        var ended: [String] = []
        let sorted = (places[app] ?? [:]).sorted {
            ($0.key.enterpriseID, $0.key.teamID) < ($1.key.enterpriseID, $1.key.teamID)
        }
        for (place, contents) in sorted {
            var common: [String: JSON] = [
                "enterprise_id": .string(place.enterpriseID), "team_id": .string(place.teamID),
                "is_enterprise_install": .bool(place.isEnterprise),
            ]
            let name = place.isEnterprise ? contents.newest.enterpriseName : contents.newest.teamName
            common["team_name"] = .string(Columns.printable(name))
            let place = place.teamID.isEmpty ? place.enterpriseID : place.teamID
            var workspace = common
            if let record = contents.bot {
                if Self.add(record.bot, "bot", to: &workspace, now: now) {
                    workspace["bot_user_id"] = .string(record.botUserID)
                } else {
                    ended.append("bot_token of \(place)")
                }
            }
            if let record = contents.webhook { workspace["incoming_webhook_url"] = .string(record.webhookURL) }
            if workspace.count > common.count { found.append(workspace) }
            for (user, record) in contents.users.sorted(by: { $0.key < $1.key }) {
                var person = common
                if Self.add(record.user, "user", to: &person, now: now) {
                    person["user_id"] = .string(user)
                    found.append(person)
                } else {
                    ended.append("user_token of \(user) in \(place)")
                }
            }
        }
        return (found, ended)
    }

    /// False where the token has ended and nothing can renew it.
    private static func add(_ token: StoreRecord.Token, _ leg: String, to out: inout [String: JSON], now: Int64) -> Bool
    {
        if token.refreshToken.isEmpty, let end = token.expiresAt, end <= now { return false }
        out["\(leg)_token"] = .string(token.token)
        if !token.refreshToken.isEmpty { out["\(leg)_refresh_token"] = .string(token.refreshToken) }
        if !token.scopes.isEmpty { out["\(leg)_scopes"] = JSON(texts: token.scopes) }
        if let end = token.expiresAt { out["\(leg)_token_expires_at"] = .int(end) }
        return true
    }
}
