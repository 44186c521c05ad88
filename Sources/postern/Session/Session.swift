import Linux

/// One run: its settings, where output goes, and the daemon.
struct Session: Sendable {
    let settings: Settings
    let console: Console
    let environment: [String: String]
    /// The whole tree, for completion and help.
    let root: Command

    var admin: Admin { Admin(socket: settings.socket, timeoutSeconds: settings.timeoutSeconds) }

    /// Where services ask, as whom this process runs.
    var broker: Admin {
        Admin(socket: settings.brokerSocket, timeoutSeconds: settings.timeoutSeconds, door: .broker)
    }

    /// For calls that wait for a platform.
    var patientAdmin: Admin { Admin(socket: settings.socket, timeoutSeconds: max(settings.timeoutSeconds, 90)) }

    /// Prints the daemon's answer as JSON, or for eyes by `show`.
    func print(_ json: JSON, _ show: (Console) -> Void) {
        if console.json { console.out(json) } else { show(console) }
    }

    /// The terminal, when there is one and asking is allowed.
    func terminal() -> Terminal? { settings.mayAsk ? Terminal.open() : nil }

    /// Carries out a change, or shows it under `--check`, or asks first where the plan takes something away or `asking`
    /// says what it does.
    ///
    /// `plan` is made only when it is needed: a plain addition without `--check` costs one call.
    func change(
        destructive: Bool = false, asking: String? = nil, _ plan: () throws(Failure) -> Plan,
        _ act: () throws(Failure) -> Void
    ) throws(Failure) -> Exit {
        if settings.check {
            let plan = try plan()
            let changes = !plan.changes.isEmpty
            if console.json {
                console.out([
                    "schema": 1, "would_change": .bool(changes), "changes": JSON(texts: plan.changes),
                    "affected": JSON(texts: plan.affected),
                ])
            } else if changes {
                for line in plan.lines { console.out(Columns.printable(line)) }
            } else {
                console.note("nothing would change")
            }
            return changes ? .wouldChange : .ok
        }
        if destructive || asking != nil, !settings.yes {
            let plan = try plan()
            if plan.changes.isEmpty {
                console.note("nothing to change")
                return .ok
            }
            try confirm(plan, asking ?? "this takes something away")
        }
        try act()
        return .ok
    }

    private func confirm(_ plan: Plan, _ what: String) throws(Failure) {
        guard let terminal = terminal() else {
            for line in plan.lines { console.note(line) }
            throw Failure.usage("\(what) and nobody can be asked", next: "add --yes to go on")
        }
        for line in plan.lines { terminal.say(Columns.printable(line) + "\n") }
        if let typed = plan.typed {
            guard terminal.line("Type \(typed) to go on: ")?.trimmed == typed else {
                throw Failure.error("nothing was changed")
            }
            return
        }
        let answer = terminal.line("Go on? [y/N] ")?.trimmed.lowercased()
        guard answer == "y" || answer == "yes" else { throw Failure.error("nothing was changed") }
    }
}

/// What a command would do, in sentences: for `--check` and before something is taken away.
struct Plan: Sendable {
    /// What changes; empty when everything is already so.
    var changes: [String]
    /// What else is touched by it: the blast radius.
    var affected: [String] = []
    /// What has to be typed to go on, where "yes" is too easily said.
    var typed: String?

    var lines: [String] { changes.map { "would \($0)" } + affected.map { "  - \($0)" } }

    static let nothing = Plan(changes: [])
}

/// Runs `body`; a failed system call becomes a `Failure` that says what could not be done.
func attempt<Result: ~Copyable>(
    _ doing: String, next: String = "", _ body: () throws(SystemError) -> Result
) throws(Failure) -> Result {
    do { return try body() } catch { throw Failure(error.problem(doing: doing, advice: next)) }
}
