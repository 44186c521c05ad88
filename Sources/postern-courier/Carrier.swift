import Errands
import HTTPClient
import Linux
import Rules

/// Carries errands: reads one from its stream, makes the one request, writes what came of it.
///
/// Nothing outlives an errand: each has its own connection, so that no buffer, cookie, cached session or second attempt
/// over a connection that had died is left for the next; freed memory is overwritten. Only the certificates that a
/// handle has read are kept.
struct Carrier: Sendable {
    /// As many at once as the keeper ever sends; a stack each.
    private static let stackBytes = 256 * 1024

    private let client: HTTPClient

    init(client: HTTPClient) { self.client = client }

    /// Carries on a thread of its own. Without a thread the stream closes, which the keeper reads as "not carried".
    func carry(_ stream: consuming FileDescriptor) {
        let number = stream.release()
        do throws(SystemError) {
            try Thread.start(name: "errand", stackBytes: Self.stackBytes) {
                serve(FileDescriptor(owning: number))
                // The C library keeps the stacks of threads that have ended for those to come.
                Thread.wipeStack()
            }
        } catch {
            _ = FileDescriptor(owning: number)
            Log.error("errand_refused", ["why": error])
        }
    }

    private func serve(_ stream: consuming FileDescriptor) {
        do throws(Problem) {
            let errand = try Errand(try Frame.receive(on: stream, until: .after(seconds: 30)))
            // A keeper that has given up must not find it done.
            try Taken.send(on: stream, until: .after(seconds: 5))
            let reply = perform(errand)
            let frame: Frame
            do throws(Problem) { frame = try reply.frame() } catch {
                // Headers beyond what a head may be.
                frame = try ErrandReply.unreachable(.tooLarge).frame()
            }
            try frame.send(on: stream, until: .after(seconds: 30))
        } catch {
            Log.warning("errand_lost", ["why": error.reason])
        }
    }

    private func perform(_ errand: Errand) -> ErrandReply {
        var request = HTTPClient.Request(
            errand.method, errand.url, headers: errand.headers.map { HTTPClient.Header($0.name, $0.value) },
            body: errand.body)
        request.timeout = errand.timeoutSeconds * 1000
        request.connectTimeout = min(request.timeout, 10_000)
        request.answerLimit = errand.maxAnswerBytes
        do throws(HTTPClient.Failure) {
            let answer = try client.perform(request)
            return .answer(
                ErrandAnswer(
                    status: answer.status, headers: answer.headers.map { ($0.name, $0.value) }, body: answer.body))
        } catch {
            Log.warning("errand_failed", ["why": error.kind.rawValue, "host": Self.host(of: errand.url)])
            return .unreachable(Self.unreachable(error.kind))
        }
    }

    private static func unreachable(_ kind: HTTPClient.Failure.Kind) -> Unreachable {
        switch kind {
        case .refused: .refusedURL
        case .resolve: .resolve
        case .connect: .connect
        case .tls: .tls
        case .timeout: .timeout
        case .closed, .internal: .closed
        case .tooLarge: .tooLarge
        }
    }

    /// For the log: a host and port, never a path (of an incoming webhook it is the secret) or anything before an `@`.
    static func host(of url: String) -> String {
        let bytes = Array(url.utf8)
        guard let scheme = bytes.indices.first(where: { bytes[$0...].starts(with: "://".utf8) }) else { return "?" }
        let host = bytes[(scheme + 3)...].prefix { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"):
                true
            default: false
            }
        }
        guard host.endIndex == bytes.endIndex || bytes[host.endIndex] == UInt8(ascii: "/") else { return "?" }
        return String(decoding: host.prefix(256), as: UTF8.self)
    }
}
