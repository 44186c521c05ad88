import Glibc

/// A secret on its way from the person to the daemon: in one buffer that is wiped at the end, never in a `String`.
@safe struct Secret: ~Copyable {
    /// Values are UTF-8 up to 64 KiB (design, section 4).
    static let longest = 65_536

    private let base: UnsafeMutablePointer<UInt8>
    private let room: Int
    private(set) var count = 0

    init(room: Int = Secret.longest + 2) {
        unsafe base = UnsafeMutablePointer<UInt8>.allocate(capacity: room)
        self.room = room
    }

    deinit {
        unsafe explicit_bzero(base, room)
        unsafe base.deallocate()
    }

    subscript(index: Int) -> UInt8 {
        precondition(index >= 0 && index < count)
        return unsafe base[index]
    }

    mutating func append(_ byte: UInt8) -> Bool {
        guard count < room else { return false }
        unsafe base[count] = byte
        count += 1
        return true
    }

    /// Takes the last `number` bytes off.
    mutating func drop(_ number: Int) {
        let gone = min(number, count)
        count -= gone
        unsafe explicit_bzero(base + count, gone)
    }

    /// Reads to the end of the descriptor; false when it holds more than a value may.
    mutating func read(from descriptor: Int32) throws(Descriptor.Trouble) -> Bool {
        while count < room {
            let got = unsafe Glibc.read(descriptor, base + count, room - count)
            if got < 0, errno == EINTR { continue }
            if got < 0 { throw Descriptor.Trouble(number: errno) }
            if got == 0 { return true }
            count += got
        }
        return false
    }

    borrowing func write(to descriptor: Int32) {
        unsafe Descriptor.write(UnsafeRawBufferPointer(start: base, count: count), to: descriptor)
    }

    /// Appends the value as a JSON string.
    borrowing func quote(into out: inout [UInt8]) {
        unsafe JSON.quote(UnsafeBufferPointer(start: base, count: count), into: &out)
    }

    /// One `\n` or `\r\n` at the end is taken off; says whether there was one.
    mutating func stripLineEnd() -> Bool {
        guard count > 0, self[count - 1] == 10 else { return false }
        drop(count > 1 && self[count - 2] == 13 ? 2 : 1)
        return true
    }

    /// As text, for values that a form compares and cleans; the copy lives as long as the process.
    var text: String { unsafe String(decoding: UnsafeBufferPointer(start: base, count: count), as: UTF8.self) }

    var isValidText: Bool {
        unsafe String(validating: UnsafeBufferPointer(start: base, count: count), as: UTF8.self) != nil
    }
}

/// A request body with a secret in it; wiped when it goes.
final class SecretBody {
    private(set) var bytes: [UInt8] = []

    /// `fields` plus `value`. The buffer never grows while the secret is in it, so no copy is left behind.
    init(_ fields: JSON, value: borrowing Secret) {
        let head = fields.compact().dropLast()
        bytes.reserveCapacity(head.count + value.count * 6 + 16)
        bytes += head
        bytes += (head.count > 1 ? ",\"value\":" : "\"value\":").utf8
        value.quote(into: &bytes)
        bytes.append(UInt8(ascii: "}"))
    }

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    deinit {
        guard !bytes.isEmpty else { return }
        unsafe bytes.withUnsafeMutableBytes { unsafe explicit_bzero($0.baseAddress!, $0.count) }
    }
}
