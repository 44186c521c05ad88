import Linux
import Platforms
import Rules

let importCommand = Command(
    name: "import", summary: "brings credentials from plain files into the vault, and removes the files",
    details: [
        "Reads a .env file, a JSON file as app add takes it (or a list of such objects), the SQLite or file "
            + "installation store of slack_sdk and Bolt, or the Genesys blueprint's common-variables.js, which is read "
            + "and never executed. auto tells them apart.",
        "First shows what it would store and where, never a value. What the vault has already is left alone, so that "
            + "it can be run again; a value that differs stops it, unless --replace is given. Each app is stored whole or "
            + "not at all; of one with more than 400 installations, each 400 are.",
        "Variables are known by their names, such as SLACK_SIGNING_SECRET, LARK_APP_SECRET or GENESYS_CLIENT_ID; "
            + "others with --map NAME=slack.bot_token. Stop a bridge that renews tokens by itself before its store is "
            + "brought in: of a token that rotates there can be one owner only.",
        "With --remove-source, or when asked at the end, the plain copies are overwritten and removed, after the vault "
            + "was asked whether it has each value. A .env file keeps its other lines.",
    ],
    arguments: [
        Argument(
            name: "FORMAT", help: "auto, env, json, slack-sqlite, bolt-files or blueprint",
            values: .words(Gathered.formats)),
        Argument(name: "PATH", help: "the file, or the folder of Bolt's files", values: .file),
    ],
    options: [
        Option(name: "tenant", value: "SLUG", help: "whose apps they are", required: true, values: .tenants),
        Option(
            name: "profile", value: "NAME", help: "which integration, for apps that are new [the platform's plain one]",
            values: .words(Profile.names)),
        Option(
            name: "app", value: "APP", help: "which app the values are of, where the source does not say",
            repeats: true, values: .apps),
        Option(
            name: "map", value: "NAME=KIND", help: "what a name stands for: slack.bot_token, or ignore", repeats: true),
        Option(name: "field", value: "NAME=VALUE", help: "a public field that the source lacks", repeats: true),
        Option(name: "replace", help: "put values that differ from the vault's in force"),
        Option(name: "no-verify", help: "do not ask the platform whether the credentials work"),
        Option(name: "as-is", help: "take values that look like another field's"),
        Option(name: "remove-source", help: "overwrite and remove the plain copies once everything is stored"),
    ],
    examples: [
        Example("What would it do?", "postern import auto .env --tenant acme --app slack/A0123456789 --check"),
        Example("Bring it in", "postern import env .env --tenant acme --app slack/A0123456789 --yes"),
        Example(
            "All workspaces of a bridge's store, and no plain copy left",
            "postern import slack-sqlite installations.db --tenant acme --remove-source"),
        Example(
            "The Genesys blueprint",
            "postern import blueprint docs/common-variables.js --tenant acme --app slack/A0123456789 --field region=mypurecloud.ie"
        ),
    ],
    exits: [
        (6, "a value differs from the vault's, and --replace was not given"),
        (8, "everything was stored, but a check failed or could not be made"),
    ],
    run: importSource)

private let importSource: Command.Run = { session, invocation throws(Failure) in
    let tenant = try Invocation.slug(invocation.text("tenant") ?? "", "tenant")
    let named = try invocation.all("app").map { text throws(Failure) in try Invocation.app(text) }
    var parts: [Profile] = []
    if let name = invocation.text("profile") {
        parts = Profile.parts(of: name)
        guard !parts.isEmpty else {
            throw Failure.usage("there is no such profile", next: "postern profile list names them")
        }
    }
    let names = try ImportNames(
        parts: parts, pairs: invocation.all("map"), only: named.count == 1 ? named[0].platform : nil)
    let fields = try invocation.all("field").map { pair throws(Failure) in try field(pair) }
    let path = invocation.arguments[1]
    if Descriptor.isReadableByOthers(path) {
        session.console.warn("\(path.shown) can be read by other users of this machine")
    }
    let gathered = try Gathered(
        invocation.arguments[0], path, names, now: Clock.wallMilliseconds / 1000,
        environment: session.environment)
    guard !gathered.apps.isEmpty else {
        for (name, why) in gathered.skipped { session.console.note("left out: \(name.shown): \(why)") }
        throw Failure.usage(
            "\(path.shown) has no credential that is known here",
            next: "name them with --map NAME=KIND; what app add takes needs --profile too, such as alibaba-lark")
    }
    let plan = try ImportPlan(
        gathered, tenant: tenant, named: named, fields: fields, keepOdd: invocation.has("as-is"), session)
    return try Importing(
        session: session, path: path, gathered: gathered, plan: plan, replaces: invocation.has("replace"),
        verifies: !invocation.has("no-verify"), removes: invocation.has("remove-source")
    ).run()
}

private func field(_ pair: String) throws(Failure) -> (String, String) {
    guard let equals = pair.firstIndex(of: "=") else {
        throw Failure.usage("--field takes NAME=VALUE, for example --field region=mypurecloud.ie")
    }
    let name = String(pair[..<equals])
    guard PublicField(rawValue: name) != nil else {
        guard !SecretOnCommandLine.isSecretOption(name) else {
            throw SecretOnCommandLine.failure("--field \(name.shown)")
        }
        throw Failure.usage(
            "\"\(name.shown)\" is no public field",
            next: "one of \(PublicField.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return (name, String(pair[pair.index(after: equals)...]))
}

/// One run: show, ask, store, look again, remove.
private struct Importing {
    let session: Session
    let path: String
    let gathered: Gathered
    let plan: ImportPlan
    let replaces: Bool
    let verifies: Bool
    let removes: Bool

    private var console: Console { session.console }
    private var rows: [ImportPlan.Row] { plan.apps.flatMap(\.rows) }
    private var changes: Bool { plan.apps.contains { $0.changes } }

    func run() throws(Failure) -> Exit {
        if !console.json { show() }
        let differing = rows.filter { $0.comparison == "different" }
        if !differing.isEmpty, !replaces {
            throw Failure(
                exit: Exit(6), code: "conflict",
                what:
                    "the vault has other values for \(differing.map { "\($0.app) \($0.what)" }.joined(separator: ", "))",
                next: "nothing was stored; leave them out with --map NAME=ignore, or put the source's in force with "
                    + "--replace")
        }
        if session.settings.check {
            if console.json { console.out(document(["would_change": .bool(changes)])) }
            if !changes { console.note("nothing would be stored") }
            return changes ? .wouldChange : .ok
        }
        if changes || removes { try confirm() }
        let (exit, stored) = try store()
        let removed = try removal()
        if console.json {
            console.out(document(["stored": JSON(texts: stored), "removed": JSON(texts: removed)]))
        }
        return exit
    }

    // MARK: - What it would do

    private func show() {
        // What stands nowhere in particular needs no column for it.
        let places: [Table.Column] = rows.contains { !$0.place.isEmpty && $0.place != "-" } ? [.init("where")] : []
        var table = Table(
            [.init("app")] + places + [
                .init("what"), .init("bytes", right: true), .init("plan"), .init("from", spills: true),
            ])
        for row in rows {
            let standing = row.comparison == "different" && replaces ? "replace" : row.standing
            table.add(
                ["\(row.app)"] + places.map { _ in row.place } + [row.what, String(row.bytes), standing, row.from])
        }
        console.out(table, empty: "the source has no value")
        for app in plan.apps where !app.exists {
            console.note("\(app.key) is new: an app of \(plan.tenant) with the profile \(app.profile.name)")
            for field in app.missing {
                console.note("  it lacks its \(field.label): postern secret set \(app.key) \(field.key)")
            }
        }
        for (name, why) in gathered.skipped { console.note("left out: \(name.shown): \(why)") }
        if gathered.apps.contains(where: { app in
            app.installations.contains { $0["bot_refresh_token"] != nil || $0["user_refresh_token"] != nil }
        }) {
            console.note("these tokens rotate: from now on only the vault may renew them, so stop whoever did")
        }
    }

    private func document(_ more: [String: JSON]) -> JSON {
        var members = more
        members["schema"] = 1
        members["items"] = .array(
            rows.map { row in
                [
                    "app": .string("\(row.app)"), "installation": row.place.isEmpty ? .null : .string(row.place),
                    "name": .string(row.what), "length": .int(Int64(row.bytes)), "from": .string(row.from),
                    "comparison": .string(row.comparison),
                ]
            })
        members["skipped"] = .array(gathered.skipped.map { ["name": .string($0.name), "why": .string($0.why)] })
        return .object(members)
    }

    private func confirm() throws(Failure) {
        guard !session.settings.yes else { return }
        guard let terminal = session.terminal() else {
            throw Failure.usage("nobody can be asked whether this is right", next: "add --yes to go on")
        }
        var question: [String] = []
        if changes { question.append("Store them") }
        if removes { question.append("\(changes ? "then overwrite" : "Overwrite") and remove \(copies)") }
        let answer = terminal.line("\(Columns.printable(question.joined(separator: ", ")))? [y/N] ")
        guard ["y", "yes"].contains(answer?.trimmed.lowercased() ?? "") else {
            throw Failure.error("nothing was changed")
        }
    }

    // MARK: - Storing

    private func store() throws(Failure) -> (Exit, [String]) {
        var exit = Exit.ok
        var done: [AppKey] = []
        for app in plan.apps where app.changes && !done.contains(app.key) {
            var applied = ImportPlan.Applied()
            do { try plan.apply(app, replaces: replaces, verify: verifies, session, &applied) } catch {
                throw Failure(
                    exit: error.exit, code: error.code,
                    what: "\(app.key): \(error.what) (\(state(app.key, applied, error, after: done)))",
                    next: error.next.isEmpty ? "run it again: what is there already is left alone" : error.next,
                    requestID: error.requestID, document: error.document)
            }
            if let error = applied.unchecked {
                console.warn("\(app.key) is stored, but could not be checked: \(error.what)")
                exit = Exit(8)
            }
            let together = Profile.parts(of: app.profile.name).count > 1 && !app.exists
            done += plan.apps.filter { $0.key == app.key || (together && $0.profile.name == app.profile.name) }.map(
                \.key)
            for answer in applied.answers {
                let checks = answer["checks"]?.items ?? []
                if exit == .ok { exit = verdict(checks) }
                guard !console.json else { continue }
                let odd = checks.filter { $0["result"]?.text != "passed" }
                console.out("\(Show.app(answer)) stored")
                Show.checks(odd, console)
            }
            if applied.answers.isEmpty, !console.json { console.out("\(app.key) stored") }
        }
        if done.isEmpty, !console.json { console.note("everything is in the vault already") }
        return (exit, done.map { "\($0)" })
    }

    /// What is stored when storing an app has failed.
    private func state(
        _ app: AppKey, _ applied: ImportPlan.Applied, _ error: Failure, after done: [AppKey]
    ) -> String {
        var state = done.isEmpty ? "" : "stored: \(list(done)); "
        if let count = applied.installations {
            state +=
                "of \(app) its own values and the first \(Show.count(count, "installation")) are stored, the rest not"
        } else if error.document == nil {
            state += "no answer came, so whether \(app) was stored is not known"
        } else {
            state += done.isEmpty ? "nothing was stored" : "of \(app) and the rest nothing"
        }
        return state
    }

    private func list(_ keys: [AppKey]) -> String { keys.map { "\($0)" }.joined(separator: ", ") }

    // MARK: - The plain copies

    private var copies: String {
        gathered.files.count > 3
            ? "the \(gathered.files.count) files of \(path)" : gathered.files.map(\.path).joined(separator: ", ")
    }

    /// Overwrites and removes the plain copies, when told or asked, and only what the vault has. Returns their names.
    private func removal() throws(Failure) -> [String] {
        if !gathered.leftovers.isEmpty, !gathered.canKeepRest {
            let what = gathered.leftovers.prefix(5).map(\.shown).joined(separator: ", ")
            let told = "\(path.shown) stays: it also has \(what), which the vault does not"
            if removes { throw Failure(exit: Exit(6), code: "conflict", what: told) }
            console.note(told)
            return []
        }
        if let tree = SourceFolder.gitWorkTree(of: path) {
            console.warn(
                "\(path.shown) lies in the git work tree \(tree.shown): if it was ever committed, its history keeps the "
                    + "values; then rotate them")
        }
        var files = gathered.files
        if !removes {
            guard !session.settings.yes, !console.json, let terminal = session.terminal() else {
                console.note("the plain copies are still there: \(copies); --remove-source removes them")
                return []
            }
            files = []
            for file in gathered.files {
                let verb = gathered.rest == nil ? "Overwrite and remove" : "Take the stored values out of"
                let answer = terminal.line("\(verb) \(Columns.printable(file.path))? [y/N] ")?.trimmed.lowercased()
                if answer == "y" || answer == "yes" { files.append(file) }
            }
            guard !files.isEmpty else { return [] }
        }
        for app in plan.apps {
            guard try plan.isStored(app, session) else {
                throw Failure.error(
                    "the vault was asked again and does not have every value of \(app.key); nothing was removed",
                    next: "run the import again with --check")
            }
        }
        for file in files {
            if file.names > 1 {
                console.warn("\(file.path.shown) has other names (hard links); they now lead to zeros")
            }
            try SourceFolder.destroy(file, keeping: gathered.rest)
        }
        for folder in gathered.folders { SourceFolder.removeIfEmpty(folder) }
        if !console.json {
            let what = gathered.rest == nil ? "overwritten and removed" : "overwritten; its other lines were kept"
            console.out("\(Show.count(files.count, "plain copy", "plain copies")) \(what)")
        }
        console.note(
            "what a journal, an SSD's spare cells, snapshots, backups or an editor's own copies still hold is out of "
                + "reach: rotate what others could have read")
        return files.map(\.path)
    }
}
