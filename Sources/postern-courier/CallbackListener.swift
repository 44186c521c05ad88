import Errands
import HTTPServer
import Linux
import Rules
import Synchronization

/// What browsers talk to: two addresses of each app, and pages. It decides nothing; the keeper does.
final class CallbackListener: Sendable {
    private let keeper: Keeper
    private let budget = Mutex(Budget())

    init(keeper: Keeper) { self.keeper = keeper }

    /// The functions an `HTTPServer` needs.
    var service: HTTPServer.Service {
        HTTPServer.Service(
            connected: { descriptor in
                let peer = FileDescriptor.peerAddress(of: descriptor)
                return HTTPServer.Admission(context: Visitor(peer: peer), share: 0)
            },
            bodyLimit: { _ in 0 },
            refuse: { problem, _ in Self.response(Page(refused: problem)) },
            handle: { request in
                defer { Thread.wipeStack() }
                return self.handle(request)
            })
    }

    /// Bounds for strangers: nothing they send is large, and nobody needs many connections.
    static var limits: HTTPServer.Limits {
        var limits = HTTPServer.Limits()
        limits.header = 16 * 1024
        limits.connections = 512
        limits.connectionsPerShare = 512
        limits.idle = 15_000
        return limits
    }

    private func handle(_ request: borrowing HTTPServer.Request) -> HTTPServer.Response {
        let visitor = request.context(as: Visitor.self)
        let headers = request.headers
        let address = visitor.address(
            forwardedFor: headers.last { sameHeaderName($0.name, "X-Forwarded-For") }?.value)
        let route = Route(
            method: request.method, path: request.path, query: request.query,
            cookies: headers.filter { sameHeaderName($0.name, "Cookie") }.map(\.value), address: address)
        switch route {
        case .page(let page): return Self.response(page)
        case .ask(let question):
            let mayAsk = budget.withLock { $0.take(Visitor.group(address), now: Clock.bootMilliseconds) }
            guard mayAsk else { return Self.response(Page(CallbackPage(.rateLimited))) }
            return answer(question)
        }
    }

    private func answer(_ question: CallbackRequest) -> HTTPServer.Response {
        do throws(Problem) {
            var response: HTTPServer.Response
            let cookie: CallbackCookie?
            switch try keeper.ask(question) {
            case .redirect(let url, let set):
                response = HTTPServer.Response(
                    status: 303, headers: Self.headers + [HTTPServer.Response.Header("Location", url)])
                cookie = set
            case .page(let page, let set):
                response = Self.response(Page(page, at: Platform(rawValue: question.platform)))
                cookie = set
            }
            if let cookie { response.headers.append(Self.setCookie(cookie, for: question)) }
            return response
        } catch {
            Log.warning("callback_lost", ["why": error.reason])
            return Self.response(.unavailable)
        }
    }

    private static func setCookie(
        _ cookie: CallbackCookie, for question: CallbackRequest
    ) -> HTTPServer.Response.Header {
        let path = Route.cookiePath(question)
        return HTTPServer.Response.Header(
            "Set-Cookie",
            "\(cookie.name)=\(cookie.value); Path=\(path); Max-Age=\(cookie.maxAgeSeconds); Secure; HttpOnly; SameSite=Lax"
        )
    }

    private static func response(_ page: Page) -> HTTPServer.Response {
        var response = HTTPServer.Response(status: page.status, headers: headers, body: .bytes(page.html))
        let type = HTTPServer.Response.Header("Content-Type", "text/html; charset=utf-8")
        response.headers.append(type)
        if page.status == 405 { response.headers.append(HTTPServer.Response.Header("Allow", "GET")) }
        if page.status == 429 || page.status == 503 {
            response.headers.append(HTTPServer.Response.Header("Retry-After", "60"))
        }
        return response
    }

    /// On every answer: nothing is kept, framed, run or told to the next site.
    private static let headers: [HTTPServer.Response.Header] = [
        HTTPServer.Response.Header(
            "Content-Security-Policy",
            "default-src 'none'; style-src '\(PageStyle.hash)'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        ),
        HTTPServer.Response.Header("Referrer-Policy", "no-referrer"),
        HTTPServer.Response.Header("Cache-Control", "no-store"),
        HTTPServer.Response.Header("X-Content-Type-Options", "nosniff"),
    ]
}
