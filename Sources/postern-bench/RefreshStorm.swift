import Linux
import Rules

/// Many callers at the moment a token has expired, ours beside the vendors' own SDKs; the simulation's ledger is the
/// judge.
enum RefreshStorm {
    /// How long the platform takes to give a token.
    static let delayMilliseconds = 50

    /// One crowd's result, whoever served it.
    struct Row {
        let who: String
        let crowd: String
        let callers: Int
        let upstream: Int
        let good: Int
        let dead: Int
        let none: Int
        let seconds: Double

        var cells: [String] {
            [who, crowd, upstream, good, dead, none].map { "\($0)" } + ["\(number(seconds * 1000)) ms"]
        }
        static let head = ["", "callers", "upstream calls", "good tokens", "dead tokens", "no token", "last answer"]
    }

    static func run(_ options: Options) throws -> Report {
        var report = Report(
            title: "refresh-storm: \(options.callers) callers at expiry, the platform takes \(delayMilliseconds) ms",
            rounds: 1)
        report.table = [Row.head]
        var rows: [Row] = []
        let temporary = try TemporaryDirectory(in: options.directory)
        defer { temporary.remove() }
        for platform in options.platforms ?? Subject.platforms {
            for (index, inProcesses) in Subject.storms(of: platform).indices.flatMap({ [($0, false), ($0, true)] }) {
                let stage = try StormStage(platform, in: "\(temporary.path)/\(platform)-\(index)-\(inProcesses)")
                defer { stage.deployment.stop() }
                let storm = stage.subject.storms[index]
                options.note("\(platform), \(storm.leg), \(crowd(options.callers, inProcesses))")
                let row = try stage.run(storm, callers: options.callers, inProcesses: inProcesses)
                report.table.append(row.cells)
                rows.append(row)
            }
        }
        report.goals = [
            Report.Goal(
                "storms of \(rows.count) with exactly one upstream call", rows.count { $0.upstream == 1 },
                exactly: rows.count),
            Report.Goal(
                "storms in which every caller got a good token", rows.count { $0.good == $0.callers },
                exactly: rows.count),
        ]
        if options.comparesSDKs { try compare(options, temporary.path, into: &report) }
        return report
    }

    /// The same by slack_sdk with slack_bolt, and by lark-oapi.
    private static func compare(_ options: Options, _ directory: String, into report: inout Report) throws {
        let (packages, why) = SDK.packages(in: directory)
        guard let packages else {
            report.notes.append("the vendors' SDKs were not measured: \(why)")
            return
        }
        for (sdk, platform, name, grace) in [
            ("slack", "slack", "slack_sdk + slack_bolt", 0),
            // Slack does not say how long a spent refresh token is still taken (platforms, 1.4).
            ("slack", "slack", "slack_sdk + slack_bolt, 10 s of grace", 10), ("lark", "lark", "lark-oapi", 0),
        ] where (options.platforms ?? Subject.platforms).contains(platform) {
            for inProcesses in [false, true] {
                options.note("\(name), \(options.callers) \(inProcesses ? "processes" : "threads")")
                let crowd = crowd(options.callers, inProcesses)
                do {
                    let outcome = try storm(
                        sdk, platform, packages, inProcesses: inProcesses, grace: grace, options, directory)
                    report.table.append(
                        Row(
                            who: name, crowd: crowd, callers: options.callers, upstream: outcome.upstream,
                            good: outcome.good, dead: outcome.dead, none: outcome.none, seconds: outcome.seconds
                        ).cells)
                    if outcome.storedRefreshTokenLives == false {
                        report.notes.append("\(name), \(crowd): the stored refresh token is dead afterwards")
                    }
                } catch let problem as Problem {
                    report.notes.append("\(name), \(crowd), was not measured: \(problem.reason)")
                }
            }
        }
    }

    private static func storm(
        _ sdk: String, _ platform: String, _ packages: String, inProcesses: Bool, grace: Int,
        _ options: Options, _ directory: String
    ) throws -> SDK.Outcome {
        let simulation = try SimulatedPlatforms()
        let subject = try Subject.register(platform, at: simulation, rotating: true, grace: grace)
        for storm in subject.storms { try simulation.delay(storm.call, milliseconds: delayMilliseconds) }
        return try SDK.storm(
            sdk, callers: options.callers, inProcesses: inProcesses, packages: packages, base: simulation.base,
            app: subject.json, directory: directory)
    }

    static func crowd(_ callers: Int, _ inProcesses: Bool) -> String {
        "\(callers) \(inProcesses ? "processes" : "threads")"
    }
}

/// One platform's app in a vault of its own, whose token is made to have expired.
final class StormStage {
    let deployment: Deployment
    private let simulation: SimulatedPlatforms
    let subject: Subject

    init(_ platform: String, in directory: String) throws {
        simulation = try SimulatedPlatforms()
        deployment = try Deployment(in: directory, flags: Subject.flags(simulation.base))
        subject = try Subject.register(platform, at: simulation, rotating: true)
        try Subject.allow(deployment)
        try subject.add(to: deployment)
    }

    func run(_ storm: Subject.Storm, callers: Int, inProcesses: Bool) throws -> RefreshStorm.Row {
        // The vault is told that the token lives two seconds; a night passes in which nobody refreshes it.
        try simulation.control(
            "POST", "faults",
            #"{"match":"\#(storm.call)","fault":"edit:set:\#(storm.lifeField)=2","times":0}"#)
        if storm.needsInstallation {
            try subject.install(deployment, simulation)
        } else {
            _ = try deployment.broker("POST", "\(subject.path)/access", storm.access)
        }
        deployment.stop()
        Signal().wait(until: .after(milliseconds: 2100))
        try simulation.control("DELETE", "faults")
        try simulation.control("POST", "clock", #"{"advance_seconds":43201}"#)
        try simulation.delay(storm.call, milliseconds: RefreshStorm.delayMilliseconds)
        try simulation.control("DELETE", "ledger")
        try deployment.start()
        try deployment.waitUntilServing()
        let got = try Callers.run(
            deployment.brokerSocket, count: callers, inProcesses: inProcesses, path: "\(subject.path)/access",
            body: storm.access)
        let (accepted, refused) = try simulation.count(storm.call)
        try simulation.control("DELETE", "faults")
        var good = 0
        var tokens: [String: Int] = [:]
        for case let token? in got.tokens { tokens[token, default: 0] += 1 }
        for (token, holders) in tokens where try subject.works(token, storm, simulation) { good += holders }
        let handed = tokens.values.reduce(0, +)
        return RefreshStorm.Row(
            who: "postern, \(subject.platform) \(storm.leg)", crowd: RefreshStorm.crowd(callers, inProcesses),
            callers: callers,
            upstream: accepted + refused, good: good, dead: handed - good, none: callers - handed,
            seconds: got.seconds)
    }
}
