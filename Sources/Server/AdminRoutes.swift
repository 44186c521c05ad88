import Broker
import HTTPServer
import Linux
import Rules
import Vault

/// Answers calls on admin.sock: a table of nouns, each in a file of its own.
struct AdminRoutes: Sendable {
    let broker: Broker
    let openAPI: [UInt8]

    func answer(_ http: borrowing HTTPServer.Request) -> HTTPServer.Response {
        let request = RequestID.next()
        let caller: Caller = http.context()
        let connection = http.connection
        caller.answering.canBeCut(by: { connection.cut() })
        var response: HTTPServer.Response
        do throws(Problem) {
            response = try perform(http, caller, request)
        } catch {
            // A stranger is told no and closed (design, section 2).
            response = Reply.problem(error, request, close: error.code == .denied && !broker.isAdmin(caller.peer))
        }
        let then = response.onSent
        response.onSent = { [broker] in
            then?()
            broker.answered(caller)
        }
        return response
    }

    /// Whoever has no role is refused before a large body of his is read.
    func bodyPlace(_ http: borrowing HTTPServer.Request, _ length: Int?) -> HTTPServer.BodyPlace {
        let caller: Caller = http.context()
        return BrokerRoutes.place(length) { request throws(Problem) in
            if !broker.isAdmin(caller.peer) { throw broker.refuseStranger(caller, request) }
        }
    }

    private func perform(
        _ http: borrowing HTTPServer.Request, _ caller: Caller, _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        let path = http.path
        if path == "/v1/health" || path == "/v1/openapi.json" {
            switch try BrokerCall(method: http.method, path: path) {
            case .openapi:
                return HTTPServer.Response(
                    status: 200, headers: [Reply.json, .init("X-Request-Id", request.description)],
                    body: .bytes(openAPI))
            default: return Reply.json(broker.health, request)
            }
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        // Before anything is read: whoever has no role learns neither which calls there are nor what is wrong with his.
        if !broker.isAdmin(caller.peer) { throw broker.refuseStranger(caller, request) }
        guard path.hasPrefix("/"), parts.count >= 3, parts[0] == "v1", parts[1] == "admin" else {
            throw BrokerCall.unknown
        }
        let call = AdminRequest(
            method: http.method, parts: Array(parts[2...]), query: http.query,
            body: try Body(http.bodyBytes), caller: caller, request: request)
        // Each noun answers what is its own, and nothing else.
        if let response = try status(call) { return response }
        if let response = try tenants(call) { return response }
        if let response = try guides(call) { return response }
        if let response = try apps(call) { return response }
        if let response = try secrets(call) { return response }
        if let response = try services(call) { return response }
        if let response = try grants(call) { return response }
        if let response = try roles(call) { return response }
        if let response = try questions(call) { return response }
        if let response = try audit(call) { return response }
        if let response = try leases(call) { return response }
        if let response = try installations(call) { return response }
        throw BrokerCall.unknown
    }
}

/// One admin call, taken apart.
final class AdminRequest {
    let method: String
    /// The path behind /v1/admin/.
    let parts: [String]
    private let query: [(name: String, value: String)]
    var body: Body
    let caller: Caller
    let request: RequestID

    init(
        method: String, parts: [String], query: [(name: String, value: String)], body: Body, caller: Caller,
        request: RequestID
    ) {
        self.method = method
        self.parts = parts
        self.query = query
        self.body = body
        self.caller = caller
        self.request = request
    }

    /// Whether the call is this method on this pattern, where `*` stands for any one segment.
    func matches(_ method: String, _ pattern: String) -> Bool {
        guard method == self.method else { return false }
        let wanted = pattern.split(separator: "/")
        return wanted.count == parts.count && zip(wanted, parts).allSatisfy { $0 == "*" || $0 == $1 }
    }

    func query(_ name: String) -> String? { query.first { $0.name == name }?.value }

    func slug(_ index: Int, _ what: String) throws(Problem) -> Slug { try Names.slug(parts[index], what) }

    func app(_ index: Int) throws(Problem) -> AppKey {
        try Names.app(Substring(parts[index]), Substring(parts[index + 1]))
    }

    /// A process' number, as posternd sees it.
    static func pid(_ text: String) throws(Problem) -> Int32 {
        guard let pid = Int32(text), pid > 0 else {
            throw Problem(.badRequest, "a process' number is a whole number from 1")
        }
        return pid
    }

    /// The app a query or body names as `platform/app_id`.
    static func app(_ text: String) throws(Problem) -> AppKey {
        guard let key = AppKey(text) else {
            throw Problem(.badRequest, "an app is named platform/app_id, such as slack/A0123456789")
        }
        return key
    }
}
