import FoundationEssentials
import Rules

/// The simulation's own calls, below `/_sim/`.
enum Control {
    static func answer(_ request: SimRequest, _ world: inout World) -> SimAnswer {
        let parts = request.path.split(separator: "/").dropFirst().map(String.init)
        switch (request.method, parts.first, parts.count) {
        case ("GET", "health", 1): return .json(["ok": true, "now": .string(world.now.formatted(.iso8601))])
        case ("GET", "ledger", 1): return ledger(request, world)
        case ("DELETE", "ledger", 1):
            world.ledger.clear()
            return .json(["ok": true])
        case ("GET", "faults", 1): return .json(["faults": .array(world.faults.waiting.map(\.json))])
        case ("POST", "faults", 1): return addFault(request, &world)
        case ("DELETE", "faults", 1):
            world.faults.clear()
            return .json(["ok": true])
        case ("GET", "clock", 1): return clock(world)
        case ("POST", "clock", 1):
            guard case .integer(let seconds)? = JSON(bytes: request.body)?["advance_seconds"],
                (0...315_360_000).contains(seconds)
            else { return wrong("takes {\"advance_seconds\": N} with N from 0 to 315360000") }
            world.advance(seconds: seconds)
            return clock(world)
        case ("GET", "apps", 1): return .json(["apps": .array(world.apps)])
        case ("POST", "apps", 1):
            guard let body = JSON(bytes: request.body), let app = world.register(body) else {
                return wrong("takes a JSON object that describes an app; see postern-sim --help")
            }
            return .json(app)
        case ("DELETE", "apps", 2): return remove(parts[1], request.query("platform"), &world)
        case ("GET", "messages", 1): return .json(["messages": .array(world.messages)])
        case ("POST", .some(let verb), 1): return special(verb, request, &world)
        default: return unknown
        }
    }

    private static var unknown: SimAnswer {
        wrong("the simulation has no such call of its own; see postern-sim --help", status: 404)
    }

    private static func remove(_ app: String, _ platform: String?, _ world: inout World) -> SimAnswer {
        for candidate in world.simulated where platform == nil || platform == candidate.rawValue {
            if world.with(candidate, { $0.remove(app: app) }) == true { return .json(["ok": true]) }
        }
        return wrong("no such app", status: 404)
    }

    /// What only one platform has, such as a store app's tickets: the body's `platform` says which.
    private static func special(_ verb: String, _ request: SimRequest, _ world: inout World) -> SimAnswer {
        guard let body = JSON(bytes: request.body), let platform = body["platform"]?.text.flatMap(Platform.init) else {
            return wrong("takes a JSON object with the platform's name in it")
        }
        let now = world.now
        guard let answer = world.with(platform, { $0.control(verb, body, at: now) }) ?? nil else { return unknown }
        return .json(answer, status: answer["error"] == nil ? 200 : 400)
    }

    private static func wrong(_ sentence: String, status: Int = 400) -> SimAnswer {
        .json(["ok": false, "error": .string(sentence)], status: status)
    }

    private static func clock(_ world: World) -> SimAnswer {
        .json(["now": .string(world.now.formatted(.iso8601))])
    }

    private static func ledger(_ request: SimRequest, _ world: World) -> SimAnswer {
        let call = request.query("call").map(CallPattern.init)
        let outcome = request.query("outcome")
        let platform = request.query("platform")
        let app = request.query("app_id")
        let entries = world.ledger.entries.filter { entry in
            (call?.matches(entry.platform, entry.call) ?? true) && (outcome == nil || entry.outcome == outcome)
                && (platform == nil || entry.platform == platform) && (app == nil || entry.appID == app)
        }
        return .json(["entries": .array(entries.map(\.json))])
    }

    private static func addFault(_ request: SimRequest, _ world: inout World) -> SimAnswer {
        guard let body = JSON(bytes: request.body), let match = body["match"]?.text,
            let sort = body["fault"]?.text.flatMap(Fault.Sort.init)
        else {
            return wrong(
                """
                takes {"match": "auth.test", "fault": "html|truncate|close|refuse|status:N|error:CODE|delay|endless|huge|pieces|edit:…", \
                "times": N, "delay_ms": N, "retry_after": N}
                """)
        }
        func number(_ name: String, _ standard: Int64, _ range: ClosedRange<Int64>) -> Int64? {
            guard let value = body[name] else { return standard }
            guard case .integer(let number) = value, range.contains(number) else { return nil }
            return number
        }
        guard let times = number("times", 1, 0...1_000_000), let delay = number("delay_ms", 0, 0...600_000),
            let retryAfter = number("retry_after", 1, 0...86_400)
        else { return wrong("times, delay_ms and retry_after are whole numbers") }
        let fault = Fault(
            match: CallPattern(match), sort: sort, delayMilliseconds: delay, retryAfter: retryAfter, times: times)
        world.faults.add(fault)
        return .json(fault.json)
    }
}
