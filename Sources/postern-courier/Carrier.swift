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
    private let spool: Spool

    init(client: HTTPClient, spool: Spool) {
        self.client = client
        self.spool = spool
    }

    /// Carries on a thread of its own. Without a thread the stream closes, which the keeper reads as "not carried".
    func carry(_ stream: consuming FileDescriptor) {
        let number = stream.release()
        spool.begin()
        do throws(SystemError) {
            try Thread.start(name: "errand", stackBytes: Self.stackBytes) {
                serve(FileDescriptor(owning: number))
                // The C library keeps the stacks of threads that have ended for those to come.
                Thread.wipeStack()
            }
        } catch {
            spool.end()
            _ = FileDescriptor(owning: number)
            Log.error("errand_refused", ["why": error])
        }
    }

    private func serve(_ stream: consuming FileDescriptor) {
        var isCounted = true
        defer { if isCounted { spool.end() } }
        do throws(Problem) {
            let errand = try Errand(try Frame.receive(on: stream, until: .after(seconds: 30)))
            // Nobody stays for an answer that may be lost.
            if errand.spool == nil {
                spool.end()
                isCounted = false
            }
            // A keeper that has given up must not find it done.
            try Taken.send(on: stream, until: .after(seconds: 5))
            let frame = try answer(to: errand)
            do throws(Problem) {
                try frame.send(on: stream, until: .after(seconds: 30))
                if errand.spool != nil { try Kept.receive(on: stream, until: .after(seconds: Self.keptSeconds)) }
            } catch {
                guard let aside = errand.spool else { throw error }
                try spool.put(frame, aside)
                Log.warning("answer_put_aside")
            }
        } catch {
            Log.warning("errand_lost", ["why": error.reason])
        }
    }

    /// How long the keeper has for writing what must not be lost.
    private static let keptSeconds: Int64 = 20

    private func answer(to errand: Errand) throws(Problem) -> Frame {
        let reply = perform(errand)
        do throws(Problem) { return try reply.frame() } catch {
            // Headers beyond what a head may be.
            return try ErrandReply.unreachable(.tooLarge).frame()
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
            return .unreachable(Unreachable(error.kind))
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

extension Unreachable {
    /// What the keeper is told of a failed call.
    init(_ kind: HTTPClient.Failure.Kind) {
        switch kind {
        case .refused: self = .refusedURL
        case .resolve: self = .resolve
        case .connect: self = .connect
        case .tls: self = .tls
        case .timeout: self = .timeout
        case .closed, .internal: self = .closed
        case .tooLarge: self = .tooLarge
        }
    }
}
