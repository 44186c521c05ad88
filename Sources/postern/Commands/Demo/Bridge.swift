import HTTPClient
import Linux
import Rules
import Synchronization

/// A bridge service of the demo: a process that the kernel tells apart from the other one.
struct Bridge: Sendable {
    let name: String
    let selectors: [String]
    private let launch: [String]

    /// As root the bridges are two users; otherwise they are two programs of the same user.
    init(_ name: String, number: Int, on stage: Stage) throws(Failure) {
        self.name = name
        if stage.users != nil {
            let uid = 61_000 + number
            selectors = ["uid:\(uid)"]
            launch = [
                "/usr/bin/setpriv", "--reuid", "\(uid)", "--regid", "\(uid)", "--clear-groups",
                stage.programs + "/postern",
            ]
        } else {
            try stage.bring("postern", as: name)
            selectors = ["uid:\(Privileges.uid)", "exe:\(stage.programs)/\(name)"]
            launch = [stage.programs + "/" + name]
        }
    }

    /// One request over broker.sock, made by the bridge's own process.
    func call(_ method: String, _ target: String, _ body: JSON? = nil, on stage: Stage) throws(Failure) -> (
        status: Int, body: JSON
    ) {
        let words =
            Array(launch.dropFirst()) + ["__bridge", method, target, "--socket", stage.state + "/run/broker.sock"]
        let input = body.map { String(decoding: $0.compact(), as: UTF8.self) } ?? ""
        let (_, text) = try stage.run(launch[0], words, input: input)
        let parts = text.split(separator: "\n", maxSplits: 1)
        guard parts.count == 2, let status = Int(parts[0]), let json = JSON(parsing: Array(parts[1].utf8)) else {
            throw Failure.error("\(name) got no answer: \(text.shown)")
        }
        return (status, json)
    }

    /// The same call by many callers at one moment: how many got a token, and how many different ones those are.
    func crowd(_ count: Int, _ target: String, _ body: JSON, on stage: Stage) throws(Failure) -> (Int, Int) {
        let words =
            Array(launch.dropFirst())
            + ["__bridge", "POST", target, "--at-once", "\(count)", "--socket", stage.state + "/run/broker.sock"]
        let (_, text) = try stage.run(launch[0], words, input: String(decoding: body.compact(), as: UTF8.self))
        let tokens = text.split(separator: "\n").compactMap {
            JSON(parsing: Array($0.utf8))?["access_token"]?.text
        }
        return (tokens.count, Set(tokens).count)
    }
}

/// The program of a demo's bridge: sends standard input to broker.sock and prints the status and the answer.
let bridgeCommand = Command(
    name: "__bridge", summary: "one request over broker.sock, for the demo",
    arguments: [
        Argument(name: "METHOD", help: "the HTTP method"), Argument(name: "TARGET", help: "the path and query"),
    ],
    options: [Option(name: "at-once", value: "N", help: "as many callers at one moment; prints only the answers")],
    hidden: true,
    run: { session, invocation throws(Failure) in
        let body = (try? Descriptor.contents(of: 0, atMost: 1 << 20)) ?? []
        var request = HTTPClient.Request(
            invocation.arguments[0], "http://postern" + invocation.arguments[1], unixSocket: session.settings.socket)
        if !body.isEmpty {
            request.headers = [HTTPClient.Header("Content-Type", "application/json")]
            request.body = body
        }
        guard let crowd = invocation.text("at-once").flatMap({ Int($0) }) else {
            let (status, text) = try perform(request)
            session.console.out("\(status)\n\(text)")
            return .ok
        }
        let answers = Mutex<[String]>([])
        let everybody = request
        let threads = try attempt("start a thread") { () throws(SystemError) in
            try (0..<crowd).map { _ throws(SystemError) in
                try Thread.start(name: "caller") {
                    let answer = (try? perform(everybody))?.text ?? ""
                    answers.withLock { $0.append(answer) }
                }
            }
        }
        for thread in threads { thread.join() }
        for answer in answers.withLock({ $0 }) { session.console.out(answer) }
        return .ok
    })

private func perform(_ request: HTTPClient.Request) throws(Failure) -> (status: Int, text: String) {
    do throws(HTTPClient.Failure) {
        let answer = try HTTPClient().perform(request)
        return (answer.status, String(decoding: answer.body, as: UTF8.self))
    } catch {
        throw Failure.error("broker.sock: \(error.reason)")
    }
}

/// The customer's browser: follows redirects and keeps cookies.
struct Browser {
    private var cookies: [String: String] = [:]

    /// Opens `url` and follows where it leads; each stop with its status.
    mutating func open(_ url: String) throws(Failure) -> [(url: String, status: Int, body: String)] {
        var stops: [(url: String, status: Int, body: String)] = []
        var next: String? = url
        while let url = next, stops.count < 6 {
            let origin = url.split(separator: "/", maxSplits: 3).prefix(2).joined(separator: "//")
            var request = HTTPClient.Request("GET", url)
            if let cookie = cookies[origin] { request.headers = [HTTPClient.Header("Cookie", cookie)] }
            do throws(HTTPClient.Failure) {
                let answer = try HTTPClient().perform(request)
                if let cookie = answer.header("Set-Cookie") { cookies[origin] = String(cookie.prefix { $0 != ";" }) }
                stops.append((url, answer.status, String(decoding: answer.body, as: UTF8.self)))
                next = (300..<400).contains(answer.status) ? answer.header("Location") : nil
                if let path = next, path.hasPrefix("/") { next = origin + path }
            } catch {
                throw Failure.error("the browser could not open \(url.shown): \(error.reason)")
            }
        }
        return stops
    }
}
