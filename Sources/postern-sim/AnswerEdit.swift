/// One field of a JSON answer changed on its way, to try what a reader makes of it; for every platform.
struct AnswerEdit: Sendable, Equatable {
    private enum Change: Sendable, Equatable {
        case drop
        case set(JSON)
        /// A string of that many characters.
        case fill(Int)
    }

    let text: String
    /// From the outermost object inwards.
    private let path: [String]
    private let change: Change

    /// `drop:PATH`, `set:PATH=JSON` or `fill:PATH=LENGTH`; PATH is a field's name, or several with dots between them.
    /// What is no JSON is taken for a string.
    init?(_ text: String) {
        self.text = text
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        let halves = parts[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        path = halves[0].split(separator: ".").map(String.init)
        guard !path.isEmpty else { return nil }
        switch (parts[0], halves.count > 1 ? halves[1] : nil) {
        case ("drop", nil): change = .drop
        case ("set", .some(let value)): change = .set(JSON(bytes: [UInt8](value.utf8)) ?? .string(value))
        case ("fill", .some(let value)):
            guard let length = Int(value), (1...1 << 20).contains(length) else { return nil }
            change = .fill(length)
        default: return nil
        }
    }

    /// Leaves an answer alone that is no JSON object.
    func apply(to answer: inout SimAnswer) {
        guard let body = JSON(bytes: answer.body), case .object = body else { return }
        answer.body = edited(body, path[...]).bytes
    }

    private func edited(_ value: JSON, _ path: ArraySlice<String>) -> JSON {
        guard let name = path.first else { return value }
        var fields: [String: JSON] = [:]
        if case .object(let there) = value { fields = there }
        if path.count > 1 {
            // A field that is not there cannot lose one of its own.
            guard fields[name] != nil || change != .drop else { return value }
            fields[name] = edited(fields[name] ?? [:], path.dropFirst())
        } else {
            switch change {
            case .drop: fields[name] = nil
            case .set(let new): fields[name] = new
            case .fill(let length): fields[name] = .string("fake" + String(repeating: "x", count: max(0, length - 4)))
            }
        }
        return .object(fields)
    }
}
