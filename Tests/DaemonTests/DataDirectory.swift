import Glibc
import Linux
import Rules
import Sealing
import Testing
import Vault

/// A state directory of its own, with a root key, gone at the end.
final class DataDirectory {
    let path: String
    /// Whom posternd serves as.
    let account: Account

    /// As far as posternd looks before it opens the vault; `withVault` as `postern init` leaves it.
    init(withVault: Bool = false) throws {
        var template = Array("/tmp/daemon-tests-XXXXXX".utf8CString)
        let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
        try #require(made)
        path = unsafe template.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) }
        account =
            Privileges.isRoot
            ? try #require(Accounts.account(named: "nobody"))
            : Account(name: "me", uid: Privileges.uid, gid: getegid(), home: "/")
        unsafe chmod(path, 0o711)
        try FileDescriptor.open(key, .write, creating: 0o600).write([UInt8](repeating: 7, count: 32))
        if withVault {
            let rootKey = SecretBytes(copying: [UInt8](repeating: 7, count: 32).span)
            _ = try VaultCreation.create(
                VaultDirectory(path), rootKey: rootKey, kitPublicKey: KitKey().publicKey, admin: nil)
        } else {
            try Directory.make(vault, mode: 0o700)
        }
        if Privileges.isRoot { try ChildProcess.start("/bin/chown", ["-R", account.name, path]).wait() }
    }

    deinit { _ = try? ChildProcess.start("/bin/rm", ["-rf", path]).wait() }

    var vault: String { "\(path)/vault" }
    var key: String { "\(path)/root.key" }
    var brokerSocket: String { "\(path)/run/broker.sock" }

    /// What makes a good start.
    var flags: [String] {
        ["--data-dir", path, "--root-key", "file:\(key)"]
            + (Privileges.isRoot ? ["--user", "nobody", "--courier-user", "daemon"] : [])
    }
}

/// posternd, started; killed at the end where it still runs.
final class Posternd {
    let child: ChildProcess
    private let output: FileDescriptor
    private var log: [UInt8] = []

    static let patience: Int64 = 60

    init(_ flags: [String], environment: [String] = ["PATH=/bin"]) throws {
        let output = try SocketPair(.stream)
        child = try ChildProcess.start(
            Program.sibling("posternd"), flags, environment: environment,
            descriptors: [1: output.far.number, 2: output.far.number])
        self.output = output.split { near, _ in near }
    }

    deinit {
        child.send(signal: SIGKILL)
        _ = try? child.wait()
    }

    /// Waits for the end, its and that of all who write to the same log; -1 for one by a signal or none in time.
    func end() throws -> (code: Int32, log: String) {
        while try read() {}
        guard case .exited(let code) = try child.wait() else { return (-1, text) }
        return (code, text)
    }

    /// How much of the log there is.
    var logged: Int { log.count }

    /// Waits until the log has `event` after its first `start` bytes, and returns the line.
    func wait(for event: String, since start: Int = 0) throws -> String {
        while true {
            if let line = String(decoding: log[start...], as: UTF8.self).split(separator: "\n").last(where: {
                $0.contains(" event=\(event)")
            }) {
                return String(line)
            }
            guard try read() else { throw Missing(what: event, log: text) }
        }
    }

    struct Missing: Error {
        let what: String
        let log: String
    }

    private var text: String { String(decoding: log, as: UTF8.self) }

    private func read() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var span = chunk.mutableSpan
        let got: Int
        do { got = try output.receive(into: &span, until: .after(seconds: Self.patience)) } catch {
            child.send(signal: SIGKILL)
            throw error
        }
        log += chunk[..<got]
        return got > 0
    }
}
