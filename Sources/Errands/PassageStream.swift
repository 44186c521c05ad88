package import Linux
package import Rules
internal import Synchronization

/// One end of a stream on which frames and chunks pass: reads ahead, so that a frame costs one system call, and can be
/// cut from another thread. Otherwise used by one thread at a time.
package final class PassageStream: @unchecked Sendable {  // all but `open` in the hands of one thread
    private let descriptor: FileDescriptor
    private var buffer: [UInt8]
    private var start = 0
    private var end = 0
    /// How far the buffer was ever filled since it was clear.
    private var dirty = 0
    /// Bytes left of the chunk that is being read.
    private var left = 0

    /// No chunk is longer.
    package static let longestChunk = 64 * 1024
    private static let broken = UInt32.max

    /// Takes over one end of a stream socket.
    package init(_ descriptor: consuming FileDescriptor) {
        self.descriptor = descriptor
        buffer = [UInt8](repeating: 0, count: 32 * 1024)
    }

    /// For poll(2) alone.
    package var number: Int32 { descriptor.number }

    /// Ends it, from any thread: whoever reads or writes at either end is told.
    package func cut() { descriptor.shutDown() }

    /// Whether something has come that nobody has read.
    var hasUnread: Bool { start < end || left > 0 }

    /// Whether the other end is gone or has ended it; what it sent before may still be unread.
    package var hasEnded: Bool { descriptor.hasEnded }

    /// Waits until there is something to read, or the end; false when the deadline passed.
    package func waitReadable(until deadline: Deadline) -> Bool {
        if start < end { return true }
        do throws(SystemError) { return try descriptor.waitReadable(until: deadline) } catch { return true }
    }

    // MARK: - Frames

    /// Writes a frame. `courier_unavailable` when the other end is gone or does not read, `too_large` over the caps.
    package func send(_ frame: Frame, until deadline: Deadline) throws(Problem) {
        let bytes = try frame.encoded()
        do { try descriptor.send(bytes, until: deadline) } catch { throw Self.lost }
    }

    /// Waits for the next frame. `courier_unavailable` where none comes, `too_large` where one announces too much.
    package func receive(maxBody: Int, until deadline: Deadline) throws(Problem) -> Frame {
        try Frame.read(maxBody: maxBody) { count throws(Problem) in try take(count, until: deadline) }
    }

    // MARK: - Chunks

    /// Writes one piece of a body, at least one byte, at most `longestChunk`.
    package func send(chunk piece: Span<UInt8>, until deadline: Deadline) throws(Problem) {
        precondition((1...Self.longestChunk).contains(piece.count), "a chunk has another length")
        var count: [UInt8] = []
        Self.append(UInt32(piece.count), to: &count)
        do {
            try descriptor.send(count, until: deadline)
            try descriptor.send(piece, until: deadline)
        } catch { throw Self.lost }
    }

    /// Writes a piece of any length as chunks; `deadline` is for each.
    package func send(piece: Span<UInt8>, until deadline: () -> Deadline) throws(Problem) {
        var at = 0
        while at < piece.count {
            let next = min(piece.count, at + Self.longestChunk)
            try send(chunk: piece.extracting(at..<next), until: deadline())
            at = next
        }
    }

    /// Says that the body is complete, or that it will never be.
    package func endChunks(complete: Bool, until deadline: Deadline) throws(Problem) {
        var bytes: [UInt8] = []
        Self.append(complete ? 0 : Self.broken, to: &bytes)
        do { try descriptor.send(bytes, until: deadline) } catch { throw Self.lost }
    }

    /// The next bytes of a body at the beginning of `room`; 0 at its end. `courier_unavailable` where the other end is
    /// gone or gave up.
    package func receive(chunk room: inout MutableSpan<UInt8>, until deadline: Deadline) throws(Problem) -> Int {
        if left == 0 {
            var count: UInt32 = 0
            for byte in try take(4, until: deadline) { count = count << 8 | UInt32(byte) }
            if count == 0 { return 0 }
            guard count != Self.broken, count <= Self.longestChunk else { throw Self.lost }
            left = Int(count)
        }
        if start == end { try fill(until: deadline) }
        let count = min(left, end - start, room.count)
        for index in 0..<count { room[index] = buffer[start + index] }
        start += count
        left -= count
        return count
    }

    // MARK: - Reading

    /// Overwrites what was read: called when a call has ended.
    package func clear() {
        for index in 0..<dirty { buffer[index] = 0 }
        (start, end, dirty) = (0, 0, 0)
    }

    private func take(_ count: Int, until deadline: Deadline) throws(Problem) -> [UInt8] {
        if end - start >= count {
            let bytes = Array(buffer[start..<start + count])
            start += count
            return bytes
        }
        var bytes = Array(buffer[start..<end])
        start = end
        // What does not fit is read where it belongs.
        if count - bytes.count >= buffer.count {
            do { bytes += try descriptor.receive(exactly: count - bytes.count, until: deadline) } catch {
                throw Self.lost
            }
            return bytes
        }
        while bytes.count < count {
            try fill(until: deadline)
            let more = min(count - bytes.count, end - start)
            bytes += buffer[start..<start + more]
            start += more
        }
        return bytes
    }

    private func fill(until deadline: Deadline) throws(Problem) {
        (start, end) = (0, 0)
        // A span lives only of what is in nobody else's hands.
        var taken: [UInt8] = []
        swap(&taken, &buffer)
        defer { swap(&taken, &buffer) }
        var room = taken.mutableSpan
        let got: Int
        do { got = try descriptor.receive(into: &room, until: deadline) } catch { throw Self.lost }
        guard got > 0 else { throw Self.lost }
        end = got
        dirty = max(dirty, got)
    }

    private static func append(_ count: UInt32, to bytes: inout [UInt8]) {
        for shift in [24, 16, 8, 0] as [UInt32] { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
    }

    static let lost = Problem(.courierUnavailable, "The courier does not answer.", advice: "Try again.")
}
