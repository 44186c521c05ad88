import Rules

private let installationArgument = Argument(
    name: "INSTALLATION", help: "the installation's number, from postern installation list")

let installationCommand = Command(
    name: "installation", summary: "where apps are installed, with their token legs and linked people",
    examples: [Example("All installations of one app", "postern installation list slack/A0123456789")],
    children: [
        Command(
            name: "list", summary: "lists installations, never a token",
            details: [
                "With --needs-reauthorization only those whose tokens a platform does not take any more: a person has to "
                    + "approve again, by the link of postern oauth url. It exits 7 when there is one."
            ],
            arguments: [
                Argument(
                    name: "APP", help: "only of this app, for example slack/A0123456789", optional: true, values: .apps)
            ],
            options: [
                Option(name: "needs-reauthorization", help: "only those where somebody has to approve again")
            ],
            examples: [
                Example("All", "postern installation list"),
                Example("Of one app", "postern installation list slack/A0123456789"),
                Example("Does anybody have to act?", "postern installation list --needs-reauthorization"),
            ],
            exits: [(7, "with --needs-reauthorization: there is one")], run: listInstallations),
        Command(
            name: "show", summary: "shows one installation: legs, scopes, links, what is left to do at the platform",
            arguments: [installationArgument], examples: [Example("One installation", "postern installation show 12")],
            run: showInstallation),
        Command(
            name: "disconnect", summary: "ends an installation here at once and at the platform as soon as it answers",
            details: [
                "Its tokens are destroyed and its leases and links end; of a workspace also those of its people. The "
                    + "platform's part is tried again for a week: postern installation show says how it stands. Lark and "
                    + "Feishu have no call that ends a person's token.",
                "A new consent connects it again in place.",
            ],
            arguments: [installationArgument],
            examples: [
                Example("End it", "postern installation disconnect 12"),
                Example("What would end?", "postern installation disconnect 12 --check"),
            ],
            run: disconnectInstallation),
        Command(
            name: "links", summary: "lists the people linked under an installation",
            arguments: [installationArgument], examples: [Example("Who is linked?", "postern installation links 12")],
            run: listLinks),
        Command(
            name: "unlink", summary: "undoes one person's link",
            arguments: [
                installationArgument,
                Argument(name: "LINK", help: "the link's number, from postern installation links"),
            ],
            examples: [Example("Undo it", "postern installation unlink 12 40")], run: unlinkPerson),
        Command(
            name: "revocations", summary: "lists what has ended here and is, or was, to be ended at the platforms",
            details: ["They stay listed for thirty days after they are over, those of a removed app too."],
            arguments: [Argument(name: "APP", help: "only of this app", optional: true, values: .apps)],
            examples: [Example("What is left to do?", "postern installation revocations")], run: listRevocations),
    ])

extension Invocation {
    /// The number an argument names.
    fileprivate func number(_ index: Int, _ what: String) throws(Failure) -> Int64 {
        guard let number = Int64(arguments[index]), number > 0 else {
            throw Failure.usage(
                "\"\(arguments[index].shown)\" is not the number of a \(what)", next: "see postern installation list")
        }
        return number
    }
}

private let listInstallations: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.argument(0).map { text throws(Failure) in try Invocation.app(text) }
    var answer = try session.admin.get("installations", [("app", app.map { "\($0)" })])
    let onlyDead = invocation.has("needs-reauthorization")
    var found = answer["installations"]?.items ?? []
    if onlyDead {
        found = found.filter { ($0["legs"]?.items ?? []).contains { $0["state"]?.text == "needs_reauthorization" } }
        answer = ["schema": 1, "installations": .array(found)]
    }
    session.print(answer) { console in
        var table = Table([
            .init("id"), .init("app"), .init("tenant"), .init("team"), .init("name", shrinks: true), .init("user"),
            .init("state"), .init("legs", spills: true), .init("at the platform", spills: true), .init("created"),
        ])
        for item in found {
            table.add([
                Show.cell(item["id"]), Show.app(item), Show.cell(item["tenant"]),
                item["team_id"]?.text ?? Show.cell(item["enterprise_id"]), Show.cell(item["team_name"]),
                Show.cell(item["user_id"]), Show.cell(item["state"]),
                (item["legs"]?.items ?? []).map(leg).joined(separator: ", "),
                (item["revocations"]?.items ?? []).map(revocation).joined(separator: ", "),
                Show.time(item["created_at"]),
            ])
        }
        console.out(
            table,
            empty: onlyDead
                ? "nobody has to approve again"
                : "no installations; start one: postern oauth url APP --purpose install")
        for item in found where onlyDead {
            console.note("approve again: postern oauth url \(Show.app(item)) --purpose install")
        }
    }
    return onlyDead && !found.isEmpty ? Exit(Problem.Code.needsReauthorization.exitCode) : .ok
}

/// A leg in a few words: where it stands, why, until when, and what was not granted.
private func leg(_ leg: JSON) -> String {
    let left = leg["expires_at"]?.text == nil ? "" : " until \(Show.time(leg["expires_at"]))"
    let why = leg["failure"]?.text.map { " (\($0))" } ?? ""
    let missing = leg["missing_scope"]?.texts ?? []
    let lacks = missing.isEmpty ? "" : ", not granted: \(missing.joined(separator: " "))"
    return "\(Show.cell(leg["leg"])) \(Show.cell(leg["state"]))\(why)\(left)\(lacks)"
}

/// How far the platform's part of an ending is, in a few words.
private func revocation(_ row: JSON) -> String {
    let code = row["code"]?.text.map { " (\($0))" } ?? ""
    return "\(Show.cell(row["leg"])) \(Show.cell(row["state"]))\(code)"
}

private let showInstallation: Command.Run = { session, invocation throws(Failure) in
    let id = try invocation.number(0, "installation")
    let answer = try session.admin.get("installations/\(id)")
    session.print(answer) { console in
        console.out(pairs: [
            ("installation", Show.cell(answer["id"])), ("app", Show.app(answer)),
            ("tenant", Show.cell(answer["tenant"])),
            ("team", "\(Show.cell(answer["team_id"])) \(Show.cell(answer["team_name"]))"),
            ("user", Show.cell(answer["user_id"])), ("state", Show.cell(answer["state"])),
            ("created", Show.time(answer["created_at"])), ("changed", Show.time(answer["updated_at"])),
        ])
        for one in answer["legs"]?.items ?? [] {
            console.out("")
            console.out(pairs: [
                ("leg", leg(one)), ("scope", Show.list(one["scope"])),
                ("not granted", Show.list(one["missing_scope"])), ("granted unasked", Show.list(one["added_scope"])),
            ])
        }
        show(revocations: answer["revocations"]?.items ?? [], console)
        let links = answer["links"]?.items ?? []
        if !links.isEmpty { console.out("") }
        if !links.isEmpty { show(links: links, console) }
    }
    return .ok
}

private func show(links: [JSON], _ console: Console) {
    var table = Table([
        .init("link"), .init("subject", shrinks: true), .init("user"), .init("how"), .init("email", shrinks: true),
        .init("by"), .init("created"),
    ])
    for link in links {
        table.add([
            Show.cell(link["id"]), Show.cell(link["subject"]), Show.cell(link["user_id"]), Show.cell(link["how"]),
            Show.cell(link["email"]), Show.cell(link["created_by"]), Show.time(link["created_at"]),
        ])
    }
    console.out(table, empty: "nobody is linked")
}

/// What is left to be done at the platform, and by whom.
func show(revocations: [JSON], _ console: Console) {
    for row in revocations {
        let next = row["next_in"]?.int.map { ", tried again in \(Show.duration($0))" } ?? ""
        console.out(
            "at the platform: \(revocation(row)), \(Show.count(Int(row["attempts"]?.int ?? 0), "attempt"))\(next)")
        if let advice = row["advice"]?.text { console.note("next: \(advice)") }
    }
}

private let disconnectInstallation: Command.Run = { session, invocation throws(Failure) in
    let id = try invocation.number(0, "installation")
    return try session.change(destructive: true) { () throws(Failure) in
        let row = try session.admin.get("installations/\(id)")
        if row["state"]?.text == "disconnected" { return .nothing }
        let name = row["team_name"]?.text ?? row["team_id"]?.text ?? "\(id)"
        var affected = (row["legs"]?.items ?? []).filter { $0["state"]?.text != "revoked" }.map {
            "its \(Show.cell($0["leg"])) token is destroyed here and ended at the platform"
        }
        let links = row["links"]?.items.count ?? 0
        if links > 0 { affected.append("\(Show.count(links, "link")) of people end") }
        if row["user_id"]?.text?.isEmpty != false {
            let all = try session.admin.get("installations", [("app", Show.app(row))])["installations"]?.items ?? []
            let people = all.filter {
                $0["user_id"]?.text?.isEmpty == false && $0["team_id"]?.text == row["team_id"]?.text
                    && $0["state"]?.text == "active"
            }
            if !people.isEmpty { affected.append("\(Show.count(people.count, "person", "people")) of it too") }
        }
        return Plan(
            changes: ["disconnect \(Show.app(row)) from \(name)"],
            affected: affected + (try session.leases(app: Show.app(row))))
    } _: { () throws(Failure) in
        let answer = try session.admin.delete("installations/\(id)")
        session.print(answer) { console in
            console.out("installation \(id) of \(Show.app(answer)) disconnected")
            show(revocations: answer["revocations"]?.items ?? [], console)
        }
    }
}

private let listLinks: Command.Run = { session, invocation throws(Failure) in
    let answer = try session.admin.get("installations/\(try invocation.number(0, "installation"))/links")
    session.print(answer) { show(links: answer["links"]?.items ?? [], $0) }
    return .ok
}

private let unlinkPerson: Command.Run = { session, invocation throws(Failure) in
    let id = try invocation.number(0, "installation")
    let link = try invocation.number(1, "link")
    return try session.change(destructive: true) { () throws(Failure) in
        let links = try session.admin.get("installations/\(id)/links")["links"]?.items ?? []
        guard let found = links.first(where: { $0["id"]?.int == link }) else {
            throw Failure(
                exit: Exit(5), code: "not_found", what: "there is no link \(link) under installation \(id)",
                next: "see postern installation links \(id)")
        }
        return Plan(changes: ["unlink \(Show.cell(found["subject"])) from \(Show.cell(found["user_id"]))"])
    } _: { () throws(Failure) in
        let answer = try session.admin.delete("installations/\(id)/links/\(link)")
        session.print(answer) { $0.out("link \(link) undone") }
    }
}

private let listRevocations: Command.Run = { session, invocation throws(Failure) in
    let app = try invocation.argument(0).map { text throws(Failure) in try Invocation.app(text) }
    let answer = try session.admin.get("revocations", [("app", app.map { "\($0)" })])
    session.print(answer) { console in
        var table = Table([
            .init("id"), .init("installation"), .init("platform"), .init("leg"), .init("state"),
            .init("attempts", right: true), .init("code"), .init("next", right: true), .init("created"),
        ])
        for row in answer["revocations"]?.items ?? [] {
            table.add([
                Show.cell(row["id"]), Show.cell(row["installation"]), Show.cell(row["platform"]),
                Show.cell(row["leg"]), Show.cell(row["state"]), Show.cell(row["attempts"]), Show.cell(row["code"]),
                Show.seconds(row["next_in"]), Show.time(row["created_at"]),
            ])
        }
        console.out(table, empty: "nothing was to be ended at a platform")
    }
    return .ok
}
