import Linux
import Synchronization

/// The disk space kept for the day there is none (design, section 4): released when a commit meets a full disk, so
/// that what takes something away can still be recorded; made again when there is room.
final class Ballast: Sendable {
    static let bytes: Int64 = 16 * 1024 * 1024

    private let path: String
    private let isReleased = Mutex(false)

    init(path: String) { self.path = path }

    /// Whether it has been given back and not made again: the room there is then belongs to what takes something away.
    var isSpent: Bool { isReleased.withLock { $0 } }

    var isThere: Bool { Reserve.isFilled(path, bytes: Self.bytes) }

    func release() {
        isReleased.withLock { isReleased in
            guard !isReleased else { return }
            try? Reserve.release(path)
            isReleased = true
        }
    }

    /// Makes the file again where it is missing; returns whether it is there.
    @discardableResult
    func restore() -> Bool {
        isReleased.withLock { isReleased in
            if Reserve.isFilled(path, bytes: Self.bytes) { return true }
            guard (try? Reserve.fill(path, bytes: Self.bytes)) != nil else { return false }
            isReleased = false
            return true
        }
    }
}
