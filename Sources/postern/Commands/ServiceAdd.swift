import Linux
import Rules
import Sealing

let addService: Command.Run = { session, invocation throws(Failure) in
    if let pid = try invocation.number("from-pid", atLeast: 1) {
        return try addService(asProcess: pid, session, invocation)
    }
    guard invocation.argument(0) != nil else {
        throw Failure.usage("the service needs a name", next: "postern service add NAME --selector user:NAME")
    }
    let name = try invocation.slug(0, "service")
    let selectors = try selectors(invocation, session)
    guard !selectors.isEmpty else {
        throw Failure.usage(
            "--selector is missing", next: "name one with --selector user:NAME, or a process with --from-pid PID")
    }
    return try session.change { () throws(Failure) in
        try plan(name, selectors, session)
    } _: { () throws(Failure) in
        try add(name, selectors, try caps(invocation), session)
    }
}

/// The selectors on the command line; `sha256:@PATH` is the digest of a file, read here.
private func selectors(_ invocation: Invocation, _ session: Session) throws(Failure) -> [Selector] {
    var selectors: [Selector] = []
    for text in invocation.all("selector") {
        if text.hasPrefix("sha256:@") {
            let digest = try digest(of: String(text.dropFirst(8)))
            session.console.note("\(text.shown) is sha256:\(digest)")
            selectors.append(.sha256(digest))
            continue
        }
        guard let selector = Selector(text) else {
            throw Failure.usage(
                "\"\(text.shown)\" is no selector",
                next:
                    "write KIND:VALUE with KIND one of user, uid, group, gid, unit, cgroup, exe, sha256; uid:1001 for "
                    + "example")
        }
        selectors.append(selector)
    }
    guard selectors.isEmpty || invocation.has("from-pid") || selectors.contains(where: \.identifies) else {
        throw Failure.usage(
            "these selectors do not say who runs the service", next: "add one of user:, uid: or unit:")
    }
    return selectors
}

private func digest(of path: String) throws(Failure) -> String {
    try attempt("read \(path.shown)", next: "name the program's file") { () throws(SystemError) in
        let file = try FileDescriptor.open(path, .read)
        var hash = IncrementalSHA256()
        var chunk = [UInt8](repeating: 0, count: 256 * 1024)
        while true {
            var span = chunk.mutableSpan
            let got = try file.read(into: &span)
            if got == 0 { return hash.finish().hex }
            hash.update(chunk.span.extracting(..<got))
        }
    }
}

private func plan(_ name: String, _ selectors: [Selector], _ session: Session) throws(Failure) -> Plan {
    guard try session.exists("services/\(name)") else {
        let list = selectors.map(\.description).joined(separator: " and ")
        return Plan(changes: ["add the service \(name): a process with \(list)"])
    }
    throw Failure(exit: Exit(6), code: "conflict", what: "the service \(name) exists already")
}

private func add(
    _ name: String, _ selectors: [Selector], _ caps: [String: JSON], _ session: Session
) throws(Failure) {
    var body = caps
    body["name"] = .string(name)
    body["selectors"] = JSON(texts: selectors.map(\.description))
    let answer = try session.admin.post("services", .object(body))
    session.print(answer) { console in
        console.out("service \(name) added")
        for warning in answer["warnings"]?.texts ?? [] { console.warn(Columns.printable(warning)) }
        console.note("it may do nothing yet; next: postern grant add \(name) TENANT/PLATFORM/APP_ID --action …")
    }
}

/// Shows what the daemon knows about a process, proposes a service for it, and adds that once it is agreed to.
private func addService(
    asProcess pid: Int64, _ session: Session, _ invocation: Invocation
) throws(Failure) -> Exit {
    let answer = try session.patientAdmin.get("processes/\(pid)")
    let proposed = (answer["proposed"]?.items ?? []).compactMap { $0["selector"]?.text.flatMap { Selector($0) } }
    let selectors = proposed + (try selectors(invocation, session)).filter { !proposed.contains($0) }
    let name = invocation.argument(0) ?? answer["name"]?.text ?? "service"
    let slug = try Invocation.slug(name, "service")
    let console = session.console
    if !console.json {
        console.note("process \(pid): " + Columns.printable(Show.cell(answer["exe"] ?? .string("unreadable program"))))
        for list in ["proposed", "possible"] {
            for fact in answer[list]?.items ?? [] {
                console.note("\(list)  \(Show.cell(fact["selector"]))")
                for line in Columns.wrapped(Show.cell(fact["detail"]), to: max(40, (console.width ?? 80) - 10)) {
                    console.note("          \(line)")
                }
            }
        }
        for warning in answer["warnings"]?.texts ?? [] { console.warn(Columns.printable(warning)) }
        let words = selectors.map { "--selector \(quoted($0.description))" }.joined(separator: " ")
        console.note("postern service add \(slug) \(words)")
    }
    return try session.change(asking: "this adds what was proposed") { () throws(Failure) in
        try plan(slug, selectors, session)
    } _: { () throws(Failure) in
        try add(slug, selectors, try caps(invocation), session)
    }
}

/// As a shell takes it for one word.
private func quoted(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy {
        (48...57).contains($0) || (97...122).contains($0) || (65...90).contains($0) || "-_./:@".utf8.contains($0)
    }
    return isPlain
        ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
}
