import Errands
import HTTPServer
import Linux
import Rules
import Sealing
import Synchronization

/// What unmodified SDKs talk to: plain HTTP on loopback, with the lease's bearer in place of a platform's token (design,
/// section 6). It says who is at the other end and what was asked; the keeper decides and does.
final class GatewayListener: Sendable {
    /// One who connected, as the kernel has him.
    private final class Client: Sendable {
        let uid: UInt32
        init(uid: UInt32) { self.uid = uid }
    }

    private let keeper: Keeper
    /// The one value of `Host` that is ours, such as `127.0.0.1:8431`: a name may be made to point here by anybody who
    /// has one (DNS rebinding).
    private let host: String
    /// How many refusals of each user the keeper is told of.
    private let budget = Mutex(Budget())

    init(keeper: Keeper, host: String) {
        self.keeper = keeper
        self.host = host
    }

    /// The functions an `HTTPServer` needs.
    var service: HTTPServer.Service {
        HTTPServer.Service(
            connected: { descriptor in
                guard let uid = SocketOwner.uid(atOtherEndOf: descriptor) else { return nil }
                return HTTPServer.Admission(context: Client(uid: uid), share: UInt64(uid))
            },
            // The keeper knows the limit, and what a body counts for.
            bodyLimit: { _ in .max },
            bodyPlace: { request, length in
                defer { Thread.wipeStack() }
                return self.bodyPlace(request, length)
            },
            refuse: { problem, context in self.refusal(problem, to: (context as? Client)?.uid) },
            handle: { request in
                defer { Thread.wipeStack() }
                return self.handle(request)
            })
    }

    /// A share for each uid, so that one user's programs cannot keep out another's.
    static var limits: HTTPServer.Limits {
        var limits = HTTPServer.Limits()
        limits.header = 24 * 1024
        limits.connections = 1024
        limits.connectionsPerShare = 256
        return limits
    }

    /// A body that is large, or of which nobody knows, goes to the keeper as it comes, once the keeper has let it in.
    private func bodyPlace(_ request: borrowing HTTPServer.Request, _ length: Int?) -> HTTPServer.BodyPlace {
        if let length, length <= GatewayAsk.mostAtOnce { return .buffer }
        do throws(Problem) {
            let call = try keeper.call(ask(request, .chunks(length: length)))
            if let refusal = try call.refusal() { return .refuse(refusal) }
            return .sink(
                HTTPServer.BodySink(receiver: call, take: { call.take($0) }, ended: { call.end() }))
        } catch { return .refuse(response(error, to: request)) }
    }

    private func handle(_ request: borrowing HTTPServer.Request) -> HTTPServer.Response {
        do throws(Problem) {
            guard let call: GatewayPassage = request.sink() else {
                let call = try keeper.call(ask(request, .whole), body: [UInt8](copying: request.bodyBytes))
                return try call.answer(to: request.method, from: request.descriptor)
            }
            call.endBody()
            return try call.answer(to: request.method, from: request.descriptor)
        } catch {
            return response(error, to: request)
        }
    }

    /// Why a request does not reach the keeper as a call.
    private func response(_ problem: Problem, to request: borrowing HTTPServer.Request) -> HTTPServer.Response {
        guard problem.code == .stopping else {
            let client: Client = request.context()
            return refusal(problem, to: client.uid)
        }
        Log.warning("gateway_lost", ["why": problem.reason])
        return Self.response(problem)
    }

    /// What is refused here alone is on the keeper's record too, as far as a user's budget goes. On any thread.
    private func refusal(_ problem: Problem, to uid: UInt32?) -> HTTPServer.Response {
        let id = Self.newID()
        if let uid, budget.withLock({ $0.take("\(uid)", now: Clock.bootMilliseconds) }) {
            keeper.tell(GatewayAsk.Refused(problem.code, id), from: uid)
        }
        return Self.response(problem, id)
    }

    private func ask(_ request: borrowing HTTPServer.Request, _ body: PassageAsk.Body) -> GatewayAsk {
        let headers = request.headers
        let client: Client = request.context()
        // Asked for every request: who made the socket may have closed it since.
        let uid = SocketOwner.uid(atOtherEndOf: request.descriptor)
        var flaw: GatewayAsk.Flaw?
        if uid != client.uid { flaw = .nobody }
        if headers.contains(where: { Self.isBrowser($0.name) }) { flaw = .browser }
        let hosts = headers.filter { sameHeaderName($0.name, "Host") }
        if hosts.count != 1 || hosts[0].value != host { flaw = .host }
        return GatewayAsk(
            method: request.method, target: request.target,
            headers: headers.filter { !Self.isOurs($0.name) }.map { ($0.name, $0.value) },
            bearer: Self.bearer(in: headers), uid: uid ?? client.uid, flaw: flaw, body: body)
    }

    /// Fields browsers add by themselves and pages cannot take off (Fetch standard, forbidden request headers).
    private static func isBrowser(_ name: String) -> Bool {
        sameHeaderName(name, "Origin") || sameHeaderName(name, "Sec-Fetch-Site")
            || sameHeaderName(name, "Sec-Fetch-Mode") || sameHeaderName(name, "Access-Control-Request-Method")
    }

    /// Fields that end here: of the connection (RFC 9110, section 7.6.1) and of the caller's credentials.
    private static func isOurs(_ name: String) -> Bool {
        [
            "Host", "Authorization", "Cookie", "Proxy-Authorization", "Connection", "Keep-Alive", "Proxy-Connection",
            "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Content-Length", "Expect",
        ].contains { sameHeaderName($0, name) }
    }

    /// RFC 6750, section 2.1. A platform's own token has no place here, so that what is not a bearer of ours is none.
    private static func bearer(in headers: [(name: String, value: String)]) -> String {
        let values = headers.filter { sameHeaderName($0.name, "Authorization") }.map(\.value)
        guard values.count == 1, values[0].utf8.count <= 256 else { return "" }
        let parts = values[0].split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, sameHeaderName(String(parts[0]), "Bearer"),
            parts[1].utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return "" }
        return String(parts[1])
    }

    private static func newID() -> String { Hex.encode(Sodium.randomBytes(12).span) }

    /// What is refused before the keeper is asked: RFC 9457, with a number of its own.
    static func response(_ problem: Problem, _ id: String = newID()) -> HTTPServer.Response {
        // Our own words: no quotation mark, no control character.
        let body = """
            {"type":"urn:postern:problem:\(problem.code.rawValue)","title":"\(problem.code.title)",\
            "status":\(problem.code.status),"detail":"\(problem.reason)","code":"\(problem.code.rawValue)",\
            "request_id":"\(id)"}
            """
        return HTTPServer.Response(
            status: problem.code.status,
            headers: [
                HTTPServer.Response.Header("Content-Type", "application/problem+json"),
                HTTPServer.Response.Header("Cache-Control", "no-store"),
                HTTPServer.Response.Header("X-Request-Id", id),
            ], body: .bytes(Array(body.utf8)), close: true)
    }
}
