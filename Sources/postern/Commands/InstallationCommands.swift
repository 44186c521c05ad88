let installationCommand = Command(
    name: "installation", summary: "where apps are installed, with their token legs",
    examples: [Example("All installations of one app", "postern installation list slack/A0123456789")],
    children: [
        Command(
            name: "list", summary: "lists installations, never a token",
            arguments: [
                Argument(
                    name: "APP", help: "only of this app, for example slack/A0123456789", optional: true, values: .apps)
            ],
            examples: [
                Example("All", "postern installation list"),
                Example("Of one app", "postern installation list slack/A0123456789"),
            ],
            run: listInstallations)
    ])

private let listInstallations: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.argument(0).map { text throws(Failure) in try Invocation.app(text) }
    let answer = try session.admin.get("installations", [("app", app.map { "\($0)" })])
    session.print(answer) { console in
        var table = Table([
            .init("id"), .init("app"), .init("tenant"), .init("team"), .init("name", shrinks: true), .init("user"),
            .init("legs", shrinks: true), .init("created"),
        ])
        for item in answer["installations"]?.items ?? [] {
            let legs = (item["legs"]?.items ?? []).map { leg in
                let left = leg["expires_at"]?.text == nil ? "" : " until \(Show.time(leg["expires_at"]))"
                let why = leg["failure"]?.text.map { " (\($0))" } ?? ""
                return "\(Show.cell(leg["leg"])) \(Show.cell(leg["state"]))\(why)\(left)"
            }
            table.add([
                Show.cell(item["id"]), Show.app(item), Show.cell(item["tenant"]),
                item["team_id"]?.text ?? Show.cell(item["enterprise_id"]), Show.cell(item["team_name"]),
                Show.cell(item["user_id"]), legs.joined(separator: ", "), Show.time(item["created_at"]),
            ])
        }
        console.out(table, empty: "no installations; start one: postern oauth url APP --purpose install")
    }
    return .ok
}
