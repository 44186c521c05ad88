import Glibc
import Sealing
import Synchronization
import Testing

@Suite struct `A key` {
    @Test func `that was wiped is gone for every operation and every name of it`() throws {
        let keys = KeySlots()
        let slot = keys.addRandom()
        let signing = keys.addSigningKey()
        let box = keys.addBoxKey()
        #expect(keys.holds(slot))
        keys.wipe(slot)
        keys.wipe(slot)
        #expect(!keys.holds(slot))
        // Its place is used again; the old name must not reach the new key.
        let next = keys.addRandom()
        #expect(next != slot)
        #expect(throws: SealingError.keyGone) { try keys.mac([1], with: slot) }
        #expect(throws: SealingError.keyGone) { try keys.seal(Span(), associated: [], with: slot) }
        #expect(throws: SealingError.keyGone) { try keys.wrap(next, under: slot, associated: []) }
        keys.wipe(slot)
        #expect(keys.holds(next))
        keys.wipeAll()
        #expect(throws: SealingError.keyGone) { try keys.mac([1], with: next) }
        #expect(throws: SealingError.keyGone) { try keys.sign(Span(), with: signing) }
        let note = SealedBox.seal([1].span, to: box.publicKey)
        #expect(throws: SealingError.keyGone) { try keys.openBox(note.span, with: box, into: Slab()) }
    }

    @Test func `is one of many, each itself`() throws {
        let keys = KeySlots()
        let slots = (0..<1000).map { number in
            keys.add { (key: inout MutableSpan<UInt8>) in
                for index in 0..<32 { key[index] = UInt8(truncatingIfNeeded: number >> (index % 2 * 8)) }
            }
        }
        #expect(Set(slots).count == 1000)
        let macs = try slots.map { slot throws(SealingError) in try keys.mac([9], with: slot) }
        #expect(Set(macs).count == 1000)
        for number in stride(from: 0, to: 1000, by: 3) { keys.wipe(slots[number]) }
        for number in 0..<1000 {
            #expect((try? keys.mac([9], with: slots[number])) == (number % 3 == 0 ? nil : macs[number]))
        }
    }

    @Test func `that could not be opened leaves no key behind`() throws {
        let keys = KeySlots()
        let first = keys.addRandom()
        #expect(throws: SealingError.malformed) {
            _ = try keys.add { (key: inout MutableSpan<UInt8>) throws(SealingError) in
                key[0] = 1
                throw .malformed
            }
        }
        let next = keys.addRandom()
        #expect(try keys.mac([1], with: first) != keys.mac([1], with: next))
    }

    /// Sealing threads race a thread that replaces the key: whatever was sealed must open under the key it was for.
    @Test func `is never half of itself while it is wiped`() throws {
        let race = try Race()
        let threads = [Thread { race.seal() }, Thread { race.seal() }, Thread { race.replace() }]
        for thread in threads { thread.join() }
        let (opened, all, last) = try race.result()
        #expect(opened == all)
        #expect(last == Race.rounds - 1)
    }
}

private final class Race: Sendable {
    static let rounds = 50
    let keys = KeySlots()
    let master: KeySlot
    let wrapped: [[UInt8]]
    let current: Mutex<(round: Int, slot: KeySlot)>
    let sealed = Mutex<[(round: Int, bytes: [UInt8])]>([])
    let done = Atomic(false)

    init() throws {
        let keys = keys
        let master = keys.addRandom()
        self.master = master
        wrapped = try (0..<Self.rounds).map { _ throws(SealingError) in
            try keys.wrap(keys.addRandom(), under: master, associated: [])
        }
        let first = wrapped[0]
        current = Mutex((0, try keys.unwrap(first.span, under: master, associated: [])))
    }

    func seal() {
        let plain: [UInt8] = [1, 2, 3]
        while !done.load(ordering: .relaxed) {
            let (round, slot) = current.withLock { $0 }
            if let bytes = try? keys.seal(plain.span, associated: [], with: slot) {
                sealed.withLock { $0.append((round, bytes)) }
            }
        }
    }

    func replace() {
        for round in 1..<Self.rounds {
            let before = sealed.withLock { $0.count }
            while sealed.withLock({ $0.count }) < before + 5 { sched_yield() }
            keys.wipe(current.withLock { $0.slot })
            let bytes = wrapped[round]
            guard let slot = try? keys.unwrap(bytes.span, under: master, associated: []) else { break }
            current.withLock { $0 = (round, slot) }
        }
        done.store(true, ordering: .relaxed)
    }

    func result() throws -> (opened: Int, all: Int, lastRound: Int) {
        let all = sealed.withLock { $0 }
        let slots = try wrapped.map { bytes throws(SealingError) in
            try keys.unwrap(bytes.span, under: master, associated: [])
        }
        var opened = 0
        for (round, bytes) in all {
            let secret = try keys.openSecret(bytes.span, associated: [], with: slots[round])
            if secret.count == 3 { opened += 1 }
        }
        return (opened, all.count, current.withLock { $0.round })
    }
}

/// A plain thread: the pool behind tasks has as many as there are processors, and these wait for each other.
@safe private final class Thread {
    private var id = pthread_t()
    private let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
        self.body = body
        let started = unsafe pthread_create(
            &id, nil,
            { context in
                unsafe Unmanaged<Thread>.fromOpaque(context!).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        precondition(started == 0, "no thread")
    }

    func join() { pthread_join(id, nil) }
}
