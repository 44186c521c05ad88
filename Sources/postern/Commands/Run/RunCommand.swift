import Linux
import Rules

let runCommand = Command(
    name: "run", summary: "runs a program with secrets in its environment or in files only it can read",
    details: [
        "What is handed over is read over broker.sock as the service that runs this command, so its grants decide, and the "
            + "audit log has every read. Then postern becomes the program: its code, its signals, its terminal. When a "
            + "secret cannot be had, nothing is started.",
        "NAME=KIND hands over a secret of --app, NAME=PLATFORM/APP_ID:KIND one of any app; KIND@N is that of one "
            + "installation. With --env the variable has the value; processes of the same user can read it in "
            + "/proc/PID/environ, and programs the program starts inherit it. With --file the variable has a path: a sealed "
            + "file in memory, /proc/self/fd/N, open in the program and in what inherits its descriptors. Prefer --file.",
        "NAME=access:LEG hands over the token of a lease instead, and NAME=gateway:LEG the base URL it is good at (LEG is bot, "
            + "user, tenant or app): an SDK that takes both calls its platform through the daemon and never has the "
            + "platform's token. The lease has the methods of the grant, or those of --method, is renewed while the program "
            + "runs, and given back when it ends. posternd has to run with --gateway-listen.",
        "--files tmpfs writes 0600 files into a directory in $XDG_RUNTIME_DIR or /dev/shm instead, for programs that take "
            + "no path under /proc, and takes them away at the end. For that, for leases and for --watch, postern stays in front of "
            + "the program: it passes signals on, stops and goes on with it, ends as it ends, and when it is killed, so is "
            + "the program. It keeps no secret itself.",
        "--watch restart ends the program when one of its secrets has a new value (SIGTERM, after --grace SIGKILL) and "
            + "starts it again, but only once the new values are at hand, and what the program left behind has ended the same "
            + "way. It is started again too when a lease has come to the grant's --max-age. --watch signal:HUP replaces the files (tmpfs), each "
            + "as a whole, and sends the signal. When a secret is taken away, or the daemon is down, the program goes on "
            + "with what it has, and a warning says so.",
        "--only-env leaves the program PATH and HOME, what is handed over, and what --keep-env names.",
    ],
    arguments: [
        Argument(name: "PROGRAM", help: "the program and its words, behind --", repeats: true, values: .file)
    ],
    options: [
        Option(
            name: "app", value: "APP", help: "whose secrets those without an app are, platform/app_id", values: .apps),
        Option(
            name: "env", value: "NAME=KIND",
            help:
                "a variable with the value; or NAME=APP:KIND, NAME=KIND@INSTALLATION, NAME=access:LEG, NAME=gateway:LEG",
            repeats: true),
        Option(
            name: "file", value: "NAME=KIND", help: "a variable with the path of a file with the value", repeats: true),
        Option(
            name: "files", value: "memfd|tmpfs", help: "where files are [memfd; tmpfs with --watch signal]",
            values: .words(["memfd", "tmpfs"])),
        Option(name: "only-env", help: "nothing else of our environment but PATH and HOME"),
        Option(name: "keep-env", value: "NAME,…", help: "with --only-env: variables that stay", repeats: true),
        Option(name: "watch", value: "restart|signal:NAME", help: "what to do when a secret changes"),
        Option(
            name: "method", value: "METHOD,…", help: "leases for these methods only [those of the grant]",
            repeats: true),
        Option(name: "ttl", value: "TIME", help: "how long a lease lives when nobody renews it [10m]"),
        Option(name: "grace", value: "TIME", help: "how long a program may take to end before it is killed [10s]"),
        Option(name: "under", value: "FD,PID,DIR", help: "used between processes of postern", hidden: true),
    ],
    examples: [
        Example(
            "A bridge in Node",
            "postern run --app slack/A0123456789 --env SLACK_SIGNING_SECRET=signing_secret -- node bridge.js"),
        Example(
            "Two apps, in files, and nothing else",
            "postern run --only-env --file SLACK=slack/A0123456789:bot_token --file LARK=lark/cli_a1b2c3:app_secret -- ./bridge"
        ),
        Example(
            "An SDK that gets a lease instead of the bot token",
            "postern run --app slack/A0123456789 --env SLACK_TOKEN=access:bot --env SLACK_URL=gateway:bot -- python3 bridge.py"
        ),
        Example(
            "Started again when the secret is rotated",
            "postern run --app slack/A0123456789 --env SECRET=signing_secret --watch restart -- node bridge.js"),
        Example(
            "Told to read its file again",
            "postern run --app slack/A0123456789 --file SECRET=signing_secret --watch signal:HUP -- ./bridge"),
    ],
    exits: [
        (9, "no daemon answers (also: platform unreachable)"), (126, "the program cannot be executed"),
        (127, "there is no such program"),
    ],
    runsProgram: true,
    run: { session, invocation throws(Failure) in
        let plan = try RunPlan(invocation)
        if let superior = invocation.text("under") {
            return try Handover(session: session, plan: plan).run(under: Superior(superior))
        }
        if session.settings.check {
            _ = try plan.program()
            return try session.change { () throws(Failure) in
                Plan(
                    changes: ["start \(plan.name)"],
                    affected: plan.entries.map { "\($0.name) is \($0.isFile ? "a file of " : "")\($0.source)" })
            } _: { () throws(Failure) in
            }
        }
        guard plan.isSupervised else {
            return try Handover(session: session, plan: plan).run(under: nil)
        }
        Linux.Program.end(as: try supervise(session, plan))
    })

/// Returns how the program ended; by then its files are gone.
private func supervise(_ session: Session, _ plan: RunPlan) throws(Failure) -> ChildProcess.Ending {
    _ = try plan.program()
    // Before the first thread, which would take signals meant for the program.
    let inbox = try attempt("take signals") { () throws(SystemError) in
        try SignalInbox(SignalName.passedOn + [SignalName.childChanged])
    }
    let files =
        plan.filesOnTmpfs
        ? try FileDirectory(
            session.environment, prefix: "postern-run-", otherwise: "use --files memfd, which needs none") : nil
    // They are gone with the last who has this value.
    defer { withExtendedLifetime(files) {} }
    let pair = try attempt("watch") { () throws(SystemError) in try SocketPair(.stream) }
    return try pair.split { near, far throws(Failure) in
        let news = News(far)
        let watcher = plan.watch == nil ? nil : Watcher(session, plan, news)
        try watcher?.start()
        let keeper = plan.entries.contains { $0.source.lease != nil } ? LeaseKeeper(session, news) : nil
        try keeper?.start()
        defer { keeper?.end() }
        let supervisor = Supervisor(session, plan, watcher, keeper)
        return try withExtendedLifetime(news) { () throws(Failure) in
            try supervisor.run(inbox, news: near, files: files?.path ?? "")
        }
    }
}
