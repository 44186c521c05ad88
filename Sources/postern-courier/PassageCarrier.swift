import Errands
import HTTPClient
import Linux
import Rules

/// Carries calls through the gateway: each stream has a thread and, on it, connections to the platform that are kept for
/// the next call. Everything else of a call is gone when it ends: its handle, its buffers, what it left on the stack.
struct PassageCarrier: Sendable {
    private static let stackBytes = 256 * 1024

    /// A file of trusted certificates (PEM) instead of the system's.
    let certificates: String?

    /// Serves a stream until the keeper closes it. Without a thread it closes at once.
    func serve(_ stream: consuming FileDescriptor) {
        let number = stream.release()
        do throws(SystemError) {
            try Thread.start(name: "passage", stackBytes: Self.stackBytes) {
                let stream = PassageStream(FileDescriptor(owning: number))
                guard let line = Line(certificates: certificates) else { return }
                while Self.carryNext(stream, line) {
                    stream.clear()
                    // A token was on it.
                    Thread.wipeStack()
                }
                Thread.wipeStack()
            }
        } catch {
            _ = FileDescriptor(owning: number)
            Log.error("passage_refused", ["why": error])
        }
    }

    /// One call; false when the stream is of no more use.
    private static func carryNext(_ stream: PassageStream, _ line: Line) -> Bool {
        do throws(Problem) {
            let frame = try stream.receive(maxBody: Frame.maxBody, until: .never)
            let call = PassageCall(try PassageAsk(frame.head), stream)
            return try call.carry(frame.body, over: line)
        } catch { return false }
    }
}

/// One call on its way.
private final class PassageCall {
    private let ask: PassageAsk
    private let stream: PassageStream
    private var status = 0
    private var headers: [HeaderLine] = []
    /// The body's beginning, until it is sent with the head.
    private var beginning: [UInt8] = []
    private var hasBegun = false
    private var isLate = false
    /// When the answer must have begun.
    private var answerBy: Deadline
    /// When the keeper must have heard of it, however slowly it comes: he does not wait much longer.
    private var toldBy: Deadline
    /// What has come goes out alone when no more has come by then.
    private var moreBy = Deadline.never
    /// The request's body was fetched to its end.
    private var isAsked: Bool

    /// So much of an answer goes with its head: small ones are one frame.
    private static let most = 32 * 1024
    /// Seconds in which no more comes of an answer that may be long, and of one that says it is not.
    private static let (usualPause, longestPause): (Int64, Int64) = (2, 10)
    /// The other end may leave a piece unread for so long; seconds.
    private static let patience: Int64 = 60

    init(_ ask: PassageAsk, _ stream: PassageStream) {
        self.ask = ask
        self.stream = stream
        isAsked = ask.body == .whole
        (answerBy, toldBy) = (.never, .never)
        if isAsked { beginWaiting() }
    }

    /// All of the request has left, or is about to.
    private func beginWaiting() {
        answerBy = .after(seconds: Int64(ask.timeoutSeconds))
        toldBy = .after(seconds: Int64(ask.timeoutSeconds) + 5)
    }

    func carry(_ body: [UInt8], over line: Line) throws(Problem) -> Bool {
        var request = HTTPClient.Request(
            ask.method, ask.url, headers: ask.headers.map { HTTPClient.Header($0.name, $0.value) }, body: body)
        request.timeout = PassageAsk.longest * 1000
        request.connectTimeout = min(ask.timeoutSeconds * 1000, 10_000)
        var upload: Line.Upload?
        if case .chunks(let length) = ask.body { upload = Line.Upload(length: length) { self.fetch(&$0) } }
        do throws(HTTPClient.Failure) {
            try line.perform(
                request, upload: upload, mayRepeat: ask.mayRepeat, watching: stream.number,
                Line.Receiver(
                    head: { status, headers in
                        self.status = status
                        self.headers = headers.map { ($0.name, $0.value) }
                        return true
                    }, piece: { self.take($0) }, goesOn: { self.goesOn() }))
        } catch {
            let why = isLate ? .timeout : Unreachable(error.kind)
            Log.warning("passage_failed", ["why": why.rawValue, "host": Carrier.host(of: ask.url)])
            if hasBegun {
                try stream.endChunks(complete: false, until: .after(seconds: 5))
            } else {
                try reply(.unreachable(why), [])
            }
            return false
        }
        if hasBegun {
            try stream.endChunks(complete: true, until: .after(seconds: Self.patience))
        } else {
            try reply(.answer(status: status, headers: headers, isWhole: true), beginning)
        }
        return isAsked
    }

    private func reply(_ reply: PassageReply, _ body: [UInt8]) throws(Problem) {
        let frame: Frame
        let head = reply.head
        // Headers beyond what a head may be.
        if head.count > Frame.maxHead {
            frame = Frame(head: PassageReply.unreachable(.tooLarge).head)
        } else {
            frame = Frame(head: head, body: body)
        }
        try stream.send(frame, until: .after(seconds: Self.patience))
    }

    private func fetch(_ room: inout MutableSpan<UInt8>) -> Int? {
        guard !isAsked else { return 0 }
        do throws(Problem) {
            let count = try stream.receive(chunk: &room, until: .after(seconds: Self.patience))
            if count == 0 {
                isAsked = true
                beginWaiting()
            }
            return count
        } catch { return nil }
    }

    private func take(_ piece: Span<UInt8>) -> Bool {
        do throws(Problem) {
            if !hasBegun {
                for index in piece.indices { beginning.append(piece[index]) }
                moreBy = .after(seconds: isSmall ? Self.longestPause : Self.usualPause)
                if beginning.count >= Self.most { try begin() }
                return true
            }
            try stream.send(piece: piece) { .after(seconds: Self.patience) }
            return true
        } catch { return false }
    }

    /// What there is goes out when no more comes for a while: until then it may be all there is, which can be judged as a
    /// whole.
    private func goesOn() -> Bool {
        if status == 0 {
            isLate = answerBy.hasPassed
            return !isLate
        }
        guard !hasBegun else { return true }
        guard !beginning.isEmpty else {
            isLate = toldBy.hasPassed
            return !isLate
        }
        guard moreBy.hasPassed || toldBy.hasPassed else { return true }
        do throws(Problem) {
            try begin()
            return true
        } catch { return false }
    }

    /// Whether the answer says that it fits into one frame.
    private var isSmall: Bool {
        let length = headers.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) }
        return length.map { $0 <= Self.most } ?? false
    }

    private func begin() throws(Problem) {
        hasBegun = true
        try reply(.answer(status: status, headers: headers, isWhole: false), beginning)
        beginning = []
    }
}
