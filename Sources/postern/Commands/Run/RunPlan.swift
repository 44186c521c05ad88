import Linux
import Rules

/// What a command line of `postern run` asks for, checked before anything is read.
struct RunPlan: Sendable {
    /// A variable of the program, and where its value comes from.
    struct Entry: Sendable {
        let name: String
        let source: Source
        /// The variable has the path of a file with the value.
        let isFile: Bool
    }

    /// What a variable gets: a stored secret, or of a lease for an SDK its token or the base URL it is good at.
    enum Source: Sendable, CustomStringConvertible {
        case secret(SecretReference)
        case access(AccessReference)
        case gateway(AccessReference)

        var secret: SecretReference? { if case .secret(let secret) = self { secret } else { nil } }

        var lease: AccessReference? {
            switch self {
            case .secret: nil
            case .access(let access), .gateway(let access): access
            }
        }

        var description: String {
            switch self {
            case .secret(let secret): "\(secret)"
            case .access(let access): "the token of a lease, \(access)"
            case .gateway(let access): "the base URL of a lease, \(access)"
            }
        }

        var app: AppKey {
            switch self {
            case .secret(let secret): secret.app
            case .access(let access), .gateway(let access): access.app
            }
        }
    }

    enum Watch: Sendable, Equatable {
        case restart
        case signal(Int32)
    }

    let entries: [Entry]
    let onlyEnv: Bool
    /// Variables that stay with `--only-env`.
    let kept: Set<String>
    let filesOnTmpfs: Bool
    let watch: Watch?
    /// What the leases are asked for with.
    let methods: [String]
    let ttl: Int64?
    /// Seconds between being told to end and being made to.
    let grace: Int64
    /// Where the program's words begin in our own.
    let command: Int

    /// Kept by `--only-env`, since hardly a program starts without them.
    static let alwaysKept = ["PATH", "HOME"]

    init(_ invocation: Invocation) throws(Failure) {
        let words = CommandLine.arguments
        guard let end = words.firstIndex(of: "--"), words.count - end - 1 == invocation.arguments.count else {
            throw Failure.usage(
                "the program and its words stand behind --",
                next: "write postern run … -- program words, so that its options are not taken for ours")
        }
        command = end + 1
        let app = try invocation.text("app").map { text throws(Failure) in try Invocation.app(text) }
        var entries: [Entry] = []
        for (option, isFile) in [("env", false), ("file", true)] {
            for text in invocation.all(option) {
                let entry = try RunPlan.entry(text, option, app, isFile)
                guard !entries.contains(where: { $0.name == entry.name }) else {
                    throw Failure.usage("\(entry.name) is set twice")
                }
                entries.append(entry)
            }
        }
        guard !entries.isEmpty else {
            throw Failure.usage("nothing is handed over", next: "name a secret with --env or --file")
        }
        self.entries = entries
        onlyEnv = invocation.has("only-env")
        kept = Set(RunPlan.alwaysKept + invocation.list("keep-env"))
        guard onlyEnv || !invocation.has("keep-env") else {
            throw Failure.usage("--keep-env is for --only-env; without it every variable stays")
        }
        watch = try invocation.text("watch").map { text throws(Failure) in try RunPlan.watch(text) }
        if case .signal? = watch {
            guard entries.allSatisfy(\.isFile) else {
                throw Failure.usage(
                    "a running program's environment cannot be changed, so --watch signal is for files",
                    next: "use --file, or --watch restart")
            }
            guard invocation.text("files") != "memfd" else {
                throw Failure.usage("a memfd is never changed, so --watch signal needs --files tmpfs")
            }
            filesOnTmpfs = true
        } else {
            filesOnTmpfs = invocation.text("files") == "tmpfs" && entries.contains(where: \.isFile)
        }
        grace = try invocation.seconds("grace") ?? 10
        methods = invocation.list("method")
        ttl = try invocation.seconds("ttl")
        guard entries.contains(where: { $0.source.lease != nil }) || methods.isEmpty && ttl == nil else {
            throw Failure.usage(
                "--method and --ttl are for leases, and none is handed over", next: "add --env NAME=access:bot")
        }
    }

    /// Whether somebody has to stay beside the program.
    var isSupervised: Bool { watch != nil || filesOnTmpfs || entries.contains { $0.source.lease != nil } }

    /// `NAME=[platform/app_id:]kind[@installation]`, or `access:leg` and `gateway:leg` in place of the kind.
    private static func entry(
        _ text: String, _ option: String, _ app: AppKey?, _ isFile: Bool
    ) throws(Failure) -> Entry {
        guard let equals = text.firstIndex(of: "=") else {
            throw Failure.usage(
                "--\(option) takes NAME=kind, not \"\(text.shown)\"",
                next: "for example --\(option) SECRET=signing_secret")
        }
        let name = String(text[..<equals])
        guard isName(name) else {
            throw Failure.usage(
                "\"\(name.shown)\" cannot be the name of a variable",
                next: "use letters, digits and _, not beginning with a digit")
        }
        var rest = text[text.index(after: equals)...]
        var installation: Int64?
        if let at = rest.lastIndex(of: "@") {
            guard let number = Int64(rest[rest.index(after: at)...]), number > 0 else {
                throw Failure.usage("behind @ stands an installation's number, from postern installation list")
            }
            installation = number
            rest = rest[..<at]
        }
        var words = rest.split(separator: ":", omittingEmptySubsequences: false)
        let last = String(words.removeLast())
        // What is lent and not stored; no app has such a name, since theirs have a slash.
        let lent = words.last.flatMap { $0 == "access" || $0 == "gateway" ? String(words.removeLast()) : nil }
        let owner = words.isEmpty ? app : try Invocation.app(words.joined(separator: ":"))
        let what = (lent.map { "\($0):" } ?? "") + last
        guard let owner else {
            throw Failure.usage(
                "\(name) has no app", next: "say --app slack/A0123456789, or \(name)=slack/A0123456789:\(what.shown)")
        }
        guard let lent else {
            let secret = SecretReference(app: owner, kind: try Invocation.kind(last), installation: installation)
            return Entry(name: name, source: .secret(secret), isFile: isFile)
        }
        guard let leg = Leg(rawValue: last), leg != .config else {
            throw Failure.usage(
                "\(lent): is followed by bot, user, tenant or app, not by \"\(last.shown)\"",
                next: "for example --env \(name)=\(lent):bot")
        }
        guard !isFile else {
            throw Failure.usage(
                "\(lent): is for --env: what it hands over is short-lived and good for this user alone",
                next: "write --env \(text.shown)")
        }
        let access = AccessReference(app: owner, leg: leg, installation: installation)
        return Entry(name: name, source: lent == "access" ? .access(access) : .gateway(access), isFile: false)
    }

    /// IEEE Std 1003.1, section 8.1; lower case as well.
    private static func isName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }

    private static func watch(_ text: String) throws(Failure) -> Watch {
        if text == "restart" { return .restart }
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, parts[0] == "signal", let number = SignalName.number(String(parts[1])) else {
            throw Failure.usage(
                "--watch is restart or signal:NAME, not \"\(text.shown)\"", next: "for example --watch signal:HUP")
        }
        return .signal(number)
    }
}
