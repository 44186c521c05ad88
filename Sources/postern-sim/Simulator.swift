import FoundationEssentials
import Rules
import Synchronization

/// Answers requests as the platforms would.
final class Simulator: Sendable {
    private let world: Mutex<World>
    /// Waits that many milliseconds.
    private let sleep: @Sendable (Int64) -> Void

    init(seed: UInt64, root: Platform = .lark, sleep: @escaping @Sendable (Int64) -> Void) {
        world = Mutex(World(seed: seed, root: root))
        self.sleep = sleep
    }

    /// Registers an app as `POST /_sim/apps` does; nil when the JSON does not describe one.
    func register(_ app: JSON) -> JSON? {
        world.withLock { $0.register(app) }
    }

    func answer(_ request: SimRequest) -> SimAnswer {
        if request.path.hasPrefix("/_sim/") {
            return world.withLock { Control.answer(request, &$0) }
        }
        guard let call = world.withLock({ $0.call(for: request.path) }) else {
            return world.withLock { world in
                let answer = SimAnswer.page("Not found", "This simulation has no such page.", status: 404)
                world.note(request, nil, Outcome.refused("not_found", answer))
                return answer
            }
        }
        let fault = world.withLock { $0.faults.take(for: call) }
        if let fault, fault.delayMilliseconds > 0 { sleep(fault.delayMilliseconds) }
        return world.withLock { $0.answer(request, call, fault) }
    }
}

/// What a platform made of a request: its answer, and what the ledger says about it.
struct Outcome {
    var answer: SimAnswer
    var accepted: Bool
    var reason: String
    var appID: String?
    var token: String?

    static func accepted(_ reason: String, _ answer: SimAnswer, app: String? = nil, token: String? = nil) -> Outcome {
        Outcome(answer: answer, accepted: true, reason: reason, appID: app, token: token)
    }

    static func refused(_ reason: String, _ answer: SimAnswer, app: String? = nil, token: String? = nil) -> Outcome {
        Outcome(answer: answer, accepted: false, reason: reason, appID: app, token: token)
    }
}

extension World {
    mutating func note(_ request: SimRequest, _ call: Call?, _ outcome: Outcome, fault: Fault? = nil) {
        let reason = fault.map { "\($0.sort.text), \(outcome.reason)" } ?? outcome.reason
        ledger.append(
            request, call: call, outcome: fault != nil ? "fault" : outcome.accepted ? "accepted" : "refused",
            reason: reason, status: outcome.answer.status, appID: outcome.appID, token: outcome.token, at: now)
    }

    mutating func answer(_ request: SimRequest, _ call: Call, _ fault: Fault?) -> SimAnswer {
        let now = now
        let made = with(call.platform) { $0.outcome(of: request, call.name, fault, at: now) }
        guard var outcome = made else { return .text("", status: 404) }
        fault?.spoil(&outcome.answer)
        note(request, call, outcome, fault: fault)
        return outcome.answer
    }
}

extension PlatformWorld {
    /// The platform's answer, or what the fault puts in its place.
    fileprivate mutating func outcome(
        of request: SimRequest, _ call: String, _ fault: Fault?, at now: Date
    ) -> Outcome {
        switch fault?.sort {
        case .html:
            .refused("nothing done", .page("Be right back", "The platform is being looked after.", status: 200))
        case .refuse: .refused("nothing done", SimAnswer(status: 0, body: [], ending: .nothing))
        case .status(let status): .refused("nothing done", trouble(status, retryAfter: fault?.retryAfter ?? 1))
        case .error(let code): refuse(request, call, code)
        case nil, .truncate, .close, .delay, .endless, .huge, .pieces, .edit: answer(request, call, at: now)
        }
    }
}

extension Fault {
    /// Does to an answer what this sort of fault does to it on its way.
    fileprivate func spoil(_ answer: inout SimAnswer) {
        switch sort {
        case .truncate: answer.ending = .half
        case .close: answer.ending = .nothing
        case .endless: answer.ending = .never
        case .pieces: answer.ending = .pieces
        case .edit(let edit): edit.apply(to: &answer)
        case .huge:
            // Inside the JSON, so that only a limit on size stops the reader.
            if answer.body.last == UInt8(ascii: "}") {
                answer.body.removeLast()
                answer.body += [UInt8](#","padding":""#.utf8)
                answer.body += [UInt8](repeating: UInt8(ascii: "x"), count: 8 << 20) + [UInt8](#""}"#.utf8)
            }
        case .html, .refuse, .status, .error, .delay: break
        }
    }
}
