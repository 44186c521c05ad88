import Platforms
import Rules

/// The values an integration's guide asks for, from a file, from options and from the person.
struct CredentialForm {
    /// One thing that is asked for. An integration of two apps has two profiles, and a field's name then has the
    /// platform before it.
    struct Slot {
        let profile: Profile
        let field: Profile.Field
        let name: String
    }

    let parts: [Profile]
    /// In the guide's order.
    let slots: [Slot]
    /// Values that look like another field's are taken.
    let keepOdd: Bool
    /// By the slot's name; cleaned by `complete`.
    var values: [String: String] = [:]

    init(parts: [Profile], keepOdd: Bool) {
        self.parts = parts
        self.keepOdd = keepOdd
        slots = parts.flatMap { profile in
            profile.fields.map { field in
                let name = parts.count > 1 ? "\(profile.platform.rawValue).\(field.key)" : field.key
                return Slot(profile: profile, field: field, name: name)
            }
        }
    }

    /// The two ids of the blueprint's settings, which are one field here.
    private static let halves = [
        "open_messaging_direct_messaging_id", "open_messaging_app_mention_id", "direct_messaging_id", "app_mention_id",
    ]

    /// A JSON object with the fields' keys; `-` is standard input. An integration of two apps has an object for each
    /// platform, or keys such as `slack.bot_token`; what only one of them asks for needs no platform.
    mutating func take(file path: String, _ console: Console) throws(Failure) {
        let bytes: [UInt8]
        if path != "-", Descriptor.isReadableByOthers(path) {
            console.warn("\(path.shown) can be read by other users; delete it once the app is stored")
        }
        do {
            bytes =
                path == "-"
                ? try Descriptor.contents(of: 0, atMost: 1 << 20)
                : try Descriptor.contents(ofFile: path, atMost: 1 << 20)
        } catch {
            throw Failure.error("\(path.shown) cannot be read: \(error.what)")
        }
        guard case .object(let members)? = JSON(parsing: bytes) else {
            throw Failure.usage("\(path.shown) is not a JSON object", next: "see the example in postern app add --help")
        }
        var ids: [String: String] = [:]
        for key in members.keys.sorted() {
            if parts.contains(where: { $0.platform.rawValue == key }), parts.count > 1,
                case .object(let inner)? = members[key]
            {
                for name in inner.keys.sorted() { try take("\(key).\(name)", inner[name], path) }
            } else if Self.halves.contains(key), case .string(let id)? = members[key] {
                ids[key] = id
            } else {
                try take(key, members[key], path)
            }
        }
        if !ids.isEmpty {
            let name = try known("integration_ids").name
            values[name] = values[name] ?? Self.halves.compactMap { ids[$0] }.joined(separator: ",")
        }
    }

    private mutating func take(_ key: String, _ value: JSON?, _ path: String) throws(Failure) {
        let slot = try known(key)
        guard values[slot.name] == nil else {
            throw Failure.usage("\(slot.name) is in \(path.shown) twice, under two names")
        }
        switch value {
        case .string(let text)?: values[slot.name] = text
        case .int(let number)?: values[slot.name] = String(number)
        case .array(let items)?: values[slot.name] = items.compactMap(\.text).joined(separator: ",")
        case .null?: return
        default: throw Failure.usage("\(slot.name) in \(path.shown) is not a text")
        }
        guard case .array? = value, slot.field.key != "integration_ids" else { return }
        throw Failure.usage("\(slot.name) in \(path.shown) is not a text")
    }

    /// `name=value` from `--field`, for public fields only.
    mutating func take(pair: String) throws(Failure) {
        guard let equals = pair.firstIndex(of: "=") else {
            throw Failure.usage("--field takes NAME=VALUE, for example --field workspace_name=Acme")
        }
        let name = String(pair[..<equals])
        let slot = SecretOnCommandLine.isSecretOption(name) ? nil : try known(name)
        guard let slot, !slot.field.isSecret else { throw SecretOnCommandLine.failure("--field \(name.shown)") }
        values[slot.name] = String(pair[pair.index(after: equals)...])
    }

    /// The App ID, for the part that asks for one.
    mutating func take(appID: String) throws(Failure) {
        guard let slot = slots.first(where: { $0.field.place == .appID }) else {
            throw Failure.usage("--app-id is not for \(parts[0].name)", next: "its app's id is the Client ID")
        }
        values[slot.name] = appID
    }

    private func known(_ name: String) throws(Failure) -> Slot {
        if let slot = slots.first(where: { $0.field.aliases.contains(name) }) { return slot }
        func plain(_ text: String) -> String { text.lowercased().filter { $0 != "-" && $0 != "_" } }
        let found = slots.filter { plain($0.name) == plain(name) || plain($0.field.key) == plain(name) }
        if found.count == 1 { return found[0] }
        if let first = found.first {
            throw Failure.usage(
                "\"\(first.field.key)\" could be of either app",
                next: "write \(found.map(\.name).joined(separator: " or "))")
        }
        let names = slots.map(\.name)
        throw Failure.usage(
            "the profile \(parts[0].name) has no field \"\(name.shown)\"",
            next: Suggestion.nearest(to: name, among: names).map { "did you mean \($0)?" }
                ?? "its fields are \(names.joined(separator: ", "))")
    }

    /// Cleans what is there, asks for what is missing, in the guide's order.
    mutating func complete(_ session: Session) throws(Failure) {
        // Only somebody who gave nothing at all is asked for the optional fields, too.
        let fromScratch = slots.allSatisfy { values[$0.name] == nil || $0.field.place == .appID }
        for slot in slots {
            if let raw = values[slot.name] { try take(raw, for: slot, session.console) }
        }
        let missing = slots.filter { $0.field.required && (values[$0.name] ?? "").isEmpty }
        if missing.isEmpty, !fromScratch { return try checkTwins() }
        guard let terminal = session.terminal() else {
            if missing.isEmpty { return try checkTwins() }
            let list = missing.map { "\($0.field.label) (\($0.name); \($0.field.find))" }.joined(separator: "; ")
            throw Failure.usage("missing: \(list)", next: "give them with --from-file, or run postern where it can ask")
        }
        let asked = slots.filter { slot in
            values[slot.name] == nil && (fromScratch || missing.contains { $0.name == slot.name })
        }
        terminal.say("\(parts[0].title): \(Show.count(asked.count, "value")) to enter. Secrets are not shown.\n")
        for (index, slot) in asked.enumerated() {
            try ask(slot, number: "\(index + 1)/\(asked.count)", terminal)
        }
        try checkTwins()
    }

    /// One value in two secret fields is a slip of the hand.
    private func checkTwins() throws(Failure) {
        guard !keepOdd else { return }
        let secrets = slots.filter { $0.field.isSecret && values[$0.name] != nil }
        for (index, slot) in secrets.enumerated() {
            if let twin = secrets[..<index].first(where: { values[$0.name] == values[slot.name] }) {
                throw Failure.usage(
                    "\(twin.field.label) and \(slot.field.label) are the same value",
                    next: "nothing was sent; copy each again, or add --as-is if that is right")
            }
        }
    }

    /// A value that came without asking: cleaned, and refused when it plainly belongs elsewhere.
    private mutating func take(_ raw: String, for slot: Slot, _ console: Console) throws(Failure) {
        let (value, remarks) = Profile.read(raw, for: slot.field)
        for remark in remarks {
            if remark.sort == .misplaced, !keepOdd {
                throw Failure.usage(
                    "\(slot.field.label) (\(slot.name)): \(remark.sentence)",
                    next: "nothing was sent; correct it, or add --as-is if it is right")
            }
            console.warn("\(slot.field.label): \(remark.sentence)")
        }
        values[slot.name] = value.isEmpty ? nil : value
    }

    /// Asks for one more value: an App ID that the platform would not tell.
    mutating func askAppID(_ session: Session, because reason: String) throws(Failure) -> Bool {
        guard let slot = slots.first(where: { $0.field.place == .appID }), values[slot.name] == nil,
            let terminal = session.terminal()
        else { return false }
        terminal.say("\n\(Columns.printable(reason)).\n")
        let field = Profile.Field.slackAppID(required: true)
        try ask(Slot(profile: slot.profile, field: field, name: slot.name), number: "1/1", terminal)
        return true
    }

    private mutating func ask(_ slot: Slot, number: String, _ terminal: borrowing Terminal) throws(Failure) {
        let field = slot.field
        let of = parts.count > 1 ? " of the \(slot.profile.platform.rawValue) app" : ""
        terminal.say("\n\(number)  \(field.label)\(of)\(field.required ? "" : " (optional, Enter skips it)")\n")
        terminal.say("     found at: \(field.find)\n")
        var refused: String?
        while true {
            guard let raw = try answer(field, terminal) else {
                throw Failure.error("stopped; nothing was added")
            }
            let (value, remarks) = Profile.read(raw, for: field)
            if value.isEmpty {
                if !field.required { return }
                terminal.say("     this one is needed\n")
                continue
            }
            for remark in remarks { terminal.say("     note: \(remark.sentence)\n") }
            // The same value a second time is meant: a hint never rejects for good.
            if remarks.contains(where: { $0.sort == .misplaced }), !keepOdd, refused != value {
                terminal.say("     enter it again; the same value once more is taken as it is\n")
                refused = value
                continue
            }
            values[slot.name] = value
            if field.isSecret { terminal.say("     \(Show.count(value.utf8.count, "byte"))\n") }
            return
        }
    }

    private func answer(_ field: Profile.Field, _ terminal: borrowing Terminal) throws(Failure) -> String? {
        guard field.isSecret else { return terminal.line("     > ") }
        var secret = Secret()
        guard terminal.secret("     > ", into: &secret) || !field.required else { return nil }
        return secret.text
    }
}

extension CredentialForm {
    /// The App ID of a part, as far as it was given.
    func appID(of part: Profile) throws(Failure) -> AppID? {
        let key = part.appID == .clientID ? "client_id" : "app_id"
        guard let slot = slots.first(where: { $0.profile.platform == part.platform && $0.field.key == key }),
            let text = values[slot.name]
        else { return nil }
        guard let id = AppID(text) else {
            throw Failure.usage(
                "the \(slot.field.label) has characters no App ID has", next: "letters, digits, . _ and - are possible")
        }
        return id
    }

    /// A part's members of the body: App ID, public fields and secrets.
    func body(of part: Profile) throws(Failure) -> [String: JSON] {
        var body: [String: JSON] = [
            "platform": .string(part.platform.rawValue),
            "fields": group(part) { if case .field = $0 { true } else { false } },
            "secrets": group(part) { if case .secret = $0 { true } else { false } },
        ]
        if let id = try appID(of: part) { body["app_id"] = .string(id.value) }
        return body
    }

    private func group(_ part: Profile, _ belongs: (Profile.Field.Place) -> Bool) -> JSON {
        var out: [String: JSON] = [:]
        for slot in slots where slot.profile.platform == part.platform && belongs(slot.field.place) {
            if let value = values[slot.name] { out[slot.field.key] = .string(value) }
        }
        return .object(out)
    }
}
