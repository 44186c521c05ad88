import Rules

/// Why a command did not do what was asked: what failed, why, what to do, and the daemon's request id.
struct Failure: Error, Sendable, Equatable {
    let exit: Exit
    /// The stable name, as in the daemon's problem documents.
    let code: String
    let what: String
    var next = ""
    var requestID: String?
    /// The problem document as the daemon sent it, for `-o json`.
    var document: JSON?

    static func usage(_ what: String, next: String = "") -> Failure {
        Failure(exit: .usage, code: "usage", what: what, next: next)
    }

    static func error(_ what: String, next: String = "") -> Failure {
        Failure(exit: .error, code: "error", what: what, next: next)
    }

    /// What was already said by the command's own output; only the exit code is left.
    init(_ problem: Problem) {
        self.init(
            exit: Exit(problem.code.exitCode), code: problem.code.rawValue, what: problem.reason, next: problem.advice)
    }

    init(exit: Exit, code: String, what: String, next: String = "", requestID: String? = nil, document: JSON? = nil) {
        self.exit = exit
        self.code = code
        self.what = what
        self.next = next
        self.requestID = requestID
        self.document = document
    }

    /// An `application/problem+json` answer. A code this program does not know is told by its status.
    init(status: Int, document: JSON) {
        let name = document["code"]?.text ?? "unknown"
        let known = Problem.Code(rawValue: name)
        let exit =
            known?.exitCode
            ?? (status == 404 ? 5 : status == 403 ? 4 : status == 409 ? 6 : status >= 400 && status < 500 ? 2 : 1)
        self.init(
            exit: Exit(exit), code: name,
            what: document["detail"]?.text ?? document["title"]?.text ?? "the daemon answered \(status)",
            next: document["advice"]?.text ?? "", requestID: document["request_id"]?.text, document: document)
    }

    /// The same, with what it is about in front.
    func about(_ subject: String) -> Failure {
        Failure(
            exit: exit, code: code, what: "\(subject): \(what)", next: next, requestID: requestID, document: document)
    }

    /// For people, on standard error.
    var lines: [String] {
        var lines = ["postern: \(Columns.printable(what))"]
        if !next.isEmpty { lines.append("  next: \(Columns.printable(next))") }
        if let requestID { lines.append("  request id: \(Columns.printable(requestID))") }
        return lines
    }

    /// For `-o json`, on standard error: the daemon's document, or ours in the same shape.
    var json: JSON {
        var fields: [String: JSON] = [
            "schema": .int(1), "code": .string(code), "detail": .string(what), "exit_code": .int(Int64(exit.code)),
        ]
        if !next.isEmpty { fields["advice"] = .string(next) }
        if let requestID { fields["request_id"] = .string(requestID) }
        if case .object(let sent)? = document { fields.merge(sent) { _, sent in sent } }
        return .object(fields)
    }
}
