import Glibc
import Sealing
import Testing

/// Looks for bytes in all memory of this process that can be read.
///
/// What it looks for is never in memory itself: it is given as a function of the index, and compared inverted.
struct MemoryScan {
    private let wanted: [UInt8]

    /// `secret` gives the byte at an index; only its complement is kept.
    init(count: Int, secret: (Int) -> UInt8) { wanted = (0..<count).map { ~secret($0) } }

    /// How often the bytes are there.
    func count() throws -> Int {
        let maps = try Self.lines("/proc/self/maps")
        let memory = unsafe open("/proc/self/mem", O_RDONLY)
        try #require(memory >= 0)
        defer { close(memory) }
        let room = 1 << 20
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: room, alignment: 4096)
        defer {
            // A plain memset before a release is left out by the optimiser, and the next scan finds this one.
            unsafe explicit_bzero(buffer.baseAddress!, room)
            unsafe buffer.deallocate()
        }
        let own = UInt(bitPattern: buffer.baseAddress!)
        var found = 0
        for line in maps {
            let fields = line.split(separator: " ")
            guard fields.count >= 2, fields[1].hasPrefix("r"), !line.hasSuffix("[vvar]"), !line.hasSuffix("[vsyscall]")
            else { continue }
            let range = fields[0].split(separator: "-")
            guard let start = UInt(range[0], radix: 16), let end = UInt(range[1], radix: 16) else { continue }
            var at = start
            while at < end {
                let wish = min(room, Int(end - at))
                let got = unsafe pread(memory, buffer.baseAddress!, wish, Int(at))
                guard got > 0 else { break }
                found += unsafe matches(
                    UnsafeRawBufferPointer(rebasing: buffer[..<got]), at: at, except: own..<own + UInt(room))
                // Pieces overlap, so that nothing hides on a border.
                at += got == wish && at + UInt(got) < end ? UInt(got - wanted.count) : UInt(got)
            }
        }
        return found
    }

    private func matches(_ bytes: UnsafeRawBufferPointer, at base: UInt, except own: Range<UInt>) -> Int {
        guard bytes.count >= wanted.count else { return 0 }
        var found = 0
        var index = 0
        let last = bytes.count - wanted.count
        let first = ~wanted[0]
        while index <= last {
            guard let next = unsafe memchr(bytes.baseAddress! + index, Int32(first), last - index + 1) else { break }
            index = unsafe UnsafeRawPointer(next) - bytes.baseAddress!
            var same = true
            for offset in wanted.indices where unsafe bytes[index + offset] != ~wanted[offset] {
                same = false
                break
            }
            if same, !own.contains(base + UInt(index)) { found += 1 }
            index += 1
        }
        return found
    }

    static func lines(_ path: String) throws -> [String] {
        let file = unsafe open(path, O_RDONLY)
        try #require(file >= 0)
        defer { close(file) }
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let got = unsafe read(file, &piece, piece.count)
            guard got > 0 else { break }
            text += piece[..<got]
        }
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

@Suite(.serialized) struct `Secret memory` {
    /// Different bytes for every test, chosen as it runs: the optimiser would lay known ones down in the program itself.
    private static func pattern(_ seed: UInt64 = .random(in: .min ... .max)) -> (Int) -> UInt8 {
        { index in
            var x = (seed &+ UInt64(index) &* 0x9e37_79b9_7f4a_7c15)
            x ^= x >> 31
            x = x &* 0xbf58_476d_1ce4_e5b9
            return UInt8(truncatingIfNeeded: x >> 56) | 1
        }
    }

    @inline(never) private func hold(_ pattern: (Int) -> UInt8, scan: MemoryScan) throws -> Int {
        let secret = SecretBytes(count: 48) { span in for index in 0..<48 { span[index] = pattern(index) } }
        let count = try scan.count()
        // Used after the scan, so that it lives that long.
        return secret.span[0] == pattern(0) ? count : -1
    }

    @Test func `is found while it lives and nowhere afterwards`() throws {
        let pattern = Self.pattern()
        let scan = MemoryScan(count: 48, secret: pattern)
        #expect(try scan.count() == 0)
        #expect(try hold(pattern, scan: scan) == 1)
        #expect(try scan.count() == 0)
    }

    @inline(never) private func sealPattern(_ pattern: (Int) -> UInt8, _ keys: KeySlots, _ slot: KeySlot) throws
        -> [UInt8]
    {
        let secret = SecretBytes(count: 48) { span in for index in 0..<48 { span[index] = pattern(index) } }
        return try keys.seal(secret.span, associated: [1], with: slot)
    }

    @Test func `of an answer is gone when the slab is wiped`() throws {
        let pattern = Self.pattern()
        let scan = MemoryScan(count: 48, secret: pattern)
        let keys = KeySlots()
        let slot = keys.addRandom()
        let sealed = try sealPattern(pattern, keys, slot)
        #expect(try scan.count() == 0)
        let pool = SlabPool(capacity: 64, keep: 2)
        let plain = pool.take()
        let answer = pool.take()
        try keys.open(sealed.span, associated: [1], with: slot, into: plain)
        answer.append(String(repeating: "-", count: 40))
        answer.append(plain.span)
        // A second copy makes the slab grow, and the first one lies in what it has outgrown.
        answer.append(plain.span)
        #expect(try scan.count() >= 3)
        pool.give(plain)
        pool.give(answer)
        #expect(try scan.count() == 0)
        let again = pool.take()
        #expect(again === plain)
        #expect(again.count == 0)
    }

    @Test func `of a key is gone when the key is wiped`() throws {
        let pattern = Self.pattern()
        let scan = MemoryScan(count: 32, secret: pattern)
        let keys = KeySlots()
        let add = {
            keys.add { (key: inout MutableSpan<UInt8>) in for index in 0..<32 { key[index] = pattern(index) } }
        }
        let slot = add()
        let outer = keys.addRandom()
        _ = try keys.mac([1, 2, 3], with: slot)
        _ = try keys.seal([1, 2, 3].span, associated: [], with: slot)
        let wrapped = try keys.wrap(slot, under: outer, associated: [])
        _ = try keys.unwrap(wrapped.span, under: outer, associated: [])
        // The two slots; what libsodium leaves on the stack is looked at below.
        #expect(try scan.count() >= 2)
        keys.wipeAll()
        #expect(try scan.count() == 0)
    }

    @Test func `cannot be read behind its end`() async {
        await #expect(processExitsWith: .failure) {
            let slab = Slab(capacity: 4096)
            print(unsafe slab.base.load(fromByteOffset: 4096, as: UInt8.self))
        }
    }

    @Test func `cannot be written once it is filled`() async {
        await #expect(processExitsWith: .failure) {
            let secret = SecretBytes(random: 32)
            let bytes = secret.span
            unsafe bytes.withUnsafeBufferPointer { unsafe UnsafeMutablePointer(mutating: $0.baseAddress!).pointee = 0 }
        }
    }

    @Test func `of a slab keeps what was lent while it grows`() {
        let slab = Slab(capacity: 8)
        slab.append("12345678")
        slab.append(slab.span)
        slab.append(slab.span)
        #expect([UInt8](copying: slab.span) == Array(String(repeating: "12345678", count: 4).utf8))
        #expect([UInt8](copying: slab.span(8..<10)) == Array("12".utf8))
        slab.truncate(to: 3)
        slab.append(byte: 0x21)
        #expect([UInt8](copying: slab.span) == Array("123!".utf8))
    }
}
