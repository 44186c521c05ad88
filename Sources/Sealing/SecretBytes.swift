import CSodium

/// Bytes that must not outlive their use: locked, fenced by guard pages, read-only once filled, wiped at the end.
///
/// One costs 13 to 27 µs and three pages, so it is for keys and for what an operator types, never for a request.
@safe package struct SecretBytes: ~Copyable, @unchecked Sendable {  // immutable after init
    private let base: UnsafeMutablePointer<UInt8>
    package let count: Int

    /// Room for `capacity` bytes, of which `fill` says how many it used.
    package init<E: Error>(
        capacity: Int, fill: (inout MutableSpan<UInt8>) throws(E) -> Int
    ) throws(E) {
        let memory = unsafe Guarded.allocate(capacity)
        var span = unsafe MutableSpan(_unsafeStart: memory, count: capacity)
        do throws(E) {
            count = try fill(&span)
        } catch {
            unsafe sodium_free(memory)
            throw error
        }
        precondition((0...capacity).contains(count), "more secret bytes than there is room for")
        unsafe sodium_mprotect_readonly(memory)
        unsafe base = memory
    }

    /// Exactly `count` bytes.
    package init<E: Error>(count: Int, fill: (inout MutableSpan<UInt8>) throws(E) -> Void) throws(E) {
        try self.init(capacity: count) { (span: inout MutableSpan<UInt8>) throws(E) -> Int in
            try fill(&span)
            return count
        }
    }

    /// Copies bytes the caller still has to wipe.
    package init(copying bytes: Span<UInt8>) {
        self.init(count: bytes.count) { span in
            for index in bytes.indices { span[index] = bytes[index] }
        }
    }

    /// New key material.
    package init(random count: Int) {
        self.init(count: count) { Sodium.randomize(&$0) }
    }

    /// Lends the bytes for as long as this value lives.
    package var bytes: RawSpan {
        @_lifetime(borrow self)
        get { unsafe RawSpan(_unsafeStart: base, byteCount: count) }
    }

    /// Lends the bytes for as long as this value lives.
    package var span: Span<UInt8> {
        @_lifetime(borrow self)
        get { unsafe Span(_unsafeStart: base, count: count) }
    }

    /// Lends the bytes to `body`, for owners whose properties cannot lend a span (classes).
    package borrowing func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
        try body(span)
    }

    deinit { unsafe sodium_free(base) }
}

/// A secret several owners share; the last one wipes it.
package final class SecretBox: Sendable {
    package let secret: SecretBytes

    /// Takes the secret over.
    package init(_ secret: consuming SecretBytes) { self.secret = secret }

    /// Lends the bytes to `body`.
    package func withBytes<R, E: Error>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
        try secret.withBytes(body)
    }
}

/// The one place that asks libsodium for guarded memory.
enum Guarded {
    /// Locked memory between guard pages, to be given back with `sodium_free`, which also wipes it.
    @unsafe static func allocate(_ count: Int) -> UnsafeMutablePointer<UInt8> {
        precondition(Sodium.ready, "libsodium did not start")
        guard let memory = unsafe sodium_malloc(count) else { fatalError("no lockable memory") }
        return unsafe memory.assumingMemoryBound(to: UInt8.self)
    }
}
