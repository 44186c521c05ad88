import Synchronization

/// One blocking HTTP call at a time and thread, over libcurl.
///
/// Certificates are always checked, redirects never followed, cookies, proxies of the environment and `.netrc` never
/// read. Plain http goes only to loopback literals and Unix sockets. A program that uses it must ignore SIGPIPE:
/// libcurl's TLS writes with plain `write` (CURLOPT_NOSIGNAL's page).
package final class HTTPClient: Sendable {
    private let idle = Mutex<[Connections]>([])
    private let kept: Int
    private let proxy: String
    private let certificates: String?
    private let reuses: Bool

    /// - Parameters:
    ///   - keeping: how many sets of connections wait for the next call, each with the certificates it has read (20 ms
    ///     of work). One is used by one call at a time.
    ///   - reusing: false where each call makes its own connection and nothing of it, its TLS session included, may stay:
    ///     then libcurl also never sends a request again because a kept connection had died.
    ///   - proxy: a proxy's URL, none when empty.
    ///   - certificates: a file of trusted certificates (PEM) instead of the system's.
    package init(keeping: Int = 0, reusing: Bool = true, proxy: String = "", certificates: String? = nil) {
        kept = keeping
        reuses = reusing
        self.proxy = proxy
        self.certificates = certificates
    }

    /// Sends the request and waits for the whole answer, whatever its status.
    package func perform(_ request: Request) throws(Failure) -> Answer {
        guard let connections = idle.withLock({ $0.popLast() }) ?? Connections(), let easy = Easy() else {
            throw Failure(.internal, "libcurl did not start")
        }
        defer { idle.withLock { if $0.count < kept { $0.append(connections) } } }
        return try easy.perform(
            request, over: connections, reusing: reuses, proxy: proxy, certificates: certificates)
    }

    /// Sends the request and hands over the answer's body as it comes, for as long as it comes: a stream of events.
    /// Returns when it has ended; the answer of a refusal (no 2xx) has its body as ever. The request's own timeout does
    /// not count. Throws `timeout` when nothing came for a while, `closed` where the taker wants no more.
    package func listen(_ request: Request, _ events: Events) throws(Failure) -> Answer {
        guard let connections = Connections(), let easy = Easy() else {
            throw Failure(.internal, "libcurl did not start")
        }
        return try easy.perform(
            request, over: connections, reusing: false, proxy: proxy, certificates: certificates, events: events)
    }
}

extension HTTPClient {
    /// One header line, name as sent.
    package struct Header: Sendable, Equatable {
        package let name: String
        package let value: String

        /// A line of this name and value; line breaks are refused when it is sent.
        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// One call: where to, what, and how long it may take.
    package struct Request: Sendable {
        package var method: String
        /// http or https, absolute; over a Unix socket the host is only what stands in the Host field.
        package var url: String
        package var headers: [Header]
        package var body: [UInt8]
        /// Connect to this path instead of the URL's host.
        package var unixSocket: String?
        /// Milliseconds until there is a connection, TLS included.
        package var connectTimeout = 10_000
        /// Milliseconds for everything.
        package var timeout = 30_000
        /// Bytes of body the answer may have; as much again is the header's limit, at most 64 KiB.
        package var answerLimit = 4 * 1024 * 1024

        /// Every field as given.
        package init(
            _ method: String, _ url: String, headers: [Header] = [], body: [UInt8] = [], unixSocket: String? = nil
        ) {
            self.method = method
            self.url = url
            self.headers = headers
            self.body = body
            self.unixSocket = unixSocket
        }
    }

    /// What is done with an answer that has no end.
    package struct Events {
        /// Seconds without a byte after which the other end counts as gone.
        package let silence: Int
        /// The answer has begun, and it is a success.
        package let opened: () -> Void
        /// Takes a piece of the body; false ends the call.
        package let take: ([UInt8]) -> Bool

        /// Every field as given.
        package init(silence: Int, opened: @escaping () -> Void, take: @escaping ([UInt8]) -> Bool) {
            self.silence = silence
            self.opened = opened
            self.take = take
        }
    }

    /// What came back, whatever its status.
    package struct Answer: Sendable {
        package let status: Int
        /// As sent and in order; those of the final answer only, not of a 100 or 103 before it.
        package let headers: [Header]
        package let body: [UInt8]

        /// The first header field of that name, whatever its case.
        package func header(_ name: String) -> String? {
            let name = name.lowercased()
            return headers.first { $0.name.lowercased() == name }?.value
        }
    }

    /// Why there is no answer; never what was sent or received, nor the URL.
    package struct Failure: Error, Equatable, Sendable {
        /// What kept an answer from coming, as far as a caller would act on it.
        package enum Kind: String, Sendable, CaseIterable {
            /// The URL or a header field is not one this client sends.
            case refused
            case resolve
            case connect
            case tls
            case timeout
            /// The connection ended, or what came was no HTTP.
            case closed
            case tooLarge = "too_large"
            case `internal`
        }

        package let kind: Kind
        /// Our own words or libcurl's fixed text for the error.
        package let reason: String

        init(_ kind: Kind, _ reason: String) {
            self.kind = kind
            self.reason = reason
        }

        /// Two failures are the same when a caller would treat them the same.
        package static func == (a: Failure, b: Failure) -> Bool { a.kind == b.kind }
    }
}
