let demoCommand = Command(
    name: "demo", summary: "plays the whole story on a throw-away vault, in about ten seconds",
    details: [
        "Starts the real daemon and courier and simulated platforms in a temporary directory: a customer each with a "
            + "Slack, a Lark, a Feishu and a Genesys app, two bridges, an installation in the browser, a message on every "
            + "platform, a token that ends while fifty callers want it, a rotation, a customer who leaves, and a vault "
            + "that somebody tampered with. Nothing leaves this machine, and everything is removed at the end, also after "
            + "Ctrl-C.",
        "As root the daemon runs as an unprivileged user; as anybody else everything runs as you.",
    ],
    options: [Option(name: "keep", help: "leave the directory there afterwards")],
    examples: [Example("Watch it", "postern demo")],
    run: playDemo)

private let playDemo: Command.Run = { session, invocation throws(Failure) in
    let held = SignalsHeld()
    let stage = try Stage(session.console)
    var failure: Failure?
    do throws(Failure) {
        try Story(stage: stage).play { () throws(Failure) in
            guard held.pending == nil else { throw Failure.error("the demo was interrupted") }
        }
    } catch {
        failure = error
    }
    stage.clear(keeping: invocation.has("keep"))
    if let number = held.pending { held.deliver(number) }
    if let failure {
        for line in stage.lastWords { session.console.note("  posternd: \(line)") }
        throw failure
    }
    return .ok
}
