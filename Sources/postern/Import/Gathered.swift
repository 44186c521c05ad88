import Platforms
import Rules

/// One value of a source on its way to its place.
struct GatheredValue {
    /// As the source names it.
    let name: String
    let key: String
    let value: String
}

/// What a source has for one app.
struct GatheredApp {
    let platform: Platform
    var values: [GatheredValue] = []
    /// As the admin call takes them.
    var installations: [[String: JSON]] = []
    /// The profile the source names for it.
    var profile: String?

    func value(_ key: String) -> String? { values.first { $0.key == key }?.value }
}

/// All that a source has, and what it would take to remove it.
struct Gathered {
    static let formats = ["auto", "env", "json", "slack-sqlite", "bolt-files", "blueprint"]

    var apps: [GatheredApp] = []
    var skipped: [(name: String, why: String)] = []
    /// The plain copies.
    var files: [FileMark] = []
    var folders: [String] = []
    /// What is in the source and was not taken, so that it is not removed.
    var leftovers: [String] = []
    /// Of a `.env` file: what is left of it without the values that were taken; nil where nothing is.
    var rest: [UInt8]?
    /// Whether the source can give up single values.
    var canKeepRest = false

    /// Reads a source. `now` is in seconds since 1970; `environment` says where memory can be had as files.
    init(
        _ format: String, _ path: String, _ names: ImportNames, now: Int64, environment: [String: String]
    ) throws(Failure) {
        guard let mark = FileMark(of: path) else {
            throw Failure.usage("there is nothing at \(path.shown)")
        }
        if mark.isLink { throw Failure.usage("\(path.shown) is a symbolic link", next: "name the file itself") }
        var format = format
        var file: SourceFile?
        if format == "auto", mark.isDirectory { format = "bolt-files" }
        if format == "auto", try SourceHead.isDatabase(path) { format = "slack-sqlite" }
        if format != "bolt-files", format != "slack-sqlite" { file = try SourceFile(path, atMost: 1 << 20) }
        if format == "auto", let file { format = try Self.textFormat(path, file) }
        switch (format, file) {
        case ("bolt-files", _):
            let store = try FileStore(path)
            take(store.records, now)
            (files, folders) = (store.files, store.folders)
            leftovers += store.others
        case ("slack-sqlite", _):
            let store = try SQLiteStore(path, environment)
            take(store.records, now)
            files = store.files
            leftovers += store.others.map { "the table \(Columns.printable($0))" }
        case ("env", let file?): try take(try Dotenv(try file.text(), path: path), file, names)
        case ("json", let file?): try take(json: file, names)
        case ("blueprint", let file?):
            let script = try ScriptConstants(try file.text(), path: path)
            let blueprint = try ImportNames(merging: names, otherwise: "genesys-slack")
            var values: [(String, String)] = []
            for constant in script.constants {
                if let value = constant.value { values.append((constant.name, value)) }
            }
            try add(values, blueprint, nil, profile: blueprint.parts.first?.name, path)
            files = [file.mark]
        default:
            throw Failure.usage(
                "\"\(format.shown)\" is no format", next: "one of \(Self.formats.joined(separator: ", "))")
        }
    }

    private static func textFormat(_ path: String, _ file: SourceFile) throws(Failure) -> String {
        if [".js", ".cjs", ".mjs"].contains(where: { path.hasSuffix($0) }) { return "blueprint" }
        let first = try file.text().first { !$0.isWhitespace }
        return first == "{" || first == "[" ? "json" : "env"
    }

    private mutating func take(_ records: StoreRecords, _ now: Int64) {
        for one in records.apps {
            let (installations, ended) = records.installations(of: one, now: now)
            skipped += ended.map { ($0, "it has ended, and has no refresh token") }
            guard !installations.isEmpty else { continue }
            var app = GatheredApp(platform: .slack, installations: installations)
            if !one.appID.isEmpty { app.values.append(GatheredValue(name: "app_id", key: "app_id", value: one.appID)) }
            if !one.clientID.isEmpty {
                app.values.append(GatheredValue(name: "client_id", key: "client_id", value: one.clientID))
            }
            apps.append(app)
        }
        if records.replaced > 0 {
            skipped.append((Show.count(records.replaced, "older record"), "replaced by later ones in the store"))
        }
        for (what, why) in records.left {
            skipped.append((what, why))
            leftovers.append(what)
        }
    }

    private mutating func take(_ env: Dotenv, _ file: SourceFile, _ names: ImportNames) throws(Failure) {
        var values: [(String, String)] = []
        var taken: [Dotenv.Entry] = []
        for entry in env.entries {
            guard let place = names.place(of: entry.name), place != .ignored else { continue }
            if let doubt = entry.doubt {
                throw Failure.usage("\(file.path.shown), line \(entry.lines.lowerBound): \(doubt)")
            }
            if let twin = taken.first(where: { $0.name == entry.name }), twin.value != entry.value {
                throw Failure.usage(
                    "\(file.path.shown), lines \(twin.lines.lowerBound) and \(entry.lines.lowerBound): "
                        + "\(entry.name.shown) has two values", next: "keep the one that is right")
            }
            if !taken.contains(where: { $0.name == entry.name }) { values.append((entry.name, entry.value)) }
            taken.append(entry)
        }
        for entry in env.entries where !taken.contains(where: { $0.name == entry.name }) {
            values.append((entry.name, entry.value))
        }
        try add(values, names, nil, profile: names.parts.first?.name, file.path)
        files = [file.mark]
        canKeepRest = true
        // What was left out stays, whatever its name says.
        rest = env.without(taken.filter { !leftovers.contains($0.name) })
        leftovers = []
    }

    private mutating func take(json file: SourceFile, _ names: ImportNames) throws(Failure) {
        guard let json = JSON(parsing: file.bytes) else {
            throw Failure.usage("\(file.path.shown) is not JSON")
        }
        let objects = json.items.isEmpty ? [json] : json.items
        guard objects.count <= 1000 else { throw Failure.usage("\(file.path.shown) has more than 1000 apps") }
        for (index, object) in objects.enumerated() {
            let path = objects.count > 1 ? "\(file.path), entry \(index + 1)" : file.path
            guard case .object(let members) = object else {
                throw Failure.usage("\(path.shown) is not a JSON object", next: "see postern app add --help")
            }
            var names = names
            if names.parts.isEmpty, let profile = members["profile"]?.text {
                names = try ImportNames(merging: names, otherwise: profile)
            }
            let platform = members["platform"]?.text.flatMap { Platform(rawValue: $0) }
            var values: [(String, String)] = []
            try Self.flatten(members, "", into: &values, path)
            try add(
                values, names, platform ?? (names.parts.count == 1 ? names.parts[0].platform : nil),
                profile: names.parts.first?.name, path)
        }
        files = [file.mark]
    }

    /// Nested objects of a platform, or of the API's own shape, become `platform.key` and `key`.
    private static func flatten(
        _ members: [String: JSON], _ prefix: String, into values: inout [(String, String)], _ path: String
    ) throws(Failure) {
        for name in members.keys.sorted() {
            switch members[name] {
            case .string(let text)?: values.append((prefix + name, text))
            case .int(let number)?: values.append((prefix + name, String(number)))
            case .array(let items)? where items.allSatisfy { $0.text != nil }:
                values.append((prefix + name, items.compactMap(\.text).joined(separator: ",")))
            case .object(let inner)? where Platform(rawValue: name) != nil && prefix.isEmpty:
                try flatten(inner, "\(name).", into: &values, path)
            case .object(let inner)? where name == "fields" || name == "secrets":
                try flatten(inner, prefix, into: &values, path)
            case .null?, .bool?: continue
            default: throw Failure.usage("\(path.shown): a member is neither a text nor a number")
            }
        }
    }

    /// Sorts values under their platforms' apps.
    private mutating func add(
        _ values: [(String, String)], _ names: ImportNames, _ platform: Platform?, profile: String?, _ path: String
    ) throws(Failure) {
        var found: [Platform: GatheredApp] = [:]
        var halves: [Int: (String, String)] = [:]
        for (name, value) in values {
            switch names.place(of: name, in: platform) {
            case nil:
                guard !["profile", "platform", "tenant"].contains(name) else { continue }
                skipped.append((name, "its name says of no credential; --map takes it"))
                leftovers.append(name)
            case .ignored?:
                skipped.append((name, "ignored, as told"))
                leftovers.append(name)
            case _ where value.isEmpty: skipped.append((name, "it is empty"))
            case .half(let index)?: halves[index] = (name, value)
            case .value(let platform, let key)?:
                if !names.parts.isEmpty, !names.parts.contains(where: { $0.platform == platform }) {
                    skipped.append((name, "\(names.parts[0].name) has no \(platform.rawValue) app"))
                    leftovers.append(name)
                    continue
                }
                try Self.put(GatheredValue(name: name, key: key, value: value), platform, &found, profile, path)
            }
        }
        if let first = halves[0] ?? halves[1] {
            let both = [halves[0]?.1, halves[1]?.1].compactMap(\.self).joined(separator: ",")
            let value = GatheredValue(name: first.0, key: "integration_ids", value: both)
            try Self.put(value, .genesys, &found, profile, path)
        }
        apps += Platform.allCases.compactMap { found[$0] }
    }

    private static func put(
        _ value: GatheredValue, _ platform: Platform, _ found: inout [Platform: GatheredApp], _ profile: String?,
        _ path: String
    ) throws(Failure) {
        var app = found[platform] ?? GatheredApp(platform: platform, profile: profile)
        if let twin = app.values.first(where: { $0.key == value.key }) {
            guard twin.value != value.value else { return }
            throw Failure.usage(
                "\(path.shown): \(twin.name.shown) and \(value.name.shown) are both the \(value.key), with two values",
                next: "leave one out: --map \(value.name.shown)=ignore")
        }
        app.values.append(value)
        found[platform] = app
    }
}

extension ImportNames {
    /// The same, with another profile where none was named.
    init(merging names: ImportNames, otherwise profile: String) throws(Failure) {
        guard names.parts.isEmpty else {
            self = names
            return
        }
        let parts = Profile.parts(of: profile)
        guard !parts.isEmpty else {
            throw Failure.usage(
                "there is no profile \"\(profile.shown)\"", next: "one of \(Profile.names.joined(separator: ", "))")
        }
        self.init(parts: parts, like: names)
    }
}

/// The first bytes of a file.
enum SourceHead {
    /// Whether it is an SQLite database, by its first bytes (sqlite.org/fileformat2.html).
    static func isDatabase(_ path: String) throws(Failure) -> Bool {
        guard let mark = FileMark(of: path), mark.isRegular, mark.size >= 100 else { return false }
        let descriptor: Int32
        do { descriptor = try Descriptor.open(path) } catch {
            throw Failure.error("\(path.shown) cannot be read: \(error.what)")
        }
        defer { Descriptor.close(descriptor) }
        var secret = Secret(room: 16)
        _ = try? secret.read(from: descriptor)
        let magic = Array("SQLite format 3\0".utf8)
        return secret.count == 16 && (0..<16).allSatisfy { secret[$0] == magic[$0] }
    }
}
