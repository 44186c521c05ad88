import Errands
import HTTPServer
import Linux
import Synchronization

/// An answer on its way to a client of the gateway, as long as the keeper lets it: a revocation ends the stream, and what
/// has not been handed to the kernel by then stays here.
final class GatewayBody: Sendable {
    private let bytes: [UInt8]
    private let stream: SharedStream
    /// How many have left. One thread sends an answer.
    private let done = Atomic<Int>(0)

    init(_ bytes: [UInt8], while stream: SharedStream) {
        self.bytes = bytes
        self.stream = stream
    }

    /// The body as an `HTTPServer` sends it.
    var pieces: HTTPServer.Stream {
        HTTPServer.Stream(length: bytes.count) { room in self.fill(&room) }
    }

    private func fill(_ room: inout MutableSpan<UInt8>) -> HTTPServer.Stream.Piece {
        guard !stream.descriptor.hasEnded else { return .broken }
        let start = done.load(ordering: .relaxed)
        let count = min(room.count, bytes.count - start)
        guard count > 0 else { return .end }
        for index in 0..<count { room[index] = bytes[start + index] }
        done.store(start + count, ordering: .relaxed)
        return .bytes(count)
    }
}
