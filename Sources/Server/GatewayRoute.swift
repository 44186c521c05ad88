import Broker
import HTTPServer
import Platforms
import Rules
import Vault

/// Calls through the gateway on broker.sock (design, section 6): bodies pass as they come, both ways.
extension BrokerRoutes {
    /// A call whose body is on its way, until the handler takes it over.
    private final class Arriving: Sendable {
        let call: GatewayCall
        let request: RequestID

        init(_ call: GatewayCall, _ request: RequestID) {
            self.call = call
            self.request = request
        }
    }

    /// Bodies of webhooks and of the gateway are larger than all others.
    func bodyLimit(_ http: borrowing HTTPServer.Request) -> Int {
        // A call of the gateway looks at the length itself, so that a refusal is on the record.
        if Self.isGateway(http.path), Self.call(http) != nil { return .max }
        return http.pathEnds(with: "/webhooks/verify") ? 4 * 1024 * 1024 : 1024 * 1024
    }

    /// A body for the gateway goes to its call; one that would be large is refused unread where the call is not allowed.
    func bodyPlace(_ http: borrowing HTTPServer.Request, _ length: Int?) -> HTTPServer.BodyPlace {
        let caller: Caller = http.context()
        guard Self.isGateway(http.path), case .gateway(let lease, let path)? = Self.call(http) else {
            return Self.place(length) { request throws(Problem) in try broker.requireService(caller, request) }
        }
        let request = RequestID.next()
        let connection = http.connection
        caller.answering.canBeCut(by: { connection.cut() })
        do throws(Problem) { try broker.begin(caller, request) } catch {
            return .refuse(Reply.problem(error, request))
        }
        let call = GatewayCall(
            broker, .caller(caller, lease: lease), Self.ask(http, path), length: length, request)
        if (length ?? .max) > GatewayCall.buffered {
            do throws(Problem) { try call.check() } catch { return .refuse(Reply.problem(error, request)) }
        }
        return .sink(
            HTTPServer.BodySink(
                receiver: Arriving(call, request),
                take: { piece in
                    do throws(Problem) {
                        return try call.take(piece) ? .passedOn : .kept
                    } catch { return .refused(Reply.problem(error, request, close: true)) }
                }, ended: { call.end() }))
    }

    /// In memory, where it is small or whoever sends it may be heard: strangers could otherwise fill the daemon's memory,
    /// with one body on each of their connections.
    static func place(
        _ length: Int?, _ hear: (RequestID) throws(Problem) -> Void
    ) -> HTTPServer.BodyPlace {
        guard (length ?? .max) > strangersBody else { return .buffer }
        let request = RequestID.next()
        do throws(Problem) { try hear(request) } catch { return .refuse(Reply.problem(error, request)) }
        return .buffer
    }

    /// Bytes of anybody's body that are read before it is looked who sends it.
    private static let strangersBody = 16 * 1024

    /// Whether the call was let in before its body came.
    func hasBegun(_ http: borrowing HTTPServer.Request) -> Bool {
        let arrived: Arriving? = http.sink()
        return arrived != nil
    }

    func gateway(
        _ lease: String, _ path: String, _ http: borrowing HTTPServer.Request, _ caller: Caller, _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        guard let arrived: Arriving = http.sink() else {
            return Self.response(
                try broker.gateway(.caller(caller, lease: lease), Self.ask(http, path), request), to: http.method,
                request)
        }
        do throws(Problem) {
            return Self.response(try arrived.call.finish(), to: http.method, arrived.request)
        } catch { return Reply.problem(error, arrived.request) }
    }

    private static func call(_ http: borrowing HTTPServer.Request) -> BrokerCall? {
        try? BrokerCall(method: http.method, path: http.path)
    }

    private static func isGateway(_ path: String) -> Bool { path.hasPrefix("/v1/gateway/") }

    private static func ask(_ http: borrowing HTTPServer.Request, _ path: String) -> GatewayRequest {
        GatewayRequest(
            path: path, verb: http.method, query: http.rawQuery ?? "",
            headers: http.headers.map { HeaderField($0.name, $0.value) }, body: [])
    }

    private static func response(
        _ answer: GatewayAnswer, to verb: String, _ request: RequestID
    ) -> HTTPServer.Response {
        var response = HTTPServer.Response(
            status: answer.status,
            headers: [Reply.noStore, .init("X-Request-Id", request.description)]
                + answer.headers.map { HTTPServer.Response.Header($0.name, $0.value) })
        switch answer.body {
        case .whole(let bytes):
            response.body = .bytes(bytes)
            // Said, not sent (RFC 9110, section 9.3.2).
            if verb == "HEAD", let length = answer.length {
                response.body = .stream(HTTPServer.Stream(length: length) { _ in .end })
            }
        case .stream(let stream):
            response.body = .stream(
                HTTPServer.Stream(
                    length: stream.length,
                    interrupted: { why in
                        // One that is under way when the server stops ends by itself.
                        if why == .gone { stream.cut() }
                    },
                    pull: { room in
                        switch stream.pull(into: &room) {
                        case nil: .broken
                        case 0?: .end
                        case .some(let count): .bytes(count)
                        }
                    }))
            response.onSent = { stream.end() }
        }
        return response
    }
}
