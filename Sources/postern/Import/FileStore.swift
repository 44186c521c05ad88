/// Bolt's file installation stores: `CLIENT_ID/ENTERPRISE-TEAM/installer-latest`, `bot-latest`, … of Python, and
/// `app-latest`, `user-ID-latest` of JavaScript. The client's folder may be missing.
struct FileStore {
    private(set) var records = StoreRecords()
    /// Every file of the store, those of the past too.
    private(set) var files: [FileMark] = []
    /// The folders of its installations, to be removed when they are empty.
    private(set) var folders: [String] = []
    /// Files that are not the store's.
    private(set) var others: [String] = []

    init(_ path: String) throws(Failure) {
        var base = path
        while base.count > 1, base.hasSuffix("/") { base.removeLast() }
        let client = base.split(separator: "/").last.map(String.init) ?? ""
        try take(folder: base, client: Self.isClient(client) ? client : "", depth: 0)
        guard !files.isEmpty else {
            throw Failure.usage(
                "\(path.shown) is no installation store: no installer-latest, bot-latest or app-latest below it",
                next: "name the base_dir that the store was made with")
        }
    }

    /// Slack's client ids: two numbers with a dot.
    private static func isClient(_ name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { (48...57).contains($0) } }
    }

    private mutating func take(folder: String, client: String, depth: Int) throws(Failure) {
        let names = try SourceFolder.names(in: folder)
        var found = false
        for name in names {
            let path = "\(folder)/\(name)"
            guard let mark = FileMark(of: path) else { continue }
            if mark.isDirectory {
                guard depth < 2 else { continue }
                try take(folder: path, client: Self.isClient(name) ? name : client, depth: depth + 1)
            } else if mark.isRegular, ["installer-", "bot-", "app-", "user-"].contains(where: { name.hasPrefix($0) }) {
                files.append(mark)
                found = true
                if !name.hasSuffix("-latest") { take(past: path) }
            } else {
                others.append(path)
            }
        }
        if found { folders.append(folder) }
        // The newest of everybody first by name, the one for the whole place last, since it is the newest of all.
        let latest = names.filter { $0.hasSuffix("-latest") }
        let order = latest.filter { !Self.whole.contains($0) } + Self.whole.filter { latest.contains($0) }
        for name in order where files.contains(where: { $0.path == "\(folder)/\(name)" }) {
            try take(file: "\(folder)/\(name)", isBot: name == "bot-latest", client: client)
        }
    }

    private mutating func take(past path: String) {
        if let file = try? SourceFile(path, atMost: 1 << 20), let json = JSON(parsing: file.bytes) {
            records.add(past: Self.record(json))
        } else {
            others.append(path)
        }
    }

    private static let whole = ["installer-latest", "app-latest", "bot-latest"]

    private mutating func take(file path: String, isBot: Bool, client: String) throws(Failure) {
        let file = try SourceFile(path, atMost: 1 << 20)
        guard let json = JSON(parsing: file.bytes), case .object = json else {
            throw Failure.usage("\(path.shown) is not a JSON object")
        }
        var record = Self.record(json)
        record.clientID = client
        record.isBot = isBot
        if isBot { record.user = StoreRecord.Token() }
        guard !record.enterpriseID.isEmpty || !record.teamID.isEmpty else {
            throw Failure.usage("\(path.shown) names neither a workspace nor an organisation")
        }
        records.add(record)
    }

    private static func record(_ json: JSON) -> StoreRecord {
        json["appId"] != nil || json["bot"] != nil ? script(json) : python(json)
    }

    private static func python(_ json: JSON) -> StoreRecord {
        func token(_ leg: String) -> StoreRecord.Token {
            StoreRecord.Token(
                token: json["\(leg)_token"]?.text ?? "", refreshToken: json["\(leg)_refresh_token"]?.text ?? "",
                scopes: scopes(json["\(leg)_scopes"]), expiresAt: seconds(json["\(leg)_token_expires_at"]))
        }
        return StoreRecord(
            appID: json["app_id"]?.text ?? "", enterpriseID: json["enterprise_id"]?.text ?? "",
            enterpriseName: json["enterprise_name"]?.text ?? "", teamID: json["team_id"]?.text ?? "",
            teamName: json["team_name"]?.text ?? "", isEnterprise: json["is_enterprise_install"]?.bool ?? false,
            bot: token("bot"), botUserID: json["bot_user_id"]?.text ?? "", user: token("user"),
            userID: json["user_id"]?.text ?? "", webhookURL: json["incoming_webhook_url"]?.text ?? "")
    }

    private static func script(_ json: JSON) -> StoreRecord {
        func token(_ leg: String) -> StoreRecord.Token {
            let part = json[leg]
            return StoreRecord.Token(
                token: part?["token"]?.text ?? "", refreshToken: part?["refreshToken"]?.text ?? "",
                scopes: scopes(part?["scopes"]), expiresAt: seconds(part?["expiresAt"]))
        }
        return StoreRecord(
            appID: json["appId"]?.text ?? "", enterpriseID: json["enterprise"]?["id"]?.text ?? "",
            enterpriseName: json["enterprise"]?["name"]?.text ?? "", teamID: json["team"]?["id"]?.text ?? "",
            teamName: json["team"]?["name"]?.text ?? "", isEnterprise: json["isEnterpriseInstall"]?.bool ?? false,
            bot: token("bot"), botUserID: json["bot"]?["userId"]?.text ?? "", user: token("user"),
            userID: json["user"]?["id"]?.text ?? "", webhookURL: json["incomingWebhook"]?["url"]?.text ?? "")
    }

    private static func scopes(_ json: JSON?) -> [String] {
        json?.text.map(StoreRecord.scopes) ?? json?.texts ?? []
    }

    private static func seconds(_ json: JSON?) -> Int64? {
        switch json {
        case .int(let number)?: number
        case .double(let number)? where (0..<32_503_680_000).contains(number): Int64(number)
        default: nil
        }
    }
}
