import Platforms
import Rules

/// The values a profile's guide asks for, from a file, from options and from the person.
struct CredentialForm {
    let profile: Profile
    /// Values that look like another field's are taken.
    let keepOdd: Bool
    /// By key; cleaned by `complete`.
    var values: [String: String] = [:]

    init(profile: Profile, keepOdd: Bool) {
        self.profile = profile
        self.keepOdd = keepOdd
    }

    /// A JSON object with the fields' keys; `-` is standard input.
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
        guard case .object(let fields)? = JSON(parsing: bytes) else {
            throw Failure.usage("\(path.shown) is not a JSON object", next: "see the example in postern app add --help")
        }
        for key in fields.keys.sorted() {
            let field = try known(key)
            switch fields[key] {
            case .string(let text)?: values[field.key] = text
            case .int(let number)?: values[field.key] = String(number)
            case .null?: continue
            default: throw Failure.usage("\(field.key) in \(path.shown) is not a text")
            }
        }
    }

    /// `name=value` from `--field`, for public fields only.
    mutating func take(pair: String) throws(Failure) {
        guard let equals = pair.firstIndex(of: "=") else {
            throw Failure.usage("--field takes NAME=VALUE, for example --field workspace_name=Acme")
        }
        let name = String(pair[..<equals])
        if SecretOnCommandLine.isSecretOption(name) { throw SecretOnCommandLine.failure("--field \(name)") }
        values[try known(name).key] = String(pair[pair.index(after: equals)...])
    }

    private func known(_ name: String) throws(Failure) -> Profile.Field {
        let key = name.replacing("-", with: "_").lowercased()
        if let field = profile.fields.first(where: { $0.key == key }) { return field }
        let keys = profile.fields.map(\.key)
        throw Failure.usage(
            "the profile \(profile.name) has no field \"\(name.shown)\"",
            next: Suggestion.nearest(to: key, among: keys).map { "did you mean \($0)?" }
                ?? "its fields are \(keys.joined(separator: ", "))")
    }

    /// Cleans what is there, asks for what is missing, in the guide's order.
    mutating func complete(_ session: Session) throws(Failure) {
        let missing = profile.missing(in: values)
        // Only somebody who gave nothing at all is asked for the optional fields, too.
        let fromScratch = profile.fields.allSatisfy { values[$0.key] == nil || $0.key == "app_id" }
        for field in profile.fields {
            if let raw = values[field.key] { try take(raw, for: field, session.console) }
        }
        if missing.isEmpty, !fromScratch { return }
        guard let terminal = session.terminal() else {
            if missing.isEmpty { return }
            let list = missing.map { "\($0.label) (\($0.key); \($0.find))" }.joined(separator: "; ")
            throw Failure.usage("missing: \(list)", next: "give them with --from-file, or run postern where it can ask")
        }
        let asked = profile.fields.filter { field in
            values[field.key] == nil && (fromScratch || missing.contains { $0.key == field.key })
        }
        terminal.say("\(profile.title): \(Show.count(asked.count, "value")) to enter. Secrets are not shown.\n")
        for (index, field) in asked.enumerated() {
            try ask(field, number: "\(index + 1)/\(asked.count)", terminal)
        }
    }

    /// A value that came without asking: cleaned, and refused when it plainly belongs elsewhere.
    private mutating func take(_ raw: String, for field: Profile.Field, _ console: Console) throws(Failure) {
        let (value, remarks) = Profile.read(raw, for: field)
        for remark in remarks {
            if remark.sort == .misplaced, !keepOdd {
                throw Failure.usage(
                    "\(field.label) (\(field.key)): \(remark.sentence)",
                    next: "nothing was sent; correct it, or add --as-is if it is right")
            }
            console.warn("\(field.label): \(remark.sentence)")
        }
        values[field.key] = value.isEmpty ? nil : value
    }

    private mutating func ask(
        _ field: Profile.Field, number: String, _ terminal: borrowing Terminal
    ) throws(Failure) {
        terminal.say("\n\(number)  \(field.label)\(field.required ? "" : " (optional, Enter skips it)")\n")
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
            values[field.key] = value
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

    /// The public fields, for the body.
    var fields: JSON { group { if case .field = $0 { true } else { false } } }

    /// The secrets, for the body.
    var secrets: JSON { group { if case .secret = $0 { true } else { false } } }

    private func group(_ belongs: (Profile.Field.Place) -> Bool) -> JSON {
        var out: [String: JSON] = [:]
        for field in profile.fields where belongs(field.place) {
            if let value = values[field.key] { out[field.key] = .string(value) }
        }
        return .object(out)
    }
}
