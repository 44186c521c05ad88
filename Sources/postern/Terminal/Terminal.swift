import Glibc

/// The person at the keyboard, reached through /dev/tty so that pipes on standard input and output do not matter.
@safe struct Terminal: ~Copyable {
    private let descriptor: Int32

    /// nil without a controlling terminal, or when neither input nor messages go to a terminal: nobody is watching.
    static func open() -> Terminal? {
        guard Descriptor.isTerminal(0) || Descriptor.isTerminal(2) else { return nil }
        let descriptor = unsafe Glibc.open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        return descriptor < 0 ? nil : Terminal(descriptor: descriptor)
    }

    deinit { Descriptor.close(descriptor) }

    func say(_ text: String) { Descriptor.write(text, to: descriptor) }

    /// A visible answer; nil at the end of input.
    func line(_ prompt: String) -> String? {
        say(prompt)
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while true {
            let count = unsafe Glibc.read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self) }
            if byte == 10 { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
    }

    /// An answer that is not shown. nil when it was ended with Ctrl-D and nothing else.
    ///
    /// The terminal is read byte by byte, since its line mode cuts pasted values at 4095 bytes, and with its signals
    /// off: Ctrl-C and signals from outside first put the terminal back as it was.
    func secret(_ prompt: String, into secret: inout Secret) -> Bool {
        var before = termios()
        guard unsafe tcgetattr(descriptor, &before) == 0 else { return false }
        var quiet = before
        quiet.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG | IEXTEN)
        let held = SignalsHeld()
        say(prompt)
        _ = unsafe tcsetattr(descriptor, TCSAFLUSH, &quiet)
        let end = read(into: &secret, held)
        _ = unsafe tcsetattr(descriptor, TCSAFLUSH, &before)
        say("\n")
        switch end {
        case .line: return true
        case .ended: return secret.count > 0
        case .signal(let number):
            secret.drop(secret.count)
            held.deliver(number)
            return false
        }
    }

    private enum End {
        case line, ended
        case signal(Int32)
    }

    private func read(into secret: inout Secret, _ held: borrowing SignalsHeld) -> End {
        while true {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&waiting, 1, 100)
            if let number = held.pending { return .signal(number) }
            if ready <= 0 { continue }
            var byte: UInt8 = 0
            let count = unsafe Glibc.read(descriptor, &byte, 1)
            if count < 0, errno == EINTR { continue }
            if count <= 0 { return .ended }
            switch byte {
            case 3: return .signal(SIGINT)
            case 28: return .signal(SIGQUIT)
            case 4: return .ended
            case 10, 13: return .line
            case 8, 127:
                // One character may be several bytes of UTF-8.
                while secret.count > 0, secret[secret.count - 1] & 0xC0 == 0x80 { secret.drop(1) }
                secret.drop(1)
            case 21: secret.drop(secret.count)
            default: if !secret.append(byte) { say("\u{7}") }
            }
        }
    }
}

/// Signals that would end the process, held back while the terminal is not as the shell left it.
@safe struct SignalsHeld: ~Copyable {
    private static let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP]
    private var before = sigset_t()

    init() {
        var held = sigset_t()
        _ = unsafe sigemptyset(&held)
        for number in Self.numbers { _ = unsafe sigaddset(&held, number) }
        _ = unsafe sigprocmask(SIG_BLOCK, &held, &before)
    }

    deinit {
        var before = before
        _ = unsafe sigprocmask(SIG_SETMASK, &before, nil)
    }

    var pending: Int32? {
        var set = sigset_t()
        _ = unsafe sigpending(&set)
        return Self.numbers.first { unsafe sigismember(&set, $0) == 1 }
    }

    /// Lets the signal do what it does by itself; stopping (Ctrl-Z) comes back.
    consuming func deliver(_ number: Int32) {
        var before = before
        raise(number)
        _ = unsafe sigprocmask(SIG_SETMASK, &before, nil)
    }
}
