import Glibc
import Linux
import Testing

@testable import postern_sim

/// `postern import` on a terminal of its own: what it asks, and what it does then.
@Suite struct `An import that can ask` {
    private static let secret = "0123456789abcdef0123456789abcdef"
    /// Of which everything is taken, and of which other lines are left.
    private static let whole = "SLACK_APP_ID=\(Stand.appID)\nSLACK_SIGNING_SECRET=\(secret)\n"
    private static let mixed = "PORT=3000\n" + whole

    /// One import, as a person at a terminal meets it.
    private struct Case: Sendable {
        let name: String
        var file = whole
        var flags: [String] = []
        /// What is typed at each question, by what the question says.
        var typed: [(at: String, text: String)] = []
        /// What must be on the screen in the end, and what must not.
        var says = ""
        var saysNot = "\u{0}"
        var ending = ChildProcess.Ending.exited(0)
        var isStored = true
        /// What is left of the file; nil where it is gone.
        var left: String? = whole
    }

    private static let store = "Store them?"
    private static let remove = "Overwrite and remove "
    private static let cases: [Case] = [
        Case(
            name: "yes and yes", typed: [(store, "y\n"), (remove, "yes\n")],
            says: "1 plain copy overwritten and removed",
            left: nil),
        Case(name: "yes and no", typed: [(store, "y\n"), (remove, "n\n")], saysNot: "overwritten"),
        Case(name: "yes and nothing", typed: [(store, "YES\n"), (remove, "\n")], saysNot: "overwritten"),
        Case(name: "yes and something else", typed: [(store, "y\n"), (remove, "yesterday\n")], saysNot: "overwritten"),
        Case(name: "yes and the end of input", typed: [(store, "y\n"), (remove, "\u{4}")], saysNot: "overwritten"),
        Case(
            name: "yes and Ctrl-C", typed: [(store, "y\n"), (remove, "\u{3}")], saysNot: "overwritten",
            ending: .signalled(SIGINT)),
        Case(
            name: "yes and yes to taking values out", file: mixed,
            typed: [(store, "y\n"), ("Take the stored values out of ", "y\n")], says: "its other lines were kept",
            left: "PORT=3000\n"),
        Case(
            name: "no", typed: [(store, "n\n")], says: "nothing was changed", saysNot: remove, ending: .exited(1),
            isStored: false),
        Case(
            name: "Ctrl-C", typed: [(store, "\u{3}")], saysNot: remove, ending: .signalled(SIGINT), isStored: false),
        Case(
            name: "no to both at once", flags: ["--remove-source"],
            typed: [("Store them, then overwrite and remove ", "n\n")], says: "nothing was changed",
            ending: .exited(1), isStored: false),
        Case(
            name: "yes to both at once", flags: ["--remove-source"],
            typed: [("Store them, then overwrite and remove ", "y\n")], says: "1 plain copy overwritten and removed",
            left: nil),
        Case(name: "--yes", flags: ["--yes"], says: "--remove-source removes them", saysNot: "[y/N]"),
        Case(
            name: "--yes and --remove-source", flags: ["--yes", "--remove-source"],
            says: "1 plain copy overwritten and removed", saysNot: "[y/N]", left: nil),
        Case(
            name: "--no-input", flags: ["--no-input"], says: "--yes", saysNot: "[y/N]", ending: .exited(2),
            isStored: false),
    ]

    private static func stand() throws -> Stand {
        let stand = try Stand().start()
        try stand.must("POST", "tenants", ["slug": "acme", "name": "Acme Corp"])
        return stand
    }

    /// A new file of the case, and the words that import it.
    private static func words(_ stand: Stand, _ one: Case) throws -> (path: String, words: [String]) {
        let path = "\(stand.path)/plain-\(UInt64.random(in: 0 ..< .max)).env"
        try FileDescriptor.open(path, .write, creating: 0o600).write(Array(one.file.utf8))
        return (path, ["import", "env", path, "--tenant", "acme", "--no-verify", "--as-is"] + one.flags)
    }

    /// What is not as the case has it.
    private static func complaints(_ stand: Stand, _ one: Case, _ path: String, _ printed: String) throws -> [String] {
        var all: [String] = []
        if !printed.contains(one.says) || printed.contains(one.saysNot) { all.append("says \(printed)") }
        if printed.contains(secret) { all.append("shows the secret") }
        let exists = unsafe access(path, F_OK) == 0
        if exists != (one.left != nil) || Shell.text(of: path) != one.left ?? "" { all.append("the file") }
        let apps = try stand.must("GET", "apps")["apps"]?.count
        if apps != (one.isStored ? 1 : 0) { all.append("stored: \(apps ?? -1)") }
        return all
    }

    @Test func `does with the plain copy what the answer says, and no more`() throws {
        let rows = Self.cases.map { (name: $0.name, row: $0) }
        let complaints = try together(rows) { one in
            let stand = try Self.stand()
            let (path, words) = try Self.words(stand, one)
            let run = try Service(stand, words, uid: nil, onTerminal: true)
            for (question, answer) in one.typed {
                guard run.shows(question), run.shows("[y/N] ") else {
                    return ["does not ask \(question): \(run.screen)"]
                }
                run.type(answer)
            }
            let ending = try run.end()
            return try (ending == one.ending ? [] : ["ends \(ending)"])
                + Self.complaints(stand, one, path, run.screen)
        }
        #expect(complaints == [])
    }

    /// Nobody can be asked: it stores nothing without being told to, and removes nothing without being told to.
    @Test func `asks nothing where there is no terminal`() throws {
        let cases = [
            Case(name: "nothing", says: "--yes", ending: .exited(2), isStored: false),
            Case(
                name: "only the removal", flags: ["--remove-source"], says: "--yes", ending: .exited(2), isStored: false
            ),
            Case(name: "--yes", flags: ["--yes"], says: "--remove-source removes them"),
        ]
        for one in cases {
            let stand = try Self.stand()
            let (path, words) = try Self.words(stand, one)
            let run = try stand.postern(words, input: "y\ny\n")
            #expect(ChildProcess.Ending.exited(run.code) == one.ending, "\(one.name): \(run.all)")
            #expect(try Self.complaints(stand, one, path, run.all) == [], "\(one.name)")
        }
    }
}
