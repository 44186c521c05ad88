import Broker
import HTTPServer
import Linux
import Platforms
import Rules
import Sealing
import Vault

/// Answers calls on broker.sock.
struct BrokerRoutes: Sendable {
    let broker: Broker
    let openAPI: [UInt8]

    func answer(_ http: borrowing HTTPServer.Request) -> HTTPServer.Response {
        let request = RequestID.next()
        let caller: Caller = http.context()
        let connection = http.connection
        if !caller.answering.hasCutter { caller.answering.canBeCut(by: { connection.cut() }) }
        var response: HTTPServer.Response
        do throws(Problem) {
            let call = try BrokerCall(method: http.method, path: http.path)
            if !call.isAnyones, !hasBegun(http) { try broker.begin(caller, isLong: call.isLong, request) }
            response = try perform(call, http, caller, request)
        } catch { response = Reply.problem(broker.recorded(error, of: caller, request), request) }
        // Whatever was asked, the answer is under way until its last byte has left.
        let then = response.onSent
        response.onSent = { [broker] in
            then?()
            broker.answered(caller)
        }
        return response
    }

    private func perform(
        _ call: BrokerCall, _ http: borrowing HTTPServer.Request, _ caller: Caller, _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        switch call {
        case .health: return Reply.json(broker.health, request)
        case .openapi:
            return HTTPServer.Response(
                status: 200, headers: [Reply.json, .init("X-Request-Id", request.description)], body: .bytes(openAPI))
        case .selfInfo: return Reply.json(try broker.describe(caller, request), request)
        case .apps: return Reply.json(try broker.visibleApps(caller, request), request)
        case .app(let key): return Reply.json(try broker.visibleApp(key, caller, request), request)
        case .readSecret(let key, let kind): return try readSecret(key, kind, http, caller, request)
        case .access(let key): return try access(key, http, caller, request)
        case .renewLease(let id):
            var body = try Body(http.bodyBytes)
            let ttl = try Ask.interval(&body, "ttl")
            try body.end()
            let renewed = try broker.renew(id, ttl: ttl, for: caller, request)
            return Reply.json(
                Show.lease(
                    renewed.lease, renewed.standing, now: broker.vault.now, renewableUntil: renewed.renewableUntil),
                request)
        case .endLease(let id):
            try broker.end(id, for: caller, request)
            return Reply.none(request)
        case .reportLease(let id):
            var body = try Body(http.bodyBytes)
            let code = try body.text("code")
            try body.end()
            let answer = try broker.report(id, code: code, for: caller, request)
            return Reply.json(Show.report(answer, now: broker.vault.now), request)
        case .gateway(let lease, let path): return try gateway(lease, path, http, caller, request)
        case .authorize(let key):
            var body = try Body(http.bodyBytes)
            let ask = try Ask.flow(&body)
            return Reply.json(Show.flow(try broker.authorize(key, ask, for: caller, request)), status: 201, request)
        case .callback(let key):
            var body = try Body(http.bodyBytes)
            let code = try body.optionalText("code")
            let error = try body.optionalText("error")
            let state = try body.text("state")
            let binding = try body.optionalText("browser_binding")
            try body.end()
            if code == nil, error == nil { return try outcome(of: state, binding, key, caller, request) }
            guard (code == nil) != (error == nil) else {
                throw Problem(
                    .badRequest, "a callback has either code or error",
                    advice: "send state alone to learn how a flow ended that a browser finished at our callback")
            }
            let result = try broker.callback(
                key, code: code, error: error, state: state, browserBinding: binding, for: caller, request)
            return Reply.json(Show.result(result), request)
        case .verifyWebhook(let key): return try verifyWebhook(key, http, caller, request)
        case .installations(let key):
            return Reply.json(try broker.visibleInstallations(key, caller, request), request)
        case .disconnect(let key, let id):
            let done = try broker.disconnect(id, of: key, for: caller, request)
            return Reply.json(Show.disconnection(done, key, now: broker.vault.now), request)
        case .links(let key, let id):
            let found = try broker.links(of: id, key, for: caller, request)
            return Reply.json(["links": .list(found.map(Show.link))], request)
        case .link(let key, let id):
            var body = try Body(http.bodyBytes)
            let email = try body.text("email")
            let subject = try body.text("subject")
            try body.end()
            let link = try broker.link(email: email, subject: subject, of: id, key, for: caller, request)
            return Reply.json(Show.link(link), status: 201, request)
        case .unlink(let key, let id, let link):
            try broker.unlink(link, of: id, key, for: caller, request)
            return Reply.none(request)
        case .watch: return try watch(http, caller, request)
        }
    }

    private func outcome(
        of state: String, _ binding: String?, _ key: AppKey, _ caller: Caller, _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        switch try broker.outcome(of: state, browserBinding: binding, key, for: caller, request) {
        case .done(let result): return Reply.json(Show.result(result), request)
        case .pending(let seconds):
            return Reply.json(["status": "pending", "expires_in": .int(seconds)], status: 202, request)
        }
    }

    private func readSecret(
        _ key: AppKey, _ kind: SecretKind, _ http: borrowing HTTPServer.Request, _ caller: Caller,
        _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        var version: Int64?
        var installation: Int64?
        if let query = http.rawQuery, !query.isEmpty {
            version = try http.query("version").map { text throws(Problem) in try Names.number(text, "version") }
            installation = try http.query("installation").map { text throws(Problem) in
                try Names.number(text, "installation")
            }
        }
        let slab = caller.takeSlab(from: broker.slabs)
        do throws(Problem) {
            let answer = try broker.readSecret(
                key, kind, version: version, installation: installation, for: caller, request, into: slab)
            let (head, tail) = answer.json()
            return Reply.secret(
                slab, value: 0..<slab.count, head: head, tail: tail, request, of: caller)
        } catch {
            caller.keep(slab)
            throw error
        }
    }

    private func access(
        _ key: AppKey, _ http: borrowing HTTPServer.Request, _ caller: Caller, _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        var body = try Body(http.bodyBytes)
        let ask = try Ask.access(&body)
        let slab = caller.takeSlab(from: broker.slabs)
        do throws(Problem) {
            let answer = try broker.access(key, ask, for: caller, request, into: slab)
            return Reply.access(answer, slab, request, of: caller)
        } catch {
            caller.keep(slab)
            throw error
        }
    }
}
