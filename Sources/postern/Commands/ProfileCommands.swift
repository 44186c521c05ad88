import Platforms

/// The integrations this release knows.
let profileCommand = Command(
    name: "profile", summary: "the integrations that are known: what each guide asks for",
    examples: [Example("All of them", "postern profile list")],
    children: [
        Command(
            name: "list", summary: "lists the integrations",
            examples: [Example("All of them", "postern profile list")], run: listProfiles),
        Command(
            name: "show", summary: "shows what an integration's guide asks for, and its steps",
            arguments: [Argument(name: "NAME", help: "such as alibaba-slack", values: .words(Profile.names))],
            examples: [Example("One of them", "postern profile show alibaba-lark")], run: showProfile),
    ])

private let listProfiles: Command.Run = { session, invocation throws(Failure) in
    let answer = try session.admin.get("profiles")
    session.print(answer) { console in
        var table = Table([.init("profile"), .init("platforms"), .init("title", shrinks: true)])
        for profile in answer["profiles"]?.items ?? [] {
            table.add([Show.cell(profile["name"]), Show.list(profile["platforms"]), Show.cell(profile["title"])])
        }
        console.out(table, empty: "none")
    }
    return .ok
}

private let showProfile: Command.Run = { session, invocation throws(Failure) in
    let name = try invocation.slug(0, "profile")
    let answer = try session.admin.get("profiles/\(name)")
    session.print(answer) { console in
        console.out("\(Show.cell(answer["name"])): \(Show.cell(answer["title"]))")
        for app in answer["apps"]?.items ?? [] {
            console.out("")
            console.out(console.bold("\(Show.cell(app["platform"])) app"))
            var table = Table([
                .init("value"), .init("label"), .init("needed"), .init("secret"), .init("found at", spills: true),
            ])
            for field in app["fields"]?.items ?? [] {
                table.add([
                    Show.cell(field["key"]), Show.cell(field["label"]), Show.cell(field["required"]),
                    Show.cell(field["secret"]), Show.cell(field["found_at"]),
                ])
            }
            console.out(table, empty: "no values")
            let lists = [
                ("bot scopes", "bot_scopes"), ("user scopes", "user_scopes"), ("tenant scopes", "tenant_scopes"),
                ("events", "event_types"),
            ]
            for (title, key) in lists where !(app[key]?.texts ?? []).isEmpty {
                console.out("\(title): \(Show.list(app[key]))")
            }
            if let quota = app["quota"]?.text { console.out("quota: \(quota)") }
            console.out("")
            for (index, step) in (app["steps"]?.items ?? []).enumerated() {
                console.out(Columns.printable("\(index + 1). \(Show.cell(step["title"]))"))
                console.out(Columns.printable("   at: \(Show.cell(step["place"]))"))
            }
            for note in app["notes"]?.texts ?? [] { console.note("note: \(note)") }
        }
    }
    return .ok
}
