/// Help made from the tree: examples first, then everything a man page would say.
struct Help: Sendable {
    let path: [Command]
    let globals: [Option]
    var width = 80
    /// Makes a heading; bold on a terminal.
    var heading: @Sendable (String) -> String = { $0 }

    private var command: Command { path[path.count - 1] }
    private var title: String { path.map(\.name).joined(separator: " ") }
    private var options: [Option] { command.options.filter { !$0.hidden } }

    var lines: [String] {
        var lines = ["\(title): \(command.summary)"]
        func section(_ name: String, _ body: [String]) {
            if !body.isEmpty { lines += ["", heading(name)] + body }
        }
        section("EXAMPLES", command.examples.flatMap { ["  # \($0.does)", "  \($0.line)"] })
        section("USAGE", [usage])
        section("WHAT IT DOES", command.details.flatMap(paragraph))
        let visible = command.children.filter { !$0.hidden }
        section("COMMANDS", list(visible.map { ($0.name, $0.summary) }))
        section("ARGUMENTS", list(command.arguments.map { ($0.name, $0.help + ($0.optional ? " (optional)" : "")) }))
        section("OPTIONS", list(options.map(entry)))
        if command.run != nil || path.count == 1 {
            section("GLOBAL OPTIONS", list(globals.map(entry)))
            section("ENVIRONMENT", list(environment))
            section("EXIT CODES", exitCodes)
        } else {
            lines += ["", "Options, environment and exit codes: \(title) COMMAND --help"]
        }
        return lines
    }

    /// The command as it is typed, broken at spaces under itself.
    var usage: String {
        var words = [title]
        if command.run == nil { words.append("COMMAND") }
        let arguments = command.arguments.map { ($0.optional ? "[\($0.name)]" : $0.name) + ($0.repeats ? "…" : "") }
        // What takes any words stands behind all options, and behind the word that ends them.
        let isLast = command.arguments.last?.repeats == true
        if !isLast { words += arguments }
        words += options.map { option in
            let text = option.value.map { "--\(option.name) \($0)" } ?? "--\(option.name)"
            return (option.required ? text : "[\(text)]") + (option.repeats ? "…" : "")
        }
        words.append("[OPTIONS]")
        if isLast { words += ["--"] + arguments }
        var lines: [String] = []
        var line = " "
        for word in words {
            if line.count + 1 + word.count > width, line.count > 6 {
                lines.append(line)
                line = "     "
            }
            line += " " + word
        }
        return (lines + [line]).joined(separator: "\n")
    }

    private func paragraph(_ text: String) -> [String] {
        if text.hasPrefix(" ") { return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) }
        return Columns.wrapped(text, to: width - 2).map { "  " + $0 }
    }

    private func entry(_ option: Option) -> (String, String) {
        let short = option.short.map { "-\($0), " } ?? ""
        let name = short + "--\(option.name)" + (option.value.map { " \($0)" } ?? "")
        var notes: [String] = []
        if option.required { notes.append("required") }
        if option.repeats { notes.append("may be repeated") }
        return (name, option.help + (notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))"))
    }

    private var environment: [(String, String)] {
        (options + globals).compactMap { option in option.environment.map { ($0, "--\(option.name)") } } + [
            ("POSTERN_RUN_DIR", "where the sockets are, when not in the state directory"),
            ("NO_COLOR", "any value: no colour"),
            ("COLUMNS", "how wide tables may be where there is no terminal"),
        ]
    }

    private var exitCodes: [String] {
        let common = Exit.meanings.map { "\($0.code) \($0.meaning)" }.joined(separator: ", ")
        return command.exits.map { "  \($0.code): \($0.meaning)" }
            + Columns.wrapped(common, to: width - 2).map { "  " + $0 }
    }

    /// Two columns; a name too long for its column gets a line of its own.
    private func list(_ items: [(String, String)]) -> [String] {
        let column = min(26, (items.map { $0.0.count }.max() ?? 0) + 2)
        return items.flatMap { name, text in
            let wrapped = Columns.wrapped(text, to: width - 2 - column)
            var lines: [String] = []
            var rest = wrapped[...]
            if name.count + 2 <= column {
                lines.append("  " + Columns.padded(name, to: column) + (rest.popFirst() ?? ""))
            } else {
                lines.append("  " + name)
            }
            return lines + rest.map { String(repeating: " ", count: column + 2) + $0 }
        }
    }
}
