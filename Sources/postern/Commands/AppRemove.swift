import Rules

let removeAppCommand = Command(
    name: "remove", summary: "removes an app with its secrets, tokens, leases and links; the log stays",
    details: [
        "Everything ends here at once. The platform's part (ending each token) is tried again for a week: postern "
            + "installation revocations says how it stands. With --uninstall the app is also taken out of the workspaces "
            + "where the platform has a call for that (Slack).",
        "Grants that name the app stay, and mean nothing until it is added again.",
    ],
    arguments: [appArgument],
    options: [Option(name: "uninstall", help: "also uninstall it from the workspaces (Slack)")],
    examples: [
        Example("What would go?", "postern app remove slack/A0123456789 --check"),
        Example("Remove it", "postern app remove slack/A0123456789"),
    ],
    run: removeApp)

private let removeApp: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.app(0)
    let uninstalls = invocation.has("uninstall")
    return try session.change(destructive: true) { () throws(Failure) in
        let shown = try session.admin.get("apps/\(app)")
        let installations = try session.admin.get("installations", [("app", "\(app)")])["installations"]?.items ?? []
        let active = installations.filter { $0["state"]?.text == "active" }
        let legs = active.flatMap { $0["legs"]?.items ?? [] }.filter { $0["state"]?.text != "revoked" }
        var affected = ["tenant \(Show.cell(shown["tenant"])), profile \(Show.cell(shown["profile"]))"]
        let secrets = shown["secrets"]?.items.count ?? 0
        if secrets > 0 { affected.append("\(Show.count(secrets, "secret")) destroyed") }
        if !active.isEmpty { affected.append("\(Show.count(active.count, "installation")) disconnected") }
        if !legs.isEmpty {
            affected.append("\(Show.count(legs.count, "token")) destroyed here and ended at the platform")
        }
        if uninstalls { affected.append("the app is uninstalled from the workspaces where the platform allows it") }
        affected += try session.leases(app: "\(app)")
        return Plan(changes: ["remove \(app)"], affected: affected, typed: "\(app)")
    } _: { () throws(Failure) in
        let answer = try session.admin.delete(
            "apps/\(app)", uninstalls ? [("uninstall", "true")] : [])
        session.print(answer) { console in
            console.out("\(app) removed")
            show(revocations: answer["revocations"]?.items ?? [], console)
        }
    }
}
