import HTTPServer
import Rules
import Vault

/// Answers as the wire contract has them (design, section 6).
enum Reply {
    static let json = HTTPServer.Response.Header("Content-Type", "application/json")
    static let noStore = HTTPServer.Response.Header("Cache-Control", "no-store")

    static func json(_ value: JSONValue, status: Int = 200, _ request: RequestID) -> HTTPServer.Response {
        HTTPServer.Response(
            status: status, headers: [json, noStore, .init("X-Request-Id", request.description)],
            body: .bytes(value.bytes))
    }

    static func none(_ request: RequestID) -> HTTPServer.Response {
        HTTPServer.Response(status: 204, headers: [noStore, .init("X-Request-Id", request.description)])
    }

    /// RFC 9457; `type` is a name, not an address anybody has to be able to open.
    /// `also` has members for one kind of client.
    static func problem(
        _ problem: Problem, _ request: RequestID, close: Bool = false, also: [String: JSONValue] = [:]
    ) -> HTTPServer.Response {
        let members: [String: JSONValue] = [
            "type": "urn:postern:problem:\(problem.code.rawValue)", "title": .text(problem.code.title),
            "status": .int(Int64(problem.code.status)), "detail": .text(problem.reason),
            "code": .text(problem.code.rawValue), "request_id": .text(request.description),
            "advice": problem.advice.isEmpty ? .absent : .text(problem.advice),
        ]
        let value = JSONValue.object(members.merging(also) { ours, _ in ours })
        var headers = [
            HTTPServer.Response.Header("Content-Type", "application/problem+json"), noStore,
            .init("X-Request-Id", request.description),
        ]
        if let seconds = problem.retryAfter ?? (problem.code == .rateLimited ? 1 : nil) {
            headers.append(.init("Retry-After", String(seconds)))
        }
        return HTTPServer.Response(
            status: problem.code.status, headers: headers, body: .bytes(value.bytes), close: close)
    }
}
