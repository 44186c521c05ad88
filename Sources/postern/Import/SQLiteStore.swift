import Linux
import SQLite

/// slack_sdk's SQLite installation store: tables `slack_installations` and `slack_bots`, with their write-ahead log.
struct SQLiteStore {
    private static let ours = ["slack_installations", "slack_bots", "slack_oauth_states"]
    private static let limit = 64 << 20

    let records: StoreRecords
    /// The store's files as they were read.
    let files: [FileMark]
    /// Tables that are not the store's.
    let others: [String]

    /// `environment` says where memory can be had as files.
    init(_ path: String, _ environment: [String: String]) throws(Failure) {
        // Nothing ends this while the plain copy is there; where a kill does, the next import takes it away.
        self = try SignalInbox.holdingBackEnd { () throws(Failure) in try SQLiteStore(reading: path, environment) }
    }

    private init(reading path: String, _ environment: [String: String]) throws(Failure) {
        let folder = try FileDirectory(
            environment, prefix: "postern-import-",
            otherwise: "the store is read from a copy there, so that nothing of it is changed")
        let copy = "\(folder.path)/store"
        defer {
            withExtendedLifetime(folder) {
                for end in ["", "-wal", "-shm", "-journal"] {
                    if let mark = FileMark(of: copy + end) { try? SourceFolder.destroy(mark) }
                }
            }
        }
        files = try Self.copy(path, to: copy)
        do throws(SQLiteError) {
            let connection = try Connection(copy, .readWrite)
            try connection.configure(synchronous: .off)
            let tables = try Self.tables(connection)
            guard tables.contains("slack_bots") || tables.contains("slack_installations") else {
                throw SQLiteError(.other, "it has no table slack_installations")
            }
            others = tables.filter { !Self.ours.contains($0) }
            var records = StoreRecords()
            if tables.contains("slack_installations") { try Self.installations(connection, into: &records) }
            if tables.contains("slack_bots") { try Self.bots(connection, into: &records) }
            self.records = records
        } catch {
            throw Failure.usage("\(path.shown) is not a store of slack_sdk: \(error.what)")
        }
    }

    /// Copies the database with its logs into memory; again where somebody has written meanwhile.
    private static func copy(_ path: String, to copy: String) throws(Failure) -> [FileMark] {
        for _ in 0..<5 {
            var marks: [FileMark] = []
            for end in ["", "-wal", "-journal"] where end.isEmpty || FileMark(of: path + end) != nil {
                let file = try SourceFile(path + end, atMost: limit)
                if let old = FileMark(of: copy + end) { try SourceFolder.destroy(old) }
                try SourceFolder.write(file.bytes, to: copy + end)
                marks.append(file.mark)
            }
            if marks.allSatisfy(\.stands) {
                return marks + [FileMark(of: path + "-shm")].compactMap(\.self)
            }
        }
        throw Failure.error("\(path.shown) is being written to all the time", next: "stop the bridge first")
    }

    /// The tables; a virtual one is refused.
    private static func tables(_ connection: Connection) throws(SQLiteError) -> [String] {
        var statement = try connection.prepare(
            """
            SELECT name, sql LIKE 'create virtual%' FROM sqlite_schema
            WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name LIMIT 1000
            """)
        var names: [String] = []
        while try statement.step() {
            guard statement.integer(1) == 0 else { throw SQLiteError(.other, "it has a virtual table") }
            names.append(statement.text(0))
        }
        return names
    }

    /// Before 3.8 the stores had no columns for refresh tokens.
    private static func rotates(_ connection: Connection, _ table: String) throws(SQLiteError) -> Bool {
        var statement = try connection.prepare(
            "SELECT count(*) FROM pragma_table_info(?1) WHERE name = 'bot_refresh_token'")
        statement.bind(1, table)
        return try statement.step() && statement.integer(0) > 0
    }

    private static func installations(_ connection: Connection, into records: inout StoreRecords) throws(SQLiteError) {
        var statement = try connection.prepare(
            try rotates(connection, "slack_installations")
                ? """
                SELECT client_id, app_id, enterprise_id, enterprise_name, team_id, team_name, is_enterprise_install,
                    bot_token, bot_scopes, bot_user_id, bot_refresh_token,
                    CASE typeof(bot_token_expires_at) WHEN 'text' THEN CAST(strftime('%s', bot_token_expires_at)
                        AS INTEGER) ELSE CAST(bot_token_expires_at AS INTEGER) END,
                    user_id, user_token, user_scopes, incoming_webhook_url, user_refresh_token,
                    CASE typeof(user_token_expires_at) WHEN 'text' THEN CAST(strftime('%s', user_token_expires_at)
                        AS INTEGER) ELSE CAST(user_token_expires_at AS INTEGER) END
                FROM slack_installations ORDER BY installed_at, id
                """
                : """
                SELECT client_id, app_id, enterprise_id, enterprise_name, team_id, team_name, is_enterprise_install,
                    bot_token, bot_scopes, bot_user_id, '', NULL,
                    user_id, user_token, user_scopes, incoming_webhook_url, '', NULL
                FROM slack_installations ORDER BY installed_at, id
                """)
        while try statement.step() {
            var record = Self.record(statement)
            record.userID = statement.text(12)
            record.user = StoreRecord.Token(
                token: statement.text(13), refreshToken: statement.text(16),
                scopes: StoreRecord.scopes(statement.text(14)), expiresAt: statement.optionalInteger(17))
            record.webhookURL = statement.text(15)
            records.add(record)
        }
    }

    private static func bots(_ connection: Connection, into records: inout StoreRecords) throws(SQLiteError) {
        var statement = try connection.prepare(
            try rotates(connection, "slack_bots")
                ? """
                SELECT client_id, app_id, enterprise_id, enterprise_name, team_id, team_name, is_enterprise_install,
                    bot_token, bot_scopes, bot_user_id, bot_refresh_token,
                    CASE typeof(bot_token_expires_at) WHEN 'text' THEN CAST(strftime('%s', bot_token_expires_at)
                        AS INTEGER) ELSE CAST(bot_token_expires_at AS INTEGER) END
                FROM slack_bots ORDER BY installed_at, id
                """
                : """
                SELECT client_id, app_id, enterprise_id, enterprise_name, team_id, team_name, is_enterprise_install,
                    bot_token, bot_scopes, bot_user_id, '', NULL
                FROM slack_bots ORDER BY installed_at, id
                """)
        while try statement.step() {
            var record = Self.record(statement)
            record.isBot = true
            records.add(record)
        }
    }

    /// The columns both tables have.
    private static func record(_ statement: borrowing Statement) -> StoreRecord {
        StoreRecord(
            clientID: statement.text(0), appID: statement.text(1), enterpriseID: statement.text(2),
            enterpriseName: statement.text(3), teamID: statement.text(4), teamName: statement.text(5),
            isEnterprise: statement.integer(6) != 0,
            bot: StoreRecord.Token(
                token: statement.text(7), refreshToken: statement.text(10),
                scopes: StoreRecord.scopes(statement.text(8)), expiresAt: statement.optionalInteger(11)),
            botUserID: statement.text(9))
    }
}
