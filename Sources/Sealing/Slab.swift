import CSodium
import Synchronization

/// Guarded memory that one thread reuses for one answer after another.
///
/// It is a buffer that is appended to: `append`, `appendEscaped` and `KeySlots.open(…into:)` write behind `count`, `wipe`
/// overwrites what was ever used and starts again at zero. When an answer needs more than it has it goes on in larger
/// memory; the smaller stays until the slab ends, so that a span lent before is still good to read.
@safe package final class Slab: @unchecked Sendable {  // one owner at a time, handed over through SlabPool's lock
    private var memory: UnsafeMutablePointer<UInt8>
    package private(set) var capacity: Int
    /// How many bytes are written.
    package private(set) var count = 0
    /// The furthest byte any use may have touched since the last wipe.
    private var touched = 0
    /// What was outgrown, kept because spans may point into it.
    private var outgrown: [Outgrown] = []

    @safe private struct Outgrown {
        let memory: UnsafeMutablePointer<UInt8>
        let count: Int
    }

    package static let usualCapacity = 16 * 1024

    /// Guarded memory of this many bytes; it grows when more is needed.
    package init(capacity: Int = Slab.usualCapacity) {
        unsafe memory = Guarded.allocate(capacity)
        self.capacity = capacity
    }

    deinit {
        unsafe sodium_free(memory)
        for old in outgrown { unsafe sodium_free(old.memory) }
    }

    /// What is written so far.
    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { unsafe _overrideLifetime(Span(_unsafeStart: memory, count: count), borrowing: self) }
    }

    /// A part of what is written.
    @_lifetime(borrow self)
    package func span(_ range: Range<Int>) -> Span<UInt8> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "not written yet")
        let part = unsafe Span(_unsafeStart: memory + range.lowerBound, count: range.count)
        return unsafe _overrideLifetime(part, borrowing: self)
    }

    /// Where the bytes are, for the HTTP server to send from. Valid until the slab is written to, wiped or released.
    @unsafe package var base: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(memory) }

    /// Makes sure that `more` bytes can be appended.
    package func reserve(_ more: Int) {
        guard capacity - count < more else { return }
        let wanted = max(capacity * 2, count + more)
        let larger = unsafe Guarded.allocate(wanted)
        unsafe larger.update(from: memory, count: count)
        outgrown.append(unsafe Outgrown(memory: memory, count: touched))
        unsafe memory = larger
        capacity = wanted
        touched = count
    }

    /// Lends `room` bytes behind what is written; `body` says how many of them it used.
    @discardableResult
    package func append<E: Error>(
        upTo room: Int, _ body: (inout MutableSpan<UInt8>) throws(E) -> Int
    ) throws(E) -> Int {
        reserve(room)
        touched = max(touched, count + room)
        var tail = unsafe MutableSpan(_unsafeStart: memory + count, count: room)
        let used = try body(&tail)
        precondition((0...room).contains(used), "more bytes than there is room for")
        count += used
        return used
    }

    /// Appends lent bytes.
    package func append(_ bytes: Span<UInt8>) {
        guard bytes.count > 0 else { return }
        reserve(bytes.count)
        unsafe bytes.withUnsafeBufferPointer { source in
            unsafe (memory + count).update(from: source.baseAddress!, count: source.count)
        }
        count += bytes.count
        touched = max(touched, count)
    }

    /// Text of our own, never a secret: a `String` cannot be wiped.
    package func append(_ text: String) { append(text.utf8.span) }

    /// Appends one byte.
    package func append(byte: UInt8) {
        reserve(1)
        unsafe memory[count] = byte
        count += 1
        touched = max(touched, count)
    }

    /// Forgets the bytes behind `length` and overwrites them.
    package func truncate(to length: Int) {
        precondition((0...count).contains(length), "cannot truncate to more")
        unsafe sodium_memzero(memory + length, touched - length)
        count = length
        touched = length
    }

    /// Overwrites everything that was used and starts again.
    package func wipe() {
        truncate(to: 0)
        for old in outgrown { unsafe sodium_memzero(old.memory, old.count) }
    }
}

/// Slabs nobody uses at the moment, so that a request does not pay for guarded memory.
package final class SlabPool: Sendable {
    private let free = Mutex<[Slab]>([])
    private let capacity: Int
    private let keep: Int

    /// `keep` slabs at most wait for their next use; each is `capacity` bytes.
    package init(capacity: Int = Slab.usualCapacity, keep: Int = 256) {
        self.capacity = capacity
        self.keep = keep
    }

    /// An empty slab; `give` it back when the answer has left.
    package func take() -> Slab {
        free.withLock { $0.popLast() } ?? Slab(capacity: capacity)
    }

    /// Wipes the slab, then keeps it unless it grew or there are enough.
    package func give(_ slab: Slab) {
        slab.wipe()
        guard slab.capacity == capacity else { return }
        free.withLock { waiting in
            if waiting.count < keep { waiting.append(slab) }
        }
    }
}
