import Glibc
import Linux
import Rules

let getCommand = Command(
    name: "get", summary: "prints a secret's value, as the service that runs it",
    details: [
        "For scripts: what it may read is what the grants of its own service allow, over broker.sock; the kernel says who "
            + "it is, and the audit log has every read. An administrator who needs a value uses postern secret reveal.",
        "The value alone goes to standard output, without a line end; it is not shown on a terminal unless --yes says so. "
            + "The service's selectors see postern, so exe: and sha256: have to name this program.",
    ],
    arguments: [appArgument, kindArgument],
    options: [
        installationOption,
        Option(name: "version", value: "N", help: "another version than the current one"),
        Option(name: "fd", value: "N", help: "write the value to an open descriptor instead"),
        Option(
            name: "out", value: "FILE", help: "write it to a file that only you can read, made or replaced as a whole",
            values: .file),
    ],
    examples: [
        Example("Into a variable of a script", "SECRET=$(postern get slack/A0123456789 signing_secret)"),
        Example("Into a file", "postern get lark/cli_a1b2c3 encrypt_key --out encrypt.key"),
        Example(
            "Into another program's descriptor", "postern get slack/A0123456789 client_secret --fd 3 3> >(program)"),
    ],
    exits: [(9, "no daemon answers (also: platform unreachable)")],
    run: { session, invocation throws(Failure) in
        let app = try invocation.app(0)
        let kind = try invocation.kind(1)
        guard !(invocation.has("fd") && invocation.has("out")) else {
            throw Failure.usage("the value can go to one place only", next: "keep one of --fd and --out")
        }
        let descriptor = try invocation.number("fd").map { number throws(Failure) in
            guard let descriptor = Int32(exactly: number), fcntl(descriptor, F_GETFD) >= 0 else {
                throw Failure.usage(
                    "--fd \(number) is not an open descriptor",
                    next: "have the shell open it, for example --fd 3 3> >(program)")
            }
            return descriptor
        }
        let target = descriptor ?? 1
        if !invocation.has("out"), Descriptor.isTerminal(target), !session.settings.yes {
            throw Failure.usage(
                "the value would be shown on the terminal and stay in its scroll-back",
                next: "send it to a program or a file, or add --yes")
        }
        let secret = try Lent(
            SecretReference(app: app, kind: kind, installation: invocation.number("installation", atLeast: 1)),
            version: invocation.number("version", atLeast: 1), by: session)
        if let path = invocation.text("out") {
            try attempt("write \(path.shown)", next: "nothing was changed there") { () throws(SystemError) in
                try PrivateFile.replace(path, with: secret.value)
            }
        } else if session.console.json, descriptor == nil {
            session.console.out(secret.answer)
            return .ok
        } else {
            Descriptor.write(secret.value, to: target)
            if Descriptor.isTerminal(target) { Descriptor.write("\n", to: target) }
        }
        if session.console.json { session.console.out(secret.answer.without("value")) }
        return .ok
    })

/// Which secret is meant, as `--env` and `--file` of `postern run` name it.
struct SecretReference: Sendable, Equatable, CustomStringConvertible {
    let app: AppKey
    let kind: SecretKind
    var installation: Int64?

    var description: String { "\(app):\(kind.rawValue)" + (installation.map { "@\($0)" } ?? "") }
}

/// A secret as the daemon gave it to this process.
struct Lent {
    let answer: JSON
    let value: String
    /// Which version it is, for comparison.
    let version: String

    init(_ secret: SecretReference, version: Int64? = nil, by session: Session) throws(Failure) {
        do {
            answer = try session.broker.get(
                "apps/\(secret.app)/secrets/\(secret.kind.rawValue)",
                [("version", version.map { "\($0)" }), ("installation", secret.installation.map { "\($0)" })])
        } catch {
            throw error.about("\(secret.kind.rawValue) of \(secret.app)")
        }
        guard let value = answer["value"]?.text else { throw Failure.error("the daemon's answer has no value") }
        self.value = value
        self.version = "\(secret)=\(Show.cell(answer["version"]))"
    }
}

/// Files that only their owner reads, and that nobody sees half-written.
enum PrivateFile {
    /// Makes or replaces a file as a whole: 0600, beside it first, then renamed. A symbolic link at the path is replaced,
    /// not followed.
    static func replace(_ path: String, with text: String) throws(SystemError) {
        let beside = "\(path).\(ForkedChild.ownPID)"
        let file = try FileDescriptor.open(
            beside, .write, creating: 0o600, exclusively: true, followingLinks: false)
        do throws(SystemError) {
            try Directory.setMode(of: file, 0o600)
            try file.write(Array(text.utf8).span)
            try Directory.rename(beside, to: path)
        } catch {
            try? Directory.removeFile(beside)
            throw error
        }
    }
}
