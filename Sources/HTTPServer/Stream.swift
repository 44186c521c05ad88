import CMicroHTTPD
import Rules
import Synchronization

extension HTTPServer {
    /// A body that is made while it is sent: the server asks for the next piece when the client has taken the one
    /// before, on the connection's own thread.
    package struct Stream: Sendable {
        /// What one asking gave.
        package enum Piece: Sendable, Equatable {
            /// So many bytes, at least one, at the beginning of the room.
            case bytes(Int)
            /// The body is complete.
            case end
            /// The body stays incomplete: the connection is ended, so that the client can tell.
            case broken
        }

        /// Why a stream that still runs is to end.
        package enum Interruption: Sendable {
            /// Nobody takes it any more: the client has left, or the connection was cut.
            case gone
            /// The server stops and waits for running answers: end soon what would not end by itself.
            case stopping
        }

        /// Bytes in all; nil sends chunks (RFC 9112, section 7.1).
        let length: Int?
        let pull: @Sendable (inout MutableSpan<UInt8>) -> Piece
        let interrupted: @Sendable (Interruption) -> Void

        /// `pull` may block for as long as it likes; the bound on sending is on each piece, not on the whole. A body
        /// of a known `length` that ends before it, or would go on behind it, is broken off.
        ///
        /// `interrupted` is called from other threads, perhaps more than once and perhaps before the first `pull`: it
        /// must make a blocked `pull` return, and must not block itself. A client that has left is noticed within a
        /// second.
        package init(
            length: Int? = nil, interrupted: @escaping @Sendable (Interruption) -> Void = { _ in },
            pull: @escaping @Sendable (inout MutableSpan<UInt8>) -> Piece
        ) {
            self.length = length
            self.interrupted = interrupted
            self.pull = pull
        }
    }
}

/// A stream under way on its connection; libmicrohttpd keeps it until the answer is over.
@safe final class Streaming: Sendable {
    private let stream: HTTPServer.Stream
    private let connection: HTTPServer.Connection
    private let isGone = Atomic(false)
    private let isStopping = Atomic(false)

    /// What libmicrohttpd asks for at once of a body of known length; with chunks it lends its own buffer.
    private static let block = 64 * 1024
    /// MHD_CONTENT_READER_END_OF_STREAM and …_WITH_ERROR, which are casts and so not imported.
    private static let end = -1
    private static let broken = -2

    init(_ stream: HTTPServer.Stream, on connection: HTTPServer.Connection) {
        self.stream = stream
        self.connection = connection
    }

    /// The library's answer object, to be destroyed by the caller; nil when there is no memory.
    func makeResponse() -> OpaquePointer? {
        let kept = unsafe Unmanaged.passRetained(self)
        let made = unsafe MHD_create_response_from_callback(
            stream.length.map(UInt64.init) ?? .max, stream.length == nil ? 1 : Self.block, pulled, kept.toOpaque(),
            released)
        if unsafe made == nil { unsafe kept.release() }
        return unsafe made
    }

    /// The next piece, or how it ends, as the library wants to be told.
    func pull(_ room: inout MutableSpan<UInt8>) -> Int {
        guard !isGone.load(ordering: .acquiring), connection.enter(.producing) else { return Self.broken }
        let piece = stream.pull(&room)
        guard connection.enter(.sending) else { return Self.broken }
        switch piece {
        case .bytes(let count):
            precondition(count > 0 && count <= room.count, "a piece of a stream is not within its room")
            return count
        case .end: return Self.end
        case .broken: return Self.broken
        }
    }

    /// Nobody takes the stream any more.
    func leave() {
        isGone.store(true, ordering: .releasing)
        stream.interrupted(.gone)
    }

    /// The server stops; said once.
    func stop() {
        if !isStopping.exchange(true, ordering: .acquiringAndReleasing) { stream.interrupted(.stopping) }
    }
}

private let pulled: MHD_ContentReaderCallback = { cls, _, room, count in
    guard let cls = unsafe cls, let room = unsafe room, count > 0 else { return -2 }
    let memory = unsafe UnsafeMutableRawPointer(room).assumingMemoryBound(to: UInt8.self)
    var span = unsafe MutableSpan(_unsafeStart: memory, count: count)
    return unsafe Unmanaged<Streaming>.fromOpaque(cls).takeUnretainedValue().pull(&span)
}

private let released: MHD_ContentReaderFreeCallback = { cls in
    if let cls = unsafe cls { unsafe Unmanaged<Streaming>.fromOpaque(cls).release() }
}
