import Platforms
import Rules

/// What an import would do: every value with its place, and how it stands to what the vault has.
struct ImportPlan {
    /// How many installations go in one call, well within the size of a body.
    private static let batch = 400

    struct Row {
        let app: AppKey
        /// The workspace or person; empty for the app's own.
        let place: String
        let what: String
        let bytes: Int
        let from: String
        var comparison: String

        var standing: String {
            switch comparison {
            case "absent": "add"
            case "same": "there already"
            case "older": "the vault has a newer one"
            default: "differs"
            }
        }
    }

    /// One app with its values cleaned.
    struct App {
        let key: AppKey
        let profile: Profile
        let exists: Bool
        let fields: [String: String]
        let secrets: [String: String]
        let installations: [[String: JSON]]
        /// Labels of what the guide lists and nobody has given.
        let missing: [Profile.Field]
        var rows: [Row]

        var changes: Bool { rows.contains { $0.comparison == "absent" || $0.comparison == "different" } }
    }

    let tenant: String
    private(set) var apps: [App] = []

    init(
        _ gathered: Gathered, tenant: String, named: [AppKey], fields: [(String, String)], keepOdd: Bool,
        _ session: Session
    ) throws(Failure) {
        self.tenant = tenant
        let there = try session.admin.get("apps", [("tenant", tenant)])["apps"]?.items ?? []
        for one in gathered.apps {
            var one = one
            for (key, value) in fields where one.value(key) == nil {
                let profile = try Self.profile(of: one)
                guard profile.fields.contains(where: { $0.key == key }) else { continue }
                one.values.append(GatheredValue(name: "--field \(key)", key: key, value: value))
            }
            let key = try Self.key(of: one, named, there)
            let app = try Self.app(one, key, there, keepOdd: keepOdd, session)
            guard !apps.contains(where: { $0.key == app.key }) else {
                throw Failure.usage(
                    "the source has two apps that would both be \(app.key)",
                    next: "bring them one after the other, each in a file of its own")
            }
            apps.append(try Self.compared(app, session))
        }
        try requireWholeProfiles()
    }

    private static func profile(of app: GatheredApp) throws(Failure) -> Profile {
        let name = app.profile ?? app.platform.rawValue
        guard
            let profile = Profile.named(name, on: app.platform)
                ?? Profile.named(app.platform.rawValue, on: app.platform)
        else { throw Failure.usage("there is no profile for \(app.platform.rawValue)") }
        return profile
    }

    /// The app meant: as named, as the source says, or the tenant's one with the same Client ID.
    private static func key(of app: GatheredApp, _ named: [AppKey], _ there: [JSON]) throws(Failure) -> AppKey {
        let profile = try profile(of: app)
        let told = named.filter { $0.platform == app.platform }
        let own = app.value("app_id") ?? (profile.appID == .clientID ? app.value("client_id") : nil)
        if told.count > 1 {
            throw Failure.usage("--app names two \(app.platform.rawValue) apps", next: "bring one after the other")
        }
        if let own {
            guard let id = AppID(own) else {
                throw Failure.usage(
                    "the App ID in the source has characters no App ID has",
                    next: "mend it there, or leave it out with --map NAME=ignore and name the app with --app")
            }
            guard told.isEmpty || told[0].appID == id else {
                throw Failure.usage(
                    "the source is of another app than --app \(told[0])",
                    next: "leave --app out, or bring that app's source")
            }
            return AppKey(app.platform, id)
        }
        if let first = told.first { return first }
        if let client = app.value("client_id") {
            let same = there.filter {
                $0["platform"]?.text == app.platform.rawValue && $0["fields"]?["client_id"]?.text == client
            }
            if same.count == 1, let key = AppKey(Show.app(same[0])) { return key }
        }
        throw Failure.usage(
            "the source does not say which \(app.platform.rawValue) app it is of",
            next: "name it: --app \(app.platform.rawValue)/APP_ID")
    }

    /// Cleans what the app has, as `app add` does.
    private static func app(
        _ gathered: GatheredApp, _ key: AppKey, _ there: [JSON], keepOdd: Bool, _ session: Session
    ) throws(Failure) -> App {
        let profile = try profile(of: gathered)
        let exists = there.contains { Show.app($0) == "\(key)" }
        let known = profile.fields + Profile.all.filter { $0.platform == key.platform }.flatMap(\.fields)
        var fields: [String: String] = [:]
        var secrets: [String: String] = [:]
        var rows: [Row] = []
        for item in gathered.values where item.key != "app_id" {
            var value = item.value
            if let field = known.first(where: { $0.key == item.key }) {
                let (clean, remarks) = Profile.read(value, for: field)
                for remark in remarks {
                    if remark.sort == .misplaced, !keepOdd {
                        throw Failure.usage(
                            "\(item.name.shown), the \(field.label): \(remark.sentence)",
                            next: "nothing was stored; correct it, or add --as-is if it is right")
                    }
                    session.console.warn("\(item.name.shown): \(remark.sentence)")
                }
                value = clean
            }
            guard value.utf8.count <= Secret.longest, !value.utf8.contains(0) else {
                throw Failure.usage("\(item.name.shown) is longer than 64 KiB or has a NUL byte")
            }
            if PublicField(rawValue: item.key) != nil { fields[item.key] = value } else { secrets[item.key] = value }
            rows.append(
                Row(
                    app: key, place: "", what: item.key, bytes: value.utf8.count, from: item.name,
                    comparison: "absent"))
        }
        for one in gathered.installations {
            let team = one["team_id"]?.text ?? ""
            let place = (team.isEmpty ? one["enterprise_id"]?.text : team) ?? ""
            let person = one["user_id"]?.text.map { " \($0)" } ?? ""
            for (member, kind) in installed {
                guard let value = one[member]?.text else { continue }
                let renews = one[member.replacing("_token", with: "_refresh_token")]?.text != nil
                rows.append(
                    Row(
                        app: key, place: Columns.printable(place + person), what: kind, bytes: value.utf8.count,
                        from: member.hasSuffix("token") && renews ? "\(member) and its refresh token" : member,
                        comparison: "absent"))
            }
        }
        let missing = profile.fields.filter { field in
            field.required && fields[field.key] == nil && secrets[field.key] == nil && field.place != .appID
                && !(field.key == "bot_token" && gathered.installations.contains { $0["bot_token"] != nil })
        }
        return App(
            key: key, profile: profile, exists: exists, fields: fields, secrets: secrets,
            installations: gathered.installations, missing: exists ? [] : missing, rows: rows)
    }

    /// In the order in which the daemon answers.
    private static let installed = [
        ("bot_token", "bot_token"), ("user_token", "user_token"), ("incoming_webhook_url", "webhook_url"),
    ]

    /// A profile of two apps is added with both or not at all.
    private func requireWholeProfiles() throws(Failure) {
        for app in apps where !app.exists {
            let parts = Profile.parts(of: app.profile.name)
            let present = apps.filter { $0.profile.name == app.profile.name && !$0.exists }
            guard parts.count > 1, present.count < parts.count else { continue }
            throw Failure.usage(
                "\(app.profile.name) has \(parts.count) apps, and of them only \(app.key) would be new",
                next: "import it by itself: --profile \(app.key.platform.rawValue)")
        }
        for app in apps where !app.exists {
            guard let field = app.missing.first(where: { !$0.isSecret }) else { continue }
            throw Failure.usage(
                "\(app.key) is not in the vault yet, and its \(field.label) is missing",
                next: "add --field \(field.key)=… (\(field.find))")
        }
    }

    // MARK: - The daemon's part

    /// Asks how each value stands to what the vault has; nothing is stored, nothing is shown.
    private static func compared(_ app: App, _ session: Session) throws(Failure) -> App {
        guard app.exists else { return app }
        var app = app
        for range in ranges(app) {
            let answer = try session.admin.call(
                "POST", "apps/\(app.key)/import",
                body: SecretBody(JSON.object(body(app, range, ["check": true])).compact()))
            for item in answer["items"]?.items ?? [] {
                let place = item["installation"]?.int.map { Int($0) + range.lowerBound }
                guard let name = item["name"]?.text, let index = row(of: name, place, in: app) else { continue }
                app.rows[index].comparison = item["comparison"]?.text ?? "different"
            }
        }
        return app
    }

    /// The row of an item: the app's own come first, then each installation's in order.
    private static func row(of name: String, _ installation: Int?, in app: App) -> Int? {
        let own = app.fields.count + app.secrets.count
        guard let installation else { return app.rows[..<own].firstIndex { $0.what == name } }
        var first = own
        for one in app.installations[..<installation] { first += installed.count { one[$0.0] != nil } }
        let count = installed.count { app.installations[installation][$0.0] != nil }
        return app.rows[first..<first + count].firstIndex { $0.what == name }
    }

    private static func ranges(_ app: App) -> [Range<Int>] {
        guard !app.installations.isEmpty else { return [0..<0] }
        return stride(from: 0, to: app.installations.count, by: batch).map {
            $0..<min($0 + batch, app.installations.count)
        }
    }

    private static func body(_ app: App, _ range: Range<Int>, _ more: [String: JSON] = [:]) -> [String: JSON] {
        var body = more
        if range.lowerBound == 0 {
            body["fields"] = .object(app.fields.mapValues { .string($0) })
            body["secrets"] = .object(app.secrets.mapValues { .string($0) })
        }
        body["installations"] = .array(app.installations[range].map { .object($0) })
        return body
    }

    /// How far storing came.
    struct Applied {
        /// The daemon's answers with checks.
        var answers: [JSON] = []
        /// How many of its installations are stored; nil where nothing of the app is.
        var installations: Int?
        /// Why what was stored could not be checked.
        var unchecked: Failure?
    }

    /// Stores what is missing of an app, and of the others that are new with it. `done` says how far it came, also where
    /// it throws.
    func apply(
        _ app: App, replaces: Bool, verify: Bool, _ session: Session, _ done: inout Applied
    ) throws(Failure) {
        if !app.exists {
            let together = apps.filter { !$0.exists && $0.profile.name == app.profile.name && $0.key != app.key }
            let isPair = Profile.parts(of: app.profile.name).count > 1
            var body: [String: JSON] = [
                "tenant": .string(tenant), "profile": .string(app.profile.name), "verify": .bool(verify),
            ]
            let entries = (isPair ? [app] + together : [app]).map { one in
                Self.body(one, Self.ranges(one)[0]).merging(
                    ["app_id": .string(one.key.appID.value), "platform": .string(one.key.platform.rawValue)]
                ) { _, new in new }
            }
            if isPair { body["apps"] = .array(entries.map { .object($0) }) } else { body.merge(entries[0]) { $1 } }
            let admin = verify ? session.patientAdmin : session.admin
            let answer = try admin.call("POST", "apps", body: SecretBody(JSON.object(body).compact()))
            done.answers += answer["apps"]?.items ?? [answer]
            done.installations = Self.ranges(app)[0].upperBound
        }
        for range in Self.ranges(app) where app.exists || range.lowerBound > 0 {
            let more: [String: JSON] = ["replace": .bool(replaces)]
            _ = try session.patientAdmin.call(
                "POST", "apps/\(app.key)/import",
                body: SecretBody(JSON.object(Self.body(app, range, more)).compact()))
            done.installations = range.upperBound
        }
        guard app.exists, verify else { return }
        do {
            let answer = try session.patientAdmin.post("apps/\(app.key)/verify", ["fresh": true])
            done.answers.append([
                "platform": .string(app.key.platform.rawValue), "app_id": .string(app.key.appID.value),
                "checks": answer["checks"] ?? [],
            ])
        } catch { done.unchecked = error }
    }

    /// Asks once more: true where the vault has every value, or had it and has a newer one.
    func isStored(_ app: App, _ session: Session) throws(Failure) -> Bool {
        let stored = App(
            key: app.key, profile: app.profile, exists: true, fields: app.fields, secrets: app.secrets,
            installations: app.installations, missing: [],
            rows: app.rows.map { row in
                var row = row
                row.comparison = "absent"
                return row
            })
        return try Self.compared(stored, session).rows.allSatisfy {
            $0.comparison == "same" || $0.comparison == "older"
        }
    }
}
