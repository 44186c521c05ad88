import Rules

/// A command line after parsing: which command, and what was given to it.
struct Invocation: Sendable {
    /// From the root to the command that runs.
    let path: [Command]
    let arguments: [String]
    /// Values by option name, in the order given; a flag has empty values.
    let options: [String: [String]]

    var command: Command { path[path.count - 1] }

    /// `postern app add`.
    var title: String { path.map(\.name).joined(separator: " ") }

    func has(_ option: String) -> Bool { options[option] != nil }

    func all(_ option: String) -> [String] { options[option] ?? [] }

    func text(_ option: String) -> String? { options[option]?.last }

    func argument(_ index: Int) -> String? { index < arguments.count ? arguments[index] : nil }

    /// Each value split at commas, so that `--method a,b` and `--method a --method b` say the same.
    func list(_ option: String) -> [String] {
        all(option).flatMap { $0.split(separator: ",").map { String($0).trimmed } }.filter { !$0.isEmpty }
    }

    /// A length of time such as `15m`, in seconds.
    func seconds(_ option: String) throws(Failure) -> Int64? {
        guard let text = text(option) else { return nil }
        guard let interval = Interval(text) else {
            throw Failure.usage("--\(option) takes a time such as 90s, 15m, 24h or 7d, not \"\(text.shown)\"")
        }
        return interval.seconds
    }

    func number(_ option: String, atLeast least: Int64 = 0) throws(Failure) -> Int64? {
        guard let text = text(option) else { return nil }
        guard let number = Int64(text), number >= least else {
            throw Failure.usage("--\(option) takes a whole number from \(least), not \"\(text.shown)\"")
        }
        return number
    }

    /// The app named by argument `index`, as `platform/app_id`.
    func app(_ index: Int) throws(Failure) -> AppKey { try Invocation.app(arguments[index]) }

    static func app(_ text: String) throws(Failure) -> AppKey {
        if let app = AppKey(text) { return app }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 3, let app = AppKey(parts[1...].joined(separator: "/")) {
            throw Failure.usage("an app is named without its tenant here", next: "write \(app)")
        }
        let names = Platform.allCases.map(\.rawValue)
        if parts.count == 2, let near = Suggestion.nearest(to: String(parts[0]), among: names) {
            throw Failure.usage(
                "\"\(String(parts[0]).shown)\" is no platform", next: "did you mean \(near)/\(parts[1])?")
        }
        throw Failure.usage(
            "\"\(text.shown)\" does not name an app", next: "write platform/app_id, for example slack/A0123456789")
    }

    func slug(_ index: Int, _ what: String) throws(Failure) -> String { try Invocation.slug(arguments[index], what) }

    static func slug(_ text: String, _ what: String) throws(Failure) -> String {
        guard let slug = Slug(text) else {
            throw Failure.usage(
                "\"\(text.shown)\" cannot be the name of a \(what)",
                next: "use 1 to 63 of a-z, 0-9 and -, not starting with -")
        }
        return slug.value
    }

    func kind(_ index: Int) throws(Failure) -> SecretKind { try Invocation.kind(arguments[index]) }

    static func kind(_ text: String) throws(Failure) -> SecretKind {
        if let kind = SecretKind(rawValue: text) { return kind }
        let names = SecretKind.allCases.map(\.rawValue)
        let near = Suggestion.nearest(to: text.replacing("-", with: "_"), among: names)
        throw Failure(
            exit: .usage, code: "unknown_kind", what: "\"\(text.shown)\" is no kind of secret",
            next: near.map { "did you mean \($0)?" } ?? "the kinds are \(names.joined(separator: ", "))")
    }
}

extension String {
    var trimmed: String {
        var text = self[...]
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }

    /// Fit for a message: no control characters, and not longer than a line.
    var shown: String {
        let clean = Columns.printable(self)
        return clean.count <= 60 ? clean : clean.prefix(57) + "…"
    }
}
