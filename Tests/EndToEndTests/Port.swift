import Glibc
import Linux
import Synchronization
import Testing

/// Ports for daemons that are told theirs before they listen.
///
/// They come from below the range the kernel gives to those who ask for any (ip(7): 32768 and up), one after the other, so
/// that nobody takes one between here and the daemon. Test runs side by side begin far from each other.
enum Port {
    private static let range: Range<UInt16> = 20_000..<32_000
    private static let last = Mutex(range.lowerBound + UInt16(UInt32(getpid()) &* 997 % 11_000))

    static func free() throws -> UInt16 {
        for _ in range {
            let port = last.withLock { last in
                last = last + 1 < range.upperBound ? last + 1 : range.lowerBound
                return last
            }
            if (try? FileDescriptor.listen(at: .ipv4(0x7F00_0001, port: port)).boundPort) != nil { return port }
        }
        return try #require(nil as UInt16?)
    }
}
