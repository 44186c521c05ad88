import Rules

/// Where a secret comes from: a prompt that does not echo, standard input, a file, a descriptor, or chance. Never an
/// argument.
enum SecretInput {
    static let options: [Option] = [
        Option(
            name: "from-file", value: "FILE", help: "read the value from a file (- is standard input)", values: .file),
        Option(name: "from-fd", value: "N", help: "read the value from an open descriptor"),
        Option(name: "generate", help: "make a random value (webhook_secret and encrypt_key only)"),
    ]

    static let argument = Argument(
        name: "-", help: "read the value from standard input; without it you are asked", optional: true)

    static let explanation =
        "The value is asked for without showing it, or comes from standard input (-), --from-file or --from-fd. One line "
        + "end at its end is taken off. It is never taken from the command line, where other users and the shell's "
        + "history would see it."

    /// The kinds whose value is ours to choose.
    static let generated: [SecretKind] = [.webhookSecret, .encryptKey]

    static func read(
        _ session: Session, _ invocation: Invocation, argument index: Int, kind: SecretKind, of app: AppKey
    ) throws(Failure) -> Secret {
        if let word = invocation.argument(index), word != "-" {
            throw SecretOnCommandLine.failure("the value")
        }
        let sources = ["from-file", "from-fd", "generate"].filter { invocation.has($0) }
        guard sources.count + (invocation.argument(index) == nil ? 0 : 1) <= 1 else {
            throw Failure.usage(
                "the value can come from one place only", next: "keep one of -, --from-file, --from-fd, --generate")
        }
        var secret = Secret()
        if invocation.has("generate") {
            guard generated.contains(kind) else {
                throw Failure.usage(
                    "a \(kind.rawValue) is made by the platform, so it cannot be generated here",
                    next: "--generate is for \(generated.map(\.rawValue).joined(separator: " and "))")
            }
            generate(into: &secret)
            return secret
        }
        if let path = invocation.text("from-file"), path != "-" {
            let descriptor: Int32
            do { descriptor = try Descriptor.open(path) } catch {
                throw Failure.error("\(path.shown) cannot be read: \(error.what)")
            }
            defer { Descriptor.close(descriptor) }
            if Descriptor.isReadableByOthers(path) {
                session.console.warn("\(path.shown) can be read by other users; chmod 600 it, or delete it once stored")
            }
            try fill(&secret, from: descriptor, named: path.shown)
        } else if let number = try invocation.number("from-fd") {
            guard let descriptor = Int32(exactly: number) else { throw Failure.usage("--from-fd takes a descriptor") }
            try fill(&secret, from: descriptor, named: "descriptor \(number)")
        } else if invocation.argument(index) == "-" || invocation.text("from-file") == "-" {
            if Descriptor.isTerminal(0) {
                throw Failure.usage(
                    "standard input is the terminal, which would show the value", next: "leave - away to be asked")
            }
            try fill(&secret, from: 0, named: "standard input")
        } else {
            guard let terminal = session.terminal() else {
                throw Failure.usage(
                    "the value of \(kind.rawValue) is needed and nobody can be asked",
                    next: "use - (standard input), --from-file or --from-fd")
            }
            guard terminal.secret("\(kind.rawValue) of \(app) (not shown): ", into: &secret) else {
                throw Failure.error("no value was given; nothing was changed")
            }
        }
        try check(&secret, session.console)
        return secret
    }

    /// The rules for a value (design, section 4), and what looks like a slip of the hand.
    static func check(_ secret: inout Secret, _ console: Console) throws(Failure) {
        if secret.stripLineEnd() { console.note("one line end at the end was taken off") }
        guard secret.count > 0 else { throw Failure.usage("the value is empty; nothing was changed") }
        guard secret.count <= Secret.longest else { throw tooLong }
        guard secret.isValidText else { throw Failure.usage("the value is not UTF-8 text; nothing was changed") }
        var control = false
        for index in 0..<secret.count where secret[index] < 0x20 && secret[index] != 9 {
            if secret[index] == 0 { throw Failure.usage("the value contains a NUL byte; nothing was changed") }
            control = true
        }
        if control { console.warn("the value contains a control character or a line break; it is kept as it is") }
        if isSpace(secret[0]) || isSpace(secret[secret.count - 1]) {
            console.warn("the value starts or ends with white space; it is kept as it is")
        }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 || byte == 10 || byte == 13 }

    private static let tooLong = Failure.usage("the value is longer than 64 KiB; nothing was changed")

    private static func fill(_ secret: inout Secret, from descriptor: Int32, named name: String) throws(Failure) {
        do {
            guard try secret.read(from: descriptor) else { throw tooLong }
        } catch let failure as Failure {
            throw failure
        } catch let trouble as Descriptor.Trouble {
            throw Failure.error("\(name) cannot be read: \(trouble.what)")
        } catch {
            throw Failure.error("\(name) cannot be read")
        }
    }

    /// 256 bits as 43 letters, digits, - and _.
    private static func generate(into secret: inout Secret) {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var system = SystemRandomNumberGenerator()
        for _ in 0..<43 { _ = secret.append(alphabet[Int.random(in: 0..<64, using: &system)]) }
    }
}
