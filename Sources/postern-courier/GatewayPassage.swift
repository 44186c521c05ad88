import Errands
import HTTPServer
import Linux
import Rules
import Synchronization

/// A call of a client of the gateway on its way to the keeper and back, as long as the keeper lets it: a revocation ends
/// the stream, and what has not been handed to the kernel by then stays here. No more of a large body, or of a large
/// answer, is in memory than a piece. Used by the connection's thread; `end` by any.
final class GatewayPassage: Sendable {
    private let stream: PassageStream
    /// Bytes of the request's body that are with the keeper.
    private let passed = Atomic<Int>(0)
    /// Bytes of the answer's beginning that have left.
    private let left = Atomic<Int>(0)

    /// A renewed token, two calls to a platform and a commit fit into this.
    private static let answerSeconds: Int64 = 120
    /// Longer than the keeper waits for the platform to take or to give a piece.
    private static let pieceSeconds: Int64 = 75

    init(_ stream: PassageStream) { self.stream = stream }

    /// The call is over, or its client is gone.
    func end() { stream.cut() }

    // MARK: - The request's body

    /// Waits until the keeper lets the body come; its answer where it does not.
    func refusal() throws(Problem) -> HTTPServer.Response? {
        let (status, headers, frame, _) = try reply()
        return status == 100 ? nil : Self.response(status, headers, .bytes(frame.body))
    }

    /// Passes on a piece; waits while the platform does not take it. The keeper may refuse in the middle.
    func take(_ piece: Span<UInt8>) -> HTTPServer.BodySink.Taken {
        do throws(Problem) {
            if !stream.waitReadable(until: .after(milliseconds: 0)) {
                try stream.send(piece: piece) { .after(seconds: Self.pieceSeconds) }
                let total = passed.add(piece.count, ordering: .relaxed).newValue
                // So much the keeper puts aside at once.
                return total > GatewayAsk.mostKept ? .passedOn : .kept
            }
        } catch {}
        do throws(Problem) {
            if let refusal = try refusal() { return .refused(refusal) }
        } catch {}
        return .refused(GatewayListener.response(Self.lost))
    }

    /// The body is complete. Where the keeper has stopped listening, its answer says why.
    func endBody() {
        do throws(Problem) { try stream.endChunks(complete: true, until: .after(seconds: Self.pieceSeconds)) } catch {}
    }

    // MARK: - The answer

    /// Waits for the answer to a call of this method. Throws `.stopping` when none comes.
    func answer(to method: String, from client: Int32) throws(Problem) -> HTTPServer.Response {
        let (status, headers, frame, isWhole) = try reply()
        let lines = headers.filter { !sameHeaderName($0.name, "Content-Length") }
        let length = headers.first { sameHeaderName($0.name, "Content-Length") }.flatMap { Int($0.value) }
        let pieces: HTTPServer.Stream
        if method == "HEAD" {
            // Said, not sent (RFC 9110, section 9.3.2).
            pieces = HTTPServer.Stream(length: length ?? frame.body.count) { _ in .end }
        } else {
            pieces = HTTPServer.Stream(
                length: isWhole ? frame.body.count : length,
                interrupted: { why in if why == .gone { self.end() } },
                pull: { room in self.fill(&room, frame.body, isWhole, client) })
        }
        return Self.response(status, lines, .stream(pieces), onSent: { self.end() })
    }

    private func fill(
        _ room: inout MutableSpan<UInt8>, _ beginning: [UInt8], _ isWhole: Bool, _ client: Int32
    ) -> HTTPServer.Stream.Piece {
        guard !stream.hasEnded else { return .broken }
        let start = left.load(ordering: .relaxed)
        let count = min(room.count, beginning.count - start)
        guard count <= 0 else {
            for index in 0..<count { room[index] = beginning[start + index] }
            left.store(start + count, ordering: .relaxed)
            return .bytes(count)
        }
        guard !isWhole else { return .end }
        // A client that has closed its end looks like one that has said all it has to; the kernel knows which it is.
        while !stream.waitReadable(until: .after(seconds: 1)) {
            guard SocketOwner.uid(atOtherEndOf: client) != nil else { return .broken }
        }
        guard !stream.hasEnded else { return .broken }
        do throws(Problem) {
            let count = try stream.receive(chunk: &room, until: .after(seconds: Self.pieceSeconds))
            return count == 0 ? .end : .bytes(count)
        } catch { return .broken }
    }

    private func reply() throws(Problem) -> (status: Int, headers: [HeaderLine], frame: Frame, isWhole: Bool) {
        do throws(Problem) {
            let frame = try stream.receive(
                maxBody: PassageStream.longestChunk, until: .after(seconds: Self.answerSeconds))
            if case .answer(let status, let headers, let isWhole) = try PassageReply(frame.head) {
                return (status, headers, frame, isWhole)
            }
        } catch {}
        throw Self.lost
    }

    private static func response(
        _ status: Int, _ headers: [HeaderLine], _ body: HTTPServer.Response.Body,
        onSent: (@Sendable () -> Void)? = nil
    ) -> HTTPServer.Response {
        HTTPServer.Response(
            status: status, headers: headers.map { HTTPServer.Response.Header($0.name, $0.value) }, body: body,
            onSent: onSent)
    }

    static let lost = Problem(.stopping, "The daemon does not answer.")
}
