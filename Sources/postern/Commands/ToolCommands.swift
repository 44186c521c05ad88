let toolCommands: [Command] = [
    Command(
        name: "completion", summary: "prints the completion script for bash, zsh or fish",
        details: [
            "App ids, tenants and services are completed from the daemon; when it does not answer, silently not."
        ],
        arguments: [Argument(name: "SHELL", help: "bash, zsh or fish", values: .words(CompletionScript.shells))],
        examples: [
            Example("bash, now", "source <(postern completion bash)"),
            Example("bash, for good", "postern completion bash > ~/.local/share/bash-completion/completions/postern"),
            Example("zsh, for good", "postern completion zsh > ~/.zfunc/_postern"),
            Example("fish, for good", "postern completion fish > ~/.config/fish/completions/postern.fish"),
        ],
        run: completion),
    demoCommand,
    Command(
        name: "version", summary: "prints the version of this program",
        examples: [Example("Which one is it?", "postern version")], run: version),
    Command(
        name: "__complete", summary: "answers the completion scripts",
        arguments: (0..<64).map { _ in Argument(name: "WORD", help: "a word of the line", optional: true) },
        hidden: true, run: complete),
    bridgeCommand,
]

/// The version of the programs of this package.
let programVersion = "0.1.0"

private let completion: Command.Run = { session, invocation throws(Failure) in
    let shell = invocation.arguments[0]
    guard let script = CompletionScript.text(for: shell) else {
        throw Failure.usage("there is no completion for \"\(shell.shown)\"", next: "one of: bash, zsh, fish")
    }
    session.console.out(script)
    return .ok
}

private let version: Command.Run = { session, _ throws(Failure) in
    session.print(["schema": 1, "version": .string(programVersion)]) { $0.out("postern \(programVersion)") }
    return .ok
}

private let complete: Command.Run = { session, invocation throws(Failure) in
    let admin = Admin(socket: session.settings.socket, timeoutSeconds: 2)
    let completion = Completion(root: session.root, globals: GlobalOptions.all) { values in
        (try? candidates(values, admin)) ?? []
    }
    for candidate in completion.candidates(invocation.arguments) {
        session.console.out("\(Columns.printable(candidate.word))\t\(Columns.printable(candidate.about))")
    }
    return .ok
}

private func candidates(_ values: Values, _ admin: Admin) throws(Failure) -> [Completion.Candidate] {
    switch values {
    case .apps, .patterns:
        return (try admin.get("apps")["apps"]?.items ?? []).map { app in
            let prefix = values == .patterns ? "\(app["tenant"]?.text ?? "*")/" : ""
            return .init(word: prefix + Show.app(app), about: app["fields"]?["workspace_name"]?.text ?? "")
        }
    case .services:
        return (try admin.get("services")["services"]?.items ?? []).map {
            .init(word: $0["name"]?.text ?? "", about: Show.list($0["selectors"]))
        }
    case .tenants:
        return (try admin.get("tenants")["tenants"]?.items ?? []).map {
            .init(word: $0["slug"]?.text ?? "", about: $0["name"]?.text ?? "")
        }
    case .any, .file, .words: return []
    }
}
