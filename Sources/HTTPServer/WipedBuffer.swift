import Glibc

/// Bytes that grow, and are wiped when they move and when they are let go: a request's target and body may hold
/// codes and tokens. Ordinary memory, since a guarded allocation per request would cost more than the request.
@safe struct WipedBuffer: ~Copyable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private(set) var count = 0

    init() { unsafe base = nil }

    deinit {
        unsafe Self.wipe(base, capacity)
        unsafe free(base)
    }

    /// Valid until the buffer changes.
    @unsafe var memory: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: base, count: count) }

    /// The bytes as text; what is no UTF-8 is replaced.
    func text(_ range: Range<Int>) -> String {
        range.isEmpty ? "" : unsafe String(decoding: memory[range], as: UTF8.self)
    }

    var text: String { text(0..<count) }

    /// Where the byte first stands, or the end.
    func index(of byte: UInt8) -> Int { unsafe memory.firstIndex(of: byte) ?? count }

    /// Whether the bytes before `end` end with `suffix`.
    func ends(_ suffix: StaticString, at end: Int) -> Bool {
        let length = suffix.utf8CodeUnitCount
        guard let base = unsafe base, end <= count, end >= length else { return false }
        return unsafe memcmp(base + end - length, suffix.utf8Start, length) == 0
    }

    /// False when there is no memory.
    mutating func reserve(_ wanted: Int) -> Bool {
        guard wanted > capacity else { return true }
        guard let larger = unsafe malloc(wanted) else { return false }
        if let base = unsafe base {
            unsafe memcpy(larger, base, count)
            unsafe Self.wipe(base, capacity)
            unsafe free(base)
        }
        unsafe base = larger
        capacity = wanted
        return true
    }

    /// False when there is no memory.
    @unsafe mutating func append(_ start: UnsafeRawPointer, _ more: Int) -> Bool {
        if count + more > capacity {
            guard reserve(max(count + more, capacity * 2, 256)) else { return false }
        }
        guard let base = unsafe base else { return true }
        unsafe memcpy(base + count, start, more)
        count += more
        return true
    }

    /// Forgets the bytes; memory up to 4 KiB is kept for the next request.
    mutating func clear() {
        unsafe Self.wipe(base, count)
        count = 0
        guard capacity > 4096 else { return }
        unsafe free(base)
        unsafe base = nil
        capacity = 0
    }

    private static func wipe(_ start: UnsafeMutableRawPointer?, _ count: Int) {
        guard let start = unsafe start, count > 0 else { return }
        unsafe explicit_bzero(start, count)
    }
}
