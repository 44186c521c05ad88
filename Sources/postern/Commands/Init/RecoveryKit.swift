import Linux
import Rules
import Sealing
import Vault

/// The kit that opens the vault without the root key: shown or written once, then read back before it is believed.
struct RecoveryKit {
    let path: String?
    let publicKey: Digest32
    /// As it came back from the file or from the person, not as it was made.
    private let returned: SecretBox

    static let prefix = "postern-kit-1"

    static func make(_ session: Session, file path: String?) throws(Failure) -> RecoveryKit {
        let kit = KitKey()
        let line = text(of: kit)
        if let path {
            try write(line, publicKey: kit.publicKey, to: path)
            let back = try readBack(path)
            return try accept(back, of: kit.publicKey, path: path)
        }
        guard let terminal = session.terminal() else {
            throw Failure.usage("a recovery kit must be kept somewhere", next: "give --kit-file FILE")
        }
        terminal.say(
            """
            This is the recovery kit. It opens the vault when the root key is lost, and it is shown only now.
            Write it down, or store it in a password manager on another machine.

                \(line)


            """)
        for _ in 0..<5 {
            var typed = Secret()
            guard terminal.secret("Enter the kit again (not shown): ", into: &typed) else { break }
            if let back = parse(typed.text),
                (try? KitKey(secret: SecretBytes(copying: back.span)))?.publicKey == kit.publicKey
            {
                return try accept(back, of: kit.publicKey, path: nil)
            }
            terminal.say("That is not the same. Look again.\n")
        }
        throw Failure.error("the recovery kit was not confirmed; nothing was made")
    }

    /// Whether it opens what the vault keeps for it.
    func opens(_ sealed: [UInt8]) -> Bool {
        guard let kit = try? KitKey(secret: RecoveryKit.copy(returned.secret)) else { return false }
        return VaultCreation.prove(sealed, with: kit)
    }

    private static func copy(_ key: borrowing SecretBytes) -> SecretBytes { SecretBytes(copying: key.span) }

    /// Removes the file of a kit whose vault was not made.
    func takeBack() {
        if let path { Descriptor.remove(path) }
    }

    /// `postern-kit-1` and 64 hex digits in eight groups.
    private static func text(of kit: borrowing KitKey) -> String {
        let hex = Array(Hex.encode(kit.secret.span))
        let groups = stride(from: 0, to: hex.count, by: 8).map { String(hex[$0..<min($0 + 8, hex.count)]) }
        return prefix + " " + groups.joined(separator: "-")
    }

    /// The key in a kit's line or file; white space and dashes do not matter, nor lines that start with #.
    static func parse(_ text: String) -> [UInt8]? {
        let lines = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }
        let words = lines.joined(separator: " ").split(separator: " ")
        let digits = (words.first == "postern-kit-1" ? words.dropFirst() : words[...]).joined().filter { $0 != "-" }
        guard digits.utf8.count == 64 else { return nil }
        return Hex.decode(digits)
    }

    private static func accept(_ key: [UInt8], of publicKey: Digest32, path: String?) throws(Failure) -> RecoveryKit {
        guard let kit = try? KitKey(secret: SecretBytes(copying: key.span)), kit.publicKey == publicKey else {
            throw Failure(exit: .integrity, code: "integrity_failure", what: "the recovery kit read back differs")
        }
        return RecoveryKit(path: path, publicKey: publicKey, returned: SecretBox(SecretBytes(copying: key.span)))
    }

    private static func write(_ line: String, publicKey: Digest32, to path: String) throws(Failure) {
        let text = """
            # Recovery kit of a Postern vault. Whoever has it and a copy of the vault can read every secret:
            # keep it away from this machine, best on paper or in another organisation's safe.
            # public key: \(publicKey.hex)
            \(line)

            """
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, .write, creating: 0o600, exclusively: true, followingLinks: false)
            try file.write(Array(text.utf8))
            try file.syncData()
        } catch {
            throw Failure(
                error.problem(
                    doing: "make the kit file \(path.shown)", advice: "name a file that does not exist yet"))
        }
    }

    private static func readBack(_ path: String) throws(Failure) -> [UInt8] {
        do {
            let bytes = try Descriptor.contents(ofFile: path, atMost: 4096)
            if let key = parse(String(decoding: bytes, as: UTF8.self)) { return key }
        } catch {
            throw Failure.error("the kit file \(path.shown) cannot be read back: \(error.what)")
        }
        throw Failure.error("the kit file \(path.shown) cannot be read back")
    }
}
