import FoundationEssentials
import Glibc
import Linux
import Rules
import Sealing
import Vault

/// The real daemon on a throw-away vault, filled with secrets by its own admin API.
final class Deployment {
    let directory: String
    private(set) var daemon: Child
    private let user: String?
    private let courierUser: String?
    private let flags: [String]

    var brokerSocket: String { directory + "/data/run/broker.sock" }
    var adminSocket: String { directory + "/data/run/admin.sock" }
    var database: String { directory + "/data/vault/vault.db" }

    /// What an app's secret is read with.
    private(set) var reads: [[UInt8]] = []
    private(set) var apps: [String] = []

    /// Makes a vault below `directory` and starts the daemon on it, with `flags` beside the usual ones.
    init(in directory: String, flags: [String] = []) throws {
        self.directory = directory
        self.flags = flags
        guard (directory + "/data/run/broker.sock").utf8.count <= 107 else {
            throw Problem(
                .badRequest, "\(directory) is too long for the name of a socket", advice: "choose a shorter --dir")
        }
        // Root must have somebody to become; these two are on every Debian.
        user = Privileges.isRoot ? "nobody" : nil
        courierUser = Privileges.isRoot ? "daemon" : nil
        try Directory.make(directory, mode: 0o711)
        let key = SecretBytes(random: 32)
        try FileDescriptor.open(directory + "/root.key", .write, creating: 0o600).write(key.span)
        _ = try VaultCreation.create(
            VaultDirectory(directory + "/data"), rootKey: key, kitPublicKey: KitKey().publicKey,
            admin: Selector("uid:\(getuid())").map { VaultCreation.Admin(selector: $0) })
        if let user { try shell("chown -R \(user) \(directory)") }
        daemon = try Self.launch(directory, user, courierUser, flags)
        try waitUntilServing()
    }

    private static func launch(
        _ directory: String, _ user: String?, _ courierUser: String?, _ flags: [String]
    ) throws -> Child {
        var arguments = [
            Program.sibling("posternd"), "--data-dir", directory + "/data", "--root-key",
            "file:\(directory)/root.key", "--log-level", "warning",
        ]
        if let user, let courierUser { arguments += ["--user", user, "--courier-user", courierUser] }
        return try Child(arguments + flags)
    }

    func stop() { daemon.end(SIGTERM) }

    func kill() { daemon.end(SIGKILL) }

    /// Starts it again; does not wait.
    func start() throws { daemon = try Self.launch(directory, user, courierUser, flags) }

    func waitUntilServing() throws {
        let health = Array("GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        let deadline = Deadline.after(seconds: 30)
        while !deadline.hasPassed {
            if let connection = Connection(path: brokerSocket), connection.exchange(health) == 200 { return }
            Signal().wait(until: .after(milliseconds: 5))
        }
        throw Problem(.internal, "the daemon does not serve in \(directory)")
    }

    /// Adds tenants with apps, one secret each and a bot token when asked, and a service of our uid that may read the
    /// secrets.
    func fill(tenants: Int, secrets: Int, withTokens: Bool = false) throws {
        try send([
            request("POST", "/v1/admin/services", #"{"name":"bench","selectors":["uid:\#(getuid())"]}"#)
        ])
        try send([
            request(
                "POST", "/v1/admin/grants",
                #"{"service":"bench","pattern":"*/slack/*","actions":["secret:read:signing_secret"]}"#)
        ])
        try send(
            (0..<tenants).map { request("POST", "/v1/admin/tenants", #"{"slug":"t\#($0)","name":"Tenant \#($0)"}"#) })
        apps = (0..<secrets).map { "A" + String(10_000_000 + $0) }
        try send(
            apps.enumerated().map { index, app in
                request(
                    "POST", "/v1/admin/apps",
                    #"{"tenant":"t\#(index % tenants)","profile":"slack","platform":"slack","app_id":"\#(app)","#
                        + #""fields":{},"secrets":{"signing_secret":"\#(Self.secret(index))"\#(withTokens ? Self.token(index) : "")},"#
                        + #""verify":false}"#)
            })
        reads = apps.map {
            Array("GET /v1/apps/slack/\($0)/secrets/signing_secret HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        }
    }

    /// 32 lower-case hex digits, as Slack's signing secrets are (platforms, 1.1).
    static func secret(_ number: Int) -> String {
        let text = String(UInt64(truncatingIfNeeded: number + 1) &* 0x9E37_79B9_7F4A_7C15, radix: 16)
        let half = String(repeating: "0", count: 16 - text.count) + text
        return half + half
    }

    private static func token(_ number: Int) -> String { #","bot_token":"xoxb-fake-for-the-benchmark-\#(number)""# }

    func request(_ method: String, _ path: String, _ json: String) -> [UInt8] {
        Array(
            """
            \(method) \(path) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
            Content-Length: \(json.utf8.count)\r\n\r\n\(json)
            """.utf8)
    }

    /// Whom the kernel will name as the caller of what this process sends.
    var uid: UInt32 { getuid() }

    /// One call of the admin API, below `/v1/admin/`, that must succeed.
    @discardableResult
    func admin(_ method: String, _ path: String, _ json: String = "") throws -> Told {
        try call(adminSocket, method, "/v1/admin/\(path)", json)
    }

    /// One call of the broker's API that must succeed.
    func broker(_ method: String, _ path: String, _ json: String = "") throws -> Told {
        try call(brokerSocket, method, path, json)
    }

    private func call(_ socket: String, _ method: String, _ path: String, _ json: String) throws -> Told {
        guard let connection = Connection(path: socket),
            let answer = connection.answer(to: request(method, path, json))
        else { throw Problem(.internal, "the daemon does not answer \(method) \(path)") }
        guard answer.status / 100 == 2 else {
            throw Problem(
                .internal,
                "the daemon refused \(method) \(path) with \(answer.status): "
                    + (Told(answer.body)?["detail"]?.text ?? ""))
        }
        return Told(answer.body) ?? .nothing
    }

    /// Sends each request once to the admin socket, sixty-four at a time.
    private func send(_ requests: [[UInt8]]) throws {
        let failures = try Load.each(adminSocket, requests: requests)
        guard failures == 0 else { throw Problem(.internal, "the daemon refused \(failures) of \(requests.count)") }
    }

    /// What one read answers with.
    func answer() throws -> (head: Int, body: Int) {
        guard let connection = Connection(path: brokerSocket), let answer = connection.answer(to: reads[0]),
            answer.status == 200
        else { throw Problem(.internal, "the daemon does not give a secret to uid \(getuid())") }
        return (answer.head.utf8.count, answer.body.count)
    }

    private struct Status: Decodable {
        struct Courier: Decodable { let pid: Int32? }
        struct Audit: Decodable { let records: Int }
        let courier: Courier
        let audit: Audit
    }

    private func status() throws -> Status {
        let get = Array("GET /v1/admin/status HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        guard let connection = Connection(path: adminSocket), let answer = connection.answer(to: get),
            answer.status == 200
        else { throw Problem(.internal, "the daemon does not tell its status") }
        return try JSONDecoder().decode(Status.self, from: Data(answer.body))
    }

    var courier: Int32? { try? status().courier.pid }

    /// Reads secrets until the log has at least this many records.
    func growAudit(to records: Int) throws {
        let have = try status().audit.records
        guard have < records else { return }
        let failures = try Load.each(brokerSocket, requests: (0..<(records - have)).map { reads[$0 % reads.count] })
        guard failures == 0 else { throw Problem(.internal, "\(failures) reads failed") }
    }
}
