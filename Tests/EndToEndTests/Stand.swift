import Glibc
import Linux
import Rules
import Sealing
import Synchronization
import Testing
import Vault

@testable import postern_sim

/// A throw-away vault with the real posternd and courier on it, and a simulated Slack where one is asked for.
///
/// As root the daemon becomes `nobody` and its couriers `daemon`; as anybody else all run as we do.
final class Stand: Sendable {
    static let appID = "A0123456789"
    static let app = "slack/A0123456789"
    /// Those whose apps can be connected.
    static let platforms = ["slack", "lark", "feishu", "genesys"]
    /// The service's uid as root, who can be anybody; a plain user is himself.
    static let bridge: UInt32? = Shell.isRoot ? 1001 : nil
    static let stranger: UInt32? = Shell.isRoot ? 1002 : nil

    let path: String
    let sim: Simulated?
    let callback: String
    private let flags: [String]
    /// All processes run as one user that is not root.
    private let isPlain: Bool
    private let process = Mutex<ChildProcess?>(nil)

    /// - Parameters:
    ///   - path: an existing directory instead of one of its own.
    ///   - plain: the daemon is started by `nobody` although we are root.
    init(simulated: Bool = false, at given: String? = nil, flags: [String] = [], plain: Bool = false) throws {
        isPlain = plain || !Shell.isRoot
        sim = simulated ? try Simulated() : nil
        self.flags = flags
        if let given {
            path = given
        } else {
            var template = Array("/tmp/postern-e2e-XXXXXX".utf8CString)
            let made = unsafe template.withUnsafeMutableBufferPointer { unsafe mkdtemp($0.baseAddress!) != nil }
            try #require(made)
            path = unsafe template.withUnsafeBufferPointer { unsafe String(cString: $0.baseAddress!) }
        }
        callback = "http://127.0.0.1:\(try Port.free())"
        unsafe chmod(path, 0o711)
        let kit = KitKey()
        let key = SecretBytes(random: 32)
        let file = try FileDescriptor.open(rootKey, .write, creating: 0o600)
        try file.write(key.span)
        _ = try VaultCreation.create(
            VaultDirectory(path), rootKey: key, kitPublicKey: kit.publicKey,
            admin: Shell.isRoot ? nil : .init(selector: try #require(Selector("uid:\(getuid())"))))
        if Shell.isRoot { try Shell.run("/bin/chown", ["-R", "nobody", path]) }
    }

    deinit {
        kill()
        // The starter and its courier end with the keeper; then nothing holds the directory any more.
        _ = try? Shell.run("/bin/rm", ["-rf", path])
    }

    var rootKey: String { "\(path)/root.key" }
    var brokerSocket: String { "\(path)/run/broker.sock" }
    var adminSocket: String { "\(path)/run/admin.sock" }
    var database: String { "\(path)/vault/vault.db" }
    var log: String { Shell.text(of: "\(path)/log") }
    var redirect: String { "\(callback)/thirdparty/\(Self.app)/oauth2/callback" }
    var pid: Int32 { process.withLock { $0?.pid ?? 0 } }

    // MARK: - The daemon

    func arguments(runDirectory: String? = nil) -> [String] {
        var all = [
            "--data-dir", path, "--run-dir", runDirectory ?? "\(path)/run", "--root-key", "file:\(rootKey)",
            "--public-url", callback,
            "--callback-listen", String(callback.dropFirst(7)),
        ]
        if !isPlain { all += ["--user", "nobody", "--courier-user", "daemon"] }
        if let sim {
            for setting in [
                "slack.api=\(sim.base)/api", "slack.authorize=\(sim.base)/oauth/v2/authorize",
                "lark.open=\(sim.base)/lark/open-apis", "lark.accounts=\(sim.base)/lark/accounts/open-apis",
                "feishu.open=\(sim.base)/feishu/open-apis", "feishu.accounts=\(sim.base)/feishu/accounts/open-apis",
                "genesys.api=\(sim.base)/genesys/{region}/api", "genesys.login=\(sim.base)/genesys/{region}/login",
            ] { all += ["--platform-url", setting] }
        }
        return all + flags
    }

    /// Starts posternd, of the directory `programs` where it is not the one we are in, and does not wait.
    func launch(_ programs: String? = nil, runDirectory: String? = nil) throws -> ChildProcess {
        let log = try FileDescriptor.open("\(path)/log", .append, creating: 0o600)
        var command = [programs.map { "\($0)/posternd" } ?? Program.sibling("posternd")]
        command += arguments(runDirectory: runDirectory)
        if isPlain, Shell.isRoot {
            let nobody = try #require(Accounts.account(named: "nobody"))
            command =
                ["/usr/bin/setpriv", "--reuid=\(nobody.uid)", "--regid=\(nobody.gid)", "--clear-groups", "--"] + command
        }
        return try ChildProcess.start(
            command[0], Array(command.dropFirst()), environment: ["PATH=/usr/bin:/bin"], descriptors: [2: log.number])
    }

    /// Starts posternd and returns once it answers.
    @discardableResult
    func start(_ programs: String? = nil) throws -> Self {
        let child = try launch(programs)
        process.withLock { $0 = child }
        let isUp = eventually {
            guard child.endingIfOver() == nil else { return true }
            return (try? Wire(brokerSocket).call("GET", "/v1/health"))?.status == 200
        }
        try #require(isUp && (try? Wire(brokerSocket)) != nil, "posternd did not start: \(log.suffix(2000))")
        // The courier comes a moment later, and browsers with it.
        if sim != nil, let port = UInt16(callback.split(separator: ":").last ?? "") {
            _ = eventually { (try? Wire(loopback: port, uid: nil)) != nil }
        }
        return self
    }

    /// Lets it go without a word, as a power failure of the process would.
    func kill() {
        guard let child = process.withLock({ $0.take() }) else { return }
        child.send(signal: SIGKILL)
        _ = try? child.wait()
    }

    /// Asks it to stop, and says how it ended.
    @discardableResult
    func stop() throws -> ChildProcess.Ending {
        let child = try #require(process.withLock { $0.take() })
        child.send(signal: SIGTERM)
        return try child.wait()
    }

    // MARK: - Calls

    @discardableResult
    func admin(_ method: String, _ call: String, _ body: JSON? = nil) throws -> Reply {
        try Wire(adminSocket).call(method, "/v1/admin/\(call)", body)
    }

    /// The same, and it must be answered with success.
    @discardableResult
    func must(_ method: String, _ call: String, _ body: JSON? = nil) throws -> Reply {
        let reply = try admin(method, call, body)
        try #require(reply.status / 100 == 2, "\(method) \(call): \(reply.text)")
        return reply
    }

    func broker(
        _ method: String, _ call: String, _ body: JSON? = nil, uid: UInt32? = bridge, headers: [String] = []
    ) throws -> Reply {
        try Wire(brokerSocket, uid: uid).call(method, "/v1/\(call)", body, headers: headers)
    }

    func read(_ kind: String, uid: UInt32? = bridge) throws -> Reply {
        try broker("GET", "apps/\(Self.app)/secrets/\(kind)", uid: uid)
    }

    /// All records since `seq`.
    func records(after seq: Int64 = 0) throws -> [JSON] {
        let reply = try must("GET", "audit?after=\(seq)&limit=10000")
        guard case .array(let records)? = reply["records"] else { return [] }
        return records
    }

    /// The digests of all tables that decide access: what a request that fails must leave as it was. Empty where there
    /// is no sqlite3 to ask.
    var digests: String {
        guard Shell.exists("/usr/bin/sqlite3") else { return "" }
        let answer = try? Shell.run(
            "/usr/bin/sqlite3", ["-readonly", database, "SELECT epoch, next_id, hex(digests) FROM state"])
        return answer?.output ?? ""
    }

    /// The last sequence number of the log.
    func head() throws -> Int64 {
        guard case .integer(let seq)? = try must("GET", "status")["audit"]?["records"] else { return 0 }
        return seq
    }
}
