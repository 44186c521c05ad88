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
            case ("status", .some(let number)):
                guard let status = Int(number), (300...599).contains(status) else { return nil }
                self = .status(status)
            case ("error", .some(let code)):
                guard code.utf8.allSatisfy({ (0x61...0x7A).contains($0) || $0 == 0x5F || (0x30...0x39).contains($0) })
                else { return nil }
                self = .error(code)
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
            }
        }
    }

    /// A method such as `auth.test`, a family such as `chat.*`, or `*`.
    let match: String
    let sort: Sort
    let delayMilliseconds: Int64
    /// For `status:429` and `status:503`.
    let retryAfter: Int64
    /// How often it still strikes; 0 is until deleted.
    var times: Int64

    func strikes(_ call: String) -> Bool {
        match == "*" || match == call || (match.hasSuffix(".*") && call.hasPrefix(match.dropLast()))
    }

    var json: JSON {
        [
            "match": .string(match), "fault": .string(sort.text), "delay_ms": .integer(delayMilliseconds),
            "retry_after": .integer(retryAfter), "times": .integer(times),
        ]
    }
}

/// The faults that wait, in the order they were asked for.
struct Faults: Sendable {
    private(set) var waiting: [Fault] = []

    mutating func add(_ fault: Fault) { waiting.append(fault) }
    mutating func clear() { waiting = [] }

    /// The first fault that strikes `call`; one with its times used up is gone.
    mutating func take(for call: String) -> Fault? {
        guard let index = waiting.firstIndex(where: { $0.strikes(call) }) else { return nil }
        let fault = waiting[index]
        if fault.times == 1 {
            waiting.remove(at: index)
        } else if fault.times > 1 {
            waiting[index].times -= 1
        }
        return fault
    }
}
