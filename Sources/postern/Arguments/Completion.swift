import Rules

/// What could stand where the cursor is. The shells' scripts only call this, so they never fall behind the tree.
struct Completion: Sendable {
    struct Candidate: Sendable, Equatable {
        let word: String
        let about: String
    }

    let root: Command
    let globals: [Option]
    /// Asks the daemon; an empty list when it does not answer.
    let ask: @Sendable (Values) -> [Candidate]

    /// `words` are those after `postern`; the last one is being typed.
    func candidates(_ words: [String]) -> [Candidate] {
        guard let current = words.last else { return [] }
        var path = [root]
        var arguments = 0
        var pending: Option?
        var ended = false
        for word in words.dropLast() {
            if pending != nil {
                pending = nil
            } else if !ended, word == "--" {
                ended = true
            } else if !ended, word.hasPrefix("-"), word != "-" {
                pending = word.contains("=") ? nil : option(word, path).flatMap { $0.value == nil ? nil : $0 }
            } else if let child = path[path.count - 1].child(word) {
                path.append(child)
            } else if path[path.count - 1].children.isEmpty {
                arguments += 1
            } else {
                return []
            }
        }
        let command = path[path.count - 1]
        if let pending { return matching(values(pending.values, pending.value), current) }
        if !ended, current.hasPrefix("--"), let equals = current.firstIndex(of: "=") {
            guard let option = option(String(current[..<equals]), path) else { return [] }
            let head = String(current[...equals])
            let found = matching(
                values(option.values, option.value), String(current[current.index(after: equals)...]))
            return found.map { Candidate(word: head + $0.word, about: $0.about) }
        }
        if !ended, current.hasPrefix("-") {
            let options = ((command.run == nil ? [] : command.options) + globals).filter { !$0.hidden }
            return matching(options.map { Candidate(word: "--" + $0.name, about: $0.help) }, current)
        }
        if !command.children.isEmpty {
            let shown = command.children.filter { !$0.hidden }
            return matching(shown.map { Candidate(word: $0.name, about: $0.summary) }, current)
        }
        guard arguments < command.arguments.count else { return [] }
        return matching(values(command.arguments[arguments].values, nil), current)
    }

    private func option(_ word: String, _ path: [Command]) -> Option? {
        let options = path[path.count - 1].options + globals
        if word.hasPrefix("--") {
            let name = word.dropFirst(2).prefix { $0 != "=" }
            return options.first { $0.name == name }
        }
        guard word.count == 2 else { return nil }
        return options.first { $0.short == word.last }
    }

    private func values(_ values: Values, _ meta: String?) -> [Candidate] {
        switch values {
        case .any, .file: []
        case .words(let words): words.map { Candidate(word: $0, about: "") }
        case .apps, .services, .tenants, .patterns: ask(values)
        }
    }

    private func matching(_ candidates: [Candidate], _ prefix: String) -> [Candidate] {
        candidates.filter { $0.word.hasPrefix(prefix) }
    }
}

/// The scripts a shell loads; each asks `postern __complete` for candidates and falls back to file names.
enum CompletionScript {
    static let shells = ["bash", "zsh", "fish"]

    static func text(for shell: String) -> String? {
        switch shell {
        case "bash": bash
        case "zsh": zsh
        case "fish": fish
        default: nil
        }
    }

    // Readline breaks words at ':' and '=', which App actions and --name=value contain; the words are put together
    // from the line itself, and what stands before the last break is taken off the candidates again.
    private static let bash = #"""
        # bash completion for postern. Load it with:  source <(postern completion bash)
        _postern() {
            local line=${COMP_LINE:0:COMP_POINT} words current candidate
            read -ra words <<<"$line"
            [[ $line == *[[:space:]] || ${#words[@]} -eq 0 ]] && words+=("")
            current=${words[${#words[@]}-1]}
            local head=""
            [[ $current == *[:=]* ]] && head=${current%"${current##*[:=]}"}
            COMPREPLY=()
            while IFS=$'\t' read -r candidate _; do
                [[ -n $candidate ]] && COMPREPLY+=("${candidate#"$head"}")
            done < <("${words[0]}" __complete -- "${words[@]:1}" 2>/dev/null)
        }
        complete -o default -F _postern postern
        """#

    private static let zsh = #"""
        #compdef postern
        # zsh completion for postern. Load it with:  source <(postern completion zsh)
        _postern() {
            local -a found shown
            local line
            for line in "${(@f)$(${words[1]} __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
                [[ -z $line ]] && continue
                found+=("${line%%$'\t'*}")
                shown+=("${line%%$'\t'*}  ${line#*$'\t'}")
            done
            if (( ${#found} )); then
                compadd -l -d shown -a found
            else
                _files
            fi
        }
        if [[ $funcstack[1] == _postern ]]; then _postern "$@"; else compdef _postern postern; fi
        """#

    private static let fish = #"""
        # fish completion for postern. Load it with:  postern completion fish | source
        function __postern_complete
            set -l words (commandline -opc) (commandline -ct)
            postern __complete -- $words[2..-1] 2>/dev/null
        end
        complete -c postern -a '(__postern_complete)'
        """#
}
