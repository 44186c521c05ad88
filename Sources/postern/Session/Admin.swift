import HTTPClient
import Rules

/// One of the daemon's sockets: one call, one answer, every refusal a `Failure` that says what to do.
struct Admin: Sendable {
    /// Which of the two, and what people know it by.
    struct Door: Sendable {
        /// What all paths begin with.
        let root: String
        let file: String
        let option: String
        let variable: String
        /// For scripts, where nobody answers.
        let closed: Exit

        static let admin = Door(
            root: "/v1/admin/", file: "admin.sock", option: "--socket", variable: "POSTERN_ADMIN_SOCKET", closed: .error
        )
        /// A program that needs its secrets tells "not now" (9) from "never".
        static let broker = Door(
            root: "/v1/", file: "broker.sock", option: "--broker-socket", variable: "POSTERN_BROKER_SOCKET",
            closed: Exit(9))
    }

    let socket: String
    let timeoutSeconds: Int64
    var door = Door.admin

    func get(_ path: String, _ query: [(String, String?)] = []) throws(Failure) -> JSON {
        try call("GET", path, query)
    }

    func post(_ path: String, _ body: JSON = [:]) throws(Failure) -> JSON {
        try call("POST", path, body: SecretBody(body.compact()))
    }

    func delete(_ path: String, _ query: [(String, String?)] = []) throws(Failure) -> JSON {
        try call("DELETE", path, query)
    }

    /// One call below the door's root. An empty answer is an empty object.
    func call(
        _ method: String, _ path: String, _ query: [(String, String?)] = [], body: SecretBody? = nil
    ) throws(Failure) -> JSON {
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(Admin.escaped($0))" } }
        let target = door.root + path + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
        let answer = try send(method, target, body)
        if (200..<300).contains(answer.status) {
            if answer.body.isEmpty { return [:] }
            guard let json = JSON(parsing: answer.body) else { throw notUnderstood(answer.status) }
            return json
        }
        guard let json = JSON(parsing: answer.body), case .object = json else { throw notUnderstood(answer.status) }
        throw Failure(status: answer.status, document: json)
    }

    private func notUnderstood(_ status: Int) -> Failure {
        .error(
            "what answers at \(socket.shown) is not a Postern daemon (HTTP \(status))",
            next: "name the right socket with \(door.option) or --data-dir")
    }

    private func send(
        _ method: String, _ target: String, _ body: SecretBody?
    ) throws(Failure) -> (status: Int, body: [UInt8]) {
        var request = HTTPClient.Request(method, "http://postern" + target, unixSocket: socket)
        request.timeout = Int(timeoutSeconds) * 1000
        request.answerLimit = 64 << 20
        if let body {
            request.headers = [HTTPClient.Header("Content-Type", "application/json")]
            request.body = body.bytes
        }
        do {
            let answer = try HTTPClient().perform(request)
            return (answer.status, answer.body)
        } catch { throw failure(error) }
    }

    /// What it means that a call had no answer.
    func failure(_ error: HTTPClient.Failure) -> Failure {
        switch error.kind {
        case .connect, .refused: unreachable()
        case .timeout:
            .error(
                "the daemon did not answer within \(Show.duration(timeoutSeconds))",
                next: "wait longer with --timeout; whether it was done, postern audit list tells")
        default:
            .error("the daemon's answer broke off: \(error.reason)", next: "see its log, and postern audit list")
        }
    }

    /// Why nobody answers, from what stands at the path.
    private func unreachable() -> Failure {
        let state = Descriptor.socketState(socket)
        if !state.exists {
            return Failure(
                exit: door.closed, code: "no_daemon", what: "no daemon answers: there is no socket at \(socket.shown)",
                next: "start posternd, or say where it runs with --data-dir, \(door.option) or \(door.variable)")
        }
        if !state.mayConnect {
            return Failure(
                exit: .denied, code: "denied", what: "you may not open \(socket.shown)",
                next: "run postern as a user who may enter the daemon's directory")
        }
        if !state.isSocket {
            return Failure(
                exit: door.closed, code: "no_daemon", what: "\(socket.shown) is not a socket",
                next: "name the daemon's \(door.file) with \(door.option)")
        }
        return Failure(
            exit: door.closed, code: "no_daemon",
            what: "no daemon answers at \(socket.shown), though the socket is there",
            next: "start posternd, or see its log")
    }

    /// Percent-encoded for a query value or a path segment (RFC 3986, section 2.3: all but the unreserved).
    static func escaped(_ text: String) -> String {
        let hex = Array("0123456789ABCDEF")
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%\(hex[Int(byte >> 4)])\(hex[Int(byte & 15)])"
            }
        }
        return out
    }
}
