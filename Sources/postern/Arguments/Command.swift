/// One node of the tree of nouns and verbs: everything the parser, the help and the completion need to know about it.
struct Command: Sendable {
    typealias Run = @Sendable (Session, Invocation) throws(Failure) -> Exit

    let name: String
    /// One line, without a full stop.
    let summary: String
    /// Paragraphs of plain text; a paragraph that starts with a space keeps its lines as they are.
    var details: [String] = []
    var arguments: [Argument] = []
    var options: [Option] = []
    var examples: [Example] = []
    /// Exit codes that mean something special here, besides the common list.
    var exits: [(code: Int32, meaning: String)] = []
    var children: [Command] = []
    /// Hidden from help and completion.
    var hidden = false
    /// What stands behind `--` is another program with its own words.
    var runsProgram = false
    var run: Run?

    func child(_ name: String) -> Command? { children.first { $0.name == name } }
}

/// A word that is not an option.
struct Argument: Sendable {
    let name: String
    let help: String
    var optional = false
    /// The last one only: as many words as there are.
    var repeats = false
    var values: Values = .any
}

/// `--name`, or `--name VALUE` when it has a `value`.
struct Option: Sendable {
    let name: String
    /// What stands for the value in help; nil for a flag.
    var value: String?
    let help: String
    var short: Character?
    var repeats = false
    var required = false
    /// The variable that says the same, for the options that have one.
    var environment: String?
    var values: Values = .any
    /// Left out of help and completion.
    var hidden = false
}

/// A command line that works, with what it does.
struct Example: Sendable {
    let does: String
    let line: String

    init(_ does: String, _ line: String) {
        self.does = does
        self.line = line
    }
}

/// What completion offers for a value.
enum Values: Sendable, Equatable {
    case any
    case file
    case words([String])
    /// Asked from the daemon.
    case apps, services, tenants
    /// A grant's pattern: the daemon's apps with their tenants.
    case patterns
}

/// What the process ends with (design, section 9).
struct Exit: Sendable, Equatable {
    let code: Int32

    init(_ code: Int32) { self.code = code }

    static let ok = Exit(0)
    static let error = Exit(1)
    static let usage = Exit(2)
    static let sealed = Exit(3)
    static let denied = Exit(4)
    static let integrity = Exit(11)
    static let wouldChange = Exit(12)

    /// The whole list, as every help page prints it.
    static let meanings: [(code: Int32, meaning: String)] = [
        (0, "ok"), (1, "error"), (2, "usage"), (3, "sealed"), (4, "denied"), (5, "not found"), (6, "conflict"),
        (7, "needs re-authorization"), (8, "platform refused"), (9, "platform unreachable"),
        (10, "audit unavailable"), (11, "integrity failure"), (12, "would change (--check)"),
    ]
}
