import FoundationEssentials
import Glibc
import Linux

/// Looks through the memory of another process; needs root.
enum MemoryScan {
    /// The forms a secret could be left in. Its middle is enough to be found: the first bytes of a freed block belong to
    /// the allocator.
    static func forms(of secret: String) -> [[UInt8]] {
        let bytes = Array(secret.utf8)
        let middle = Array(bytes[(bytes.count / 4)..<(bytes.count * 3 / 4)])
        var forms = [middle, Array(middle.map { hex($0, "0123456789abcdef") }.joined().utf8)]
        for offset in 0..<3 {
            // Whole groups only, so that what stands before and after does not show.
            let text = Data(bytes.dropFirst(offset)).base64EncodedString().utf8
            forms.append(Array(text.dropFirst(4).prefix(20)))
        }
        return forms
    }

    private static func hex(_ byte: UInt8, _ digits: String) -> String {
        let digits = Array(digits)
        return String([digits[Int(byte >> 4)], digits[Int(byte & 15)]])
    }

    /// The names of the regions in which one of `needles` stands; nil when the memory cannot be read.
    static func regions(of pid: Int32, with needles: [[UInt8]]) -> [String]? {
        guard let maps = try? FileDescriptor.open("/proc/\(pid)/maps", .read).readToEnd(atMost: 1 << 22),
            let memory = try? FileDescriptor.open("/proc/\(pid)/mem", .read)
        else { return nil }
        var found: [String] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard ends.count == 2, fields[1].hasPrefix("rw"), !line.contains("[v") else { continue }
            var at = ends[0]
            while at < ends[1] {
                // Overlapping, so that nothing hides on a border.
                let count = Int(min(UInt64(chunk.count), ends[1] - at))
                let got = unsafe pread(memory.number, &chunk, count, off_t(Int64(bitPattern: at)))
                if got <= 0 { break }
                let isHere = needles.contains { stands($0, in: chunk, count: got) }
                if isHere {
                    found.append("\(fields.count > 5 ? String(fields[5]) : "anonymous") at \(String(at, radix: 16))")
                }
                at += UInt64(got > 64 && got == count && at + UInt64(got) < ends[1] ? got - 64 : got)
            }
        }
        return found
    }

    private static func stands(_ needle: [UInt8], in chunk: [UInt8], count: Int) -> Bool {
        unsafe chunk.withUnsafeBytes { chunk in
            var at = 0
            while at + needle.count <= count,
                let hit = unsafe memchr(chunk.baseAddress! + at, Int32(needle[0]), count - needle.count - at + 1)
            {
                if unsafe memcmp(hit, needle, needle.count) == 0 { return true }
                at = unsafe UnsafeRawPointer(hit) - chunk.baseAddress! + 1
            }
            return false
        }
    }

    static func threads(of pid: Int32) -> Int {
        guard let text = try? FileDescriptor.open("/proc/\(pid)/status", .read).readToEnd(atMost: 1 << 16) else {
            return 0
        }
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("Threads:") }
        return line.flatMap { Int($0.dropFirst(8).filter { $0.isNumber }) } ?? 0
    }
}
