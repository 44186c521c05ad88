/// Reads a command line against the tree. Options may stand anywhere, also before the noun.
struct Parser: Sendable {
    enum Outcome: Sendable {
        case run(Invocation)
        /// `--help` or `help` was asked for the command at the end of the path.
        case help([Command])
    }

    let root: Command
    let globals: [Option]
    /// Every option of every command by name: an option has one meaning of "takes a value" in the whole tree, so the
    /// words can be sorted before the command is known.
    private let takesValue: [String: Bool]
    private let shorts: [Character: String]

    init(root: Command, globals: [Option]) {
        self.root = root
        self.globals = globals
        var takesValue = ["help": false]
        var shorts: [Character: String] = ["h": "help"]
        var open = [root]
        for option in globals {
            takesValue[option.name] = option.value != nil
            if let short = option.short { shorts[short] = option.name }
        }
        while let command = open.popLast() {
            open += command.children
            for option in command.options {
                let before = takesValue.updateValue(option.value != nil, forKey: option.name)
                precondition(before == nil || before == (option.value != nil), "an option with two shapes")
                if let short = option.short { shorts[short] = option.name }
            }
        }
        self.takesValue = takesValue
        self.shorts = shorts
    }

    func parse(_ words: [String]) throws(Failure) -> Outcome {
        try SecretOnCommandLine.refuse(words.prefix { $0 != "--" })
        var path = [root]
        var arguments: [String] = []
        var options: [String: [String]] = [:]
        var index = 0
        var optionsEnded = false
        while index < words.count {
            let word = words[index]
            index += 1
            if !optionsEnded, word == "--" {
                optionsEnded = true
                if !path[path.count - 1].runsProgram { try SecretOnCommandLine.refuse(words[index...]) }
            } else if !optionsEnded, word.hasPrefix("-"), word != "-" {
                let (name, inline) = try split(word, near: path)
                if takesValue[name] == true {
                    if let inline {
                        options[name, default: []].append(inline)
                    } else if index < words.count, words[index] != "--" {
                        options[name, default: []].append(words[index])
                        index += 1
                    } else {
                        throw Failure.usage("--\(name) needs a value", next: seeHelp(path))
                    }
                } else if inline != nil {
                    throw Failure.usage("--\(name) takes no value", next: seeHelp(path))
                } else {
                    options[name, default: []].append("")
                }
            } else if path[path.count - 1].children.isEmpty {
                arguments.append(word)
            } else if word == "help" {
                options["help"] = [""]
            } else if let child = path[path.count - 1].child(word) {
                path.append(child)
            } else if options["help"] == nil {
                throw unknown(word, below: path)
            }
        }
        if options["help"] != nil { return .help(path) }
        let invocation = Invocation(path: path, arguments: arguments, options: options)
        try check(invocation)
        return .run(invocation)
    }

    /// `--name=value`, `--name`, `-x` or `-xVALUE`.
    private func split(_ word: String, near path: [Command]) throws(Failure) -> (name: String, inline: String?) {
        if word.hasPrefix("--") {
            let body = word.dropFirst(2)
            guard let equals = body.firstIndex(of: "=") else {
                return (try known(String(body), near: path), nil)
            }
            return (try known(String(body[..<equals]), near: path), String(body[body.index(after: equals)...]))
        }
        let letter = word[word.index(after: word.startIndex)]
        guard let name = shorts[letter] else {
            throw Failure.usage("there is no option -\(String(letter).shown)", next: seeHelp(path))
        }
        let rest = word.dropFirst(2)
        return (name, rest.isEmpty ? nil : String(rest.first == "=" ? rest.dropFirst() : rest))
    }

    private func known(_ name: String, near path: [Command]) throws(Failure) -> String {
        if takesValue[name] != nil { return name }
        if SecretOnCommandLine.isSecretOption(name) { throw SecretOnCommandLine.failure("--\(name)") }
        let allowed = (path[path.count - 1].options + globals).map(\.name)
        let near =
            Suggestion.nearest(to: name, among: allowed)
            ?? Suggestion.nearest(to: name, among: takesValue.keys.sorted())
        throw Failure.usage(
            "there is no option --\(name.shown)", next: near.map { "did you mean --\($0)?" } ?? seeHelp(path))
    }

    private func unknown(_ word: String, below path: [Command]) -> Failure {
        let parent = path[path.count - 1]
        let names = parent.children.filter { !$0.hidden }.map(\.name)
        let title = path.map(\.name).joined(separator: " ")
        if let near = Suggestion.nearest(to: word, among: names) {
            return Failure.usage("\"\(word.shown)\" is no command", next: "did you mean \(title) \(near)?")
        }
        if path.count == 1, let owner = parent.children.first(where: { $0.child(word) != nil }) {
            return Failure.usage(
                "\"\(word.shown)\" needs its noun first", next: "did you mean \(title) \(owner.name) \(word)?")
        }
        return Failure.usage(
            "\"\(word.shown)\" is no command", next: "\(title) knows: \(names.joined(separator: ", "))")
    }

    private func check(_ invocation: Invocation) throws(Failure) {
        let command = invocation.command
        guard command.run != nil else {
            let names = command.children.filter { !$0.hidden }.map(\.name)
            throw Failure.usage(
                "\(invocation.title) needs a command: \(names.joined(separator: ", "))", next: seeHelp(invocation.path))
        }
        let allowed = command.options + globals
        for name in invocation.options.keys.sorted() {
            guard let option = allowed.first(where: { $0.name == name }) else {
                let near = Suggestion.nearest(to: name, among: command.options.map(\.name))
                throw Failure.usage(
                    "--\(name) is not an option of \(invocation.title)",
                    next: near.map { "did you mean --\($0)?" } ?? seeHelp(invocation.path))
            }
            if !option.repeats, invocation.all(name).count > 1, option.value != nil {
                throw Failure.usage("--\(name) was given twice", next: seeHelp(invocation.path))
            }
            if case .words(let words) = option.values, !words.isEmpty {
                for value in invocation.list(name) where !words.contains(value) {
                    let near = Suggestion.nearest(to: value, among: words)
                    throw Failure.usage(
                        "--\(name) cannot be \"\(value.shown)\"",
                        next: near.map { "did you mean \($0)?" } ?? "one of: \(words.joined(separator: ", "))")
                }
            }
        }
        if let missing = command.arguments.dropFirst(invocation.arguments.count).first(where: { !$0.optional }) {
            throw Failure.usage("\(missing.name) is missing: \(missing.help)", next: seeHelp(invocation.path))
        }
        if invocation.arguments.count > command.arguments.count, command.arguments.last?.repeats != true {
            // The word itself is not repeated: it may be a secret that was pasted here.
            throw Failure.usage(
                "too many arguments: \(invocation.title) takes \(command.arguments.count)",
                next: seeHelp(invocation.path))
        }
        if let missing = command.options.first(where: { $0.required && !invocation.has($0.name) }) {
            throw Failure.usage("--\(missing.name) is missing: \(missing.help)", next: seeHelp(invocation.path))
        }
    }

    private func seeHelp(_ path: [Command]) -> String {
        "see \(path.map(\.name).joined(separator: " ")) --help"
    }
}
