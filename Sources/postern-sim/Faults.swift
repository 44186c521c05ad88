import Rules

/// Trouble on command: what `POST /_sim/faults` asked for.
struct Fault: Sendable, Equatable {
    enum Sort: Sendable, Equatable {
        /// An outage page instead of JSON. Nothing is done.
        case html
        /// The work is done, half the answer arrives.
        case truncate
        /// The work is done, the answer is lost: the connection closes.
        case close
        /// The connection closes before anything is done.
        case refuse
        /// This HTTP status, with the platform's body for it. Nothing is done.
        case status(Int)
        /// The platform's own error code. Nothing is done.
        case error(String)
        /// The work is done, `delayMilliseconds` late.
        case delay
        /// The work is done, and the answer's body never ends.
        case endless
        /// The work is done, and the answer carries eight megabytes nobody asked for.
        case huge
        /// The work is done, and the answer comes in two pieces with half a second between them.
        case pieces
        /// The work is done, and one field of the JSON answer is changed on its way.
        case edit(AnswerEdit)

        init?(_ text: String) {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count > 1 ? parts[1] : nil) {
            case ("html", nil): self = .html
            case ("truncate", nil): self = .truncate
            case ("close", nil): self = .close
            case ("refuse", nil): self = .refuse
            case ("delay", nil): self = .delay
            case ("endless", nil): self = .endless
            case ("huge", nil): self = .huge
            case ("pieces", nil): self = .pieces
            case ("status", .some(let number)):
                guard let status = Int(number), (300...599).contains(status) else { return nil }
                self = .status(status)
            case ("error", .some(let code)):
                guard code.utf8.allSatisfy({ (0x61...0x7A).contains($0) || $0 == 0x5F || (0x30...0x39).contains($0) })
                else { return nil }
                self = .error(code)
            case ("edit", .some(let text)):
                guard let edit = AnswerEdit(text) else { return nil }
                self = .edit(edit)
            default: return nil
            }
        }

        var text: String {
            switch self {
            case .html: "html"
            case .truncate: "truncate"
            case .close: "close"
            case .refuse: "refuse"
            case .status(let status): "status:\(status)"
            case .error(let code): "error:\(code)"
            case .delay: "delay"
            case .endless: "endless"
            case .huge: "huge"
            case .pieces: "pieces"
            case .edit(let edit): "edit:\(edit.text)"
            }
        }
    }

    let match: CallPattern
    let sort: Sort
    let delayMilliseconds: Int64
    /// For `status:429` and `status:503`.
    let retryAfter: Int64
    /// How often it still strikes; 0 is until deleted.
    var times: Int64

    var json: JSON {
        [
            "match": .string(match.text), "fault": .string(sort.text), "delay_ms": .integer(delayMilliseconds),
            "retry_after": .integer(retryAfter), "times": .integer(times),
        ]
    }
}

/// Which calls are meant: `auth.test`, a family such as `chat.*`, or `*`; with a platform's name and a colon before it
/// only that platform's, as in `lark:authen.v2.oauth.token` or `feishu:*`.
struct CallPattern: Sendable, Equatable {
    let text: String
    private let platform: Substring?
    private let name: Substring

    init(_ text: String) {
        self.text = text
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        platform = parts.count > 1 ? parts[0] : nil
        name = parts.last ?? ""
    }

    func matches(_ platform: String, _ call: String) -> Bool {
        guard self.platform == nil || self.platform.map(String.init) == platform else { return false }
        return name == "*" || name == call || (name.hasSuffix(".*") && call.hasPrefix(name.dropLast()))
    }
}

/// The faults that wait, in the order they were asked for.
struct Faults: Sendable {
    private(set) var waiting: [Fault] = []

    mutating func add(_ fault: Fault) { waiting.append(fault) }
    mutating func clear() { waiting = [] }

    /// The first fault that strikes `call`; one with its times used up is gone.
    mutating func take(for call: Call) -> Fault? {
        guard
            let index = waiting.firstIndex(where: { $0.match.matches(call.platform.rawValue, call.name) })
        else { return nil }
        let fault = waiting[index]
        if fault.times == 1 {
            waiting.remove(at: index)
        } else if fault.times > 1 {
            waiting[index].times -= 1
        }
        return fault
    }
}
