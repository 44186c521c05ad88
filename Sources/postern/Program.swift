/// The whole run: parse, settle, act, say what went wrong.
enum Program {
    static let parser = Parser(root: root, globals: GlobalOptions.all)

    static let root = Command(
        name: "postern", summary: "keeps the app credentials of chat integrations, and lends them to local services",
        details: [
            "A thin client of posternd's admin socket. Every command takes -o json; data goes to standard output, "
                + "everything else to standard error.",
            "Options may stand anywhere. A flag beats its variable, which beats the config file.",
        ],
        examples: [
            Example("Make a vault and its recovery kit", "postern init --root-key file:root.key --kit-file kit.txt"),
            Example("Add a customer and their Slack app", "postern tenant add acme --name \"Acme Corp\""),
            Example("The six credentials are asked for", "postern app add --tenant acme --profile alibaba-slack"),
            Example(
                "Let a bridge read one secret",
                "postern grant add bridge acme/slack/A0123456789 --action secret:read:signing_secret"),
            Example("Why was a request refused?", "postern why 8b06173032dccba600000047"),
        ],
        children: generalCommands + [
            tenantCommand, appCommand, profileCommand, secretCommand, serviceCommand, grantCommand, roleCommand,
            installationCommand, importCommand,
            oauthCommand, leaseCommand, canCommand, whyCommand, auditCommand, getCommand, runCommand,
            watchCommand,
        ] + toolCommands)

    static func run(_ words: [String], environment: [String: String]) -> Int32 {
        // Also before the options are read, an error must come in the form that was asked for. What stands behind -- may
        // be another program's.
        let ours = words.prefix { $0 != "--" }
        let json =
            ours.contains("-ojson") || ours.contains("--output=json") || environment["POSTERN_OUTPUT"] == "json"
            || zip(ours, ours.dropFirst()).contains { ($0 == "-o" || $0 == "--output") && $1 == "json" }
        var console = Console(
            json: json, quiet: false, mayColor: environment["TERM"] != "dumb" && environment["NO_COLOR"] == nil,
            columns: environment["COLUMNS"])
        do {
            switch try parser.parse(words) {
            case .help(let path):
                help(path, console)
                return 0
            case .run(let invocation):
                let settings = try Settings(invocation, environment: environment)
                console = Console(
                    json: settings.json, quiet: settings.quiet, mayColor: settings.mayColor,
                    columns: environment["COLUMNS"])
                let session = Session(settings: settings, console: console, environment: environment, root: root)
                guard let run = invocation.command.run else { return Exit.usage.code }
                return try run(session, invocation).code
            }
        } catch {
            console.failure(error)
            return error.exit.code
        }
    }

    static func help(_ path: [Command], _ console: Console) {
        let help = Help(
            path: path, globals: GlobalOptions.all, width: min(100, max(60, console.width ?? 80)),
            heading: { console.bold($0) })
        for line in help.lines { console.out(line) }
    }
}
