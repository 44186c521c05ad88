import CSodium
import Synchronization

/// Names a key in `KeySlots`. After the key is wiped every use of the name throws `keyGone`.
package struct KeySlot: Hashable, Sendable {
    let index: UInt32
    let generation: UInt32
    /// Bytes of the key: 32, or 64 for a pair.
    package let count: Int
}

/// Every key of the process, in guarded memory that is written only while a key arrives or is wiped.
///
/// Keys come in by `add` or `unwrap` and never leave: the operations (`seal`, `open`, `mac`, `sign` …) take a slot.
/// Any thread may use any slot at any time. `wipe` waits for the operations that are using the key, so nothing is ever
/// sealed under half a key; an operation must therefore not add or wipe keys while it borrows one.
@safe package final class KeySlots: @unchecked Sendable {
    static let slotBytes = 64
    static let perChunk = 256
    static let mostChunks = 4096

    /// Addresses of the chunks; a chunk is never given back, so an address once read stays good.
    private let keys: UnsafeMutablePointer<Atomic<UInt>>
    /// Addresses of each chunk's states: generation in the upper half (odd while there is a key), users in the lower.
    private let states: UnsafeMutablePointer<Atomic<UInt>>

    private struct Places {
        var free: [UInt32] = []
        var next: UInt32 = 0
    }
    private let places = Mutex(Places())

    /// An empty region; the first chunk is locked at once, so that failing to lock shows at start.
    package init() {
        unsafe keys = .allocate(capacity: Self.mostChunks)
        unsafe states = .allocate(capacity: Self.mostChunks)
        for chunk in 0..<Self.mostChunks {
            unsafe (keys + chunk).initialize(to: Atomic(0))
            unsafe (states + chunk).initialize(to: Atomic(0))
        }
        makeChunk(0)
    }

    deinit {
        for chunk in 0..<Self.mostChunks {
            guard let base = unsafe keyBase(chunk) else { break }
            unsafe sodium_free(base)
            unsafe stateBase(chunk).deinitialize(count: Self.perChunk).deallocate()
        }
        unsafe keys.deinitialize(count: Self.mostChunks).deallocate()
        unsafe states.deinitialize(count: Self.mostChunks).deallocate()
    }

    // MARK: - Keys arrive and go

    /// A new key of `count` bytes (at most 64), written by `fill` straight into its place.
    package func add<E: Error>(
        count: Int = 32, fill: (inout MutableSpan<UInt8>) throws(E) -> Void
    ) throws(E) -> KeySlot {
        precondition((1...Self.slotBytes).contains(count), "no such length of key")
        return try places.withLock { (places: inout Places) throws(E) -> KeySlot in
            let index = takePlace(&places)
            let (chunk, offset) = Self.locate(index)
            guard let base = unsafe keyBase(chunk) else { preconditionFailure("no chunk for this key") }
            let place = unsafe base + offset * Self.slotBytes
            unsafe sodium_mprotect_readwrite(base)
            defer { unsafe sodium_mprotect_readonly(base) }
            var span = unsafe MutableSpan(_unsafeStart: place, count: count)
            do throws(E) {
                try fill(&span)
            } catch {
                unsafe sodium_memzero(place, Self.slotBytes)
                places.free.append(index)
                throw error
            }
            let state = unsafe stateBase(chunk) + offset
            let generation = unsafe UInt32(truncatingIfNeeded: state.pointee.load(ordering: .relaxed) >> 32) &+ 1
            unsafe state.pointee.store(UInt64(generation) << 32, ordering: .releasing)
            return KeySlot(index: index, generation: generation, count: count)
        }
    }

    /// A new random key.
    package func addRandom(count: Int = 32) -> KeySlot {
        add(count: count) { Sodium.randomize(&$0) }
    }

    /// Copies a key the caller still has to wipe.
    package func add(copying key: Span<UInt8>) -> KeySlot {
        add(count: key.count) { span in
            for index in key.indices { span[index] = key[index] }
        }
    }

    /// Destroys a key. Waits until no operation uses it; a key that is gone already is left alone.
    package func wipe(_ slot: KeySlot) {
        places.withLock { places in
            if erase(slot.index, generation: slot.generation) { places.free.append(slot.index) }
        }
    }

    /// Destroys every key: the vault is being sealed.
    package func wipeAll() {
        places.withLock { places in
            for index in 0..<places.next where erase(index, generation: nil) { places.free.append(index) }
        }
    }

    /// Whether the key is still there.
    package func holds(_ slot: KeySlot) -> Bool {
        let (chunk, offset) = Self.locate(slot.index)
        guard unsafe keyBase(chunk) != nil else { return false }
        return unsafe (stateBase(chunk) + offset).pointee.load(ordering: .acquiring) >> 32 == UInt64(slot.generation)
    }

    // MARK: - Keys are used

    /// Lends the key's bytes to one operation of libsodium.
    @unsafe func withKey<R>(
        _ slot: KeySlot, _ body: (UnsafePointer<UInt8>) throws(SealingError) -> R
    ) throws(SealingError) -> R {
        let (chunk, offset) = Self.locate(slot.index)
        guard let base = unsafe keyBase(chunk) else { throw .keyGone }
        let state = unsafe stateBase(chunk) + offset
        var seen = unsafe state.pointee.load(ordering: .relaxed)
        while true {
            guard seen >> 32 == UInt64(slot.generation) else { throw .keyGone }
            let (exchanged, original) = unsafe state.pointee.compareExchange(
                expected: seen, desired: seen + 1, ordering: .acquiring)
            if exchanged { break }
            seen = original
        }
        defer { unsafe state.pointee.subtract(1, ordering: .releasing) }
        return try unsafe body(UnsafePointer(base + offset * Self.slotBytes))
    }

    // MARK: - Places

    private static func locate(_ index: UInt32) -> (chunk: Int, offset: Int) {
        (Int(index) / perChunk, Int(index) % perChunk)
    }

    private func takePlace(_ places: inout Places) -> UInt32 {
        if let index = places.free.popLast() { return index }
        let index = places.next
        let (chunk, offset) = Self.locate(index)
        precondition(chunk < Self.mostChunks, "more keys than there are places")
        if offset == 0, chunk > 0 { makeChunk(chunk) }
        places.next += 1
        return index
    }

    private func makeChunk(_ chunk: Int) {
        let fresh = UnsafeMutablePointer<Atomic<UInt64>>.allocate(capacity: Self.perChunk)
        for offset in 0..<Self.perChunk { unsafe (fresh + offset).initialize(to: Atomic(0)) }
        let memory = unsafe Guarded.allocate(Self.perChunk * Self.slotBytes)
        unsafe sodium_memzero(memory, Self.perChunk * Self.slotBytes)
        unsafe sodium_mprotect_readonly(memory)
        unsafe states[chunk].store(UInt(bitPattern: fresh), ordering: .releasing)
        unsafe keys[chunk].store(UInt(bitPattern: memory), ordering: .releasing)
    }

    /// Ends the key's generation, waits for its users, overwrites it. False when there was no such key.
    private func erase(_ index: UInt32, generation: UInt32?) -> Bool {
        let (chunk, offset) = Self.locate(index)
        guard let base = unsafe keyBase(chunk) else { return false }
        let state = unsafe stateBase(chunk) + offset
        let now = unsafe UInt32(truncatingIfNeeded: state.pointee.load(ordering: .acquiring) >> 32)
        guard now % 2 == 1, generation == nil || generation == now else { return false }
        unsafe state.pointee.add(1 << 32, ordering: .acquiringAndReleasing)
        // An operation lasts microseconds, so there is nothing to sleep for.
        while unsafe state.pointee.load(ordering: .acquiring) & 0xffff_ffff != 0 {}
        unsafe sodium_mprotect_readwrite(base)
        unsafe sodium_memzero(base + offset * Self.slotBytes, Self.slotBytes)
        unsafe sodium_mprotect_readonly(base)
        return true
    }

    @unsafe private func keyBase(_ chunk: Int) -> UnsafeMutablePointer<UInt8>? {
        guard chunk < Self.mostChunks else { return nil }
        return unsafe UnsafeMutablePointer(bitPattern: keys[chunk].load(ordering: .acquiring))
    }

    @unsafe private func stateBase(_ chunk: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
        guard
            let base = unsafe UnsafeMutablePointer<Atomic<UInt64>>(
                bitPattern: states[chunk].load(ordering: .acquiring))
        else { preconditionFailure("no chunk for this key") }
        return unsafe base
    }
}
