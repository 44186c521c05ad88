import FoundationEssentials
import Glibc
import Linux
import Outside

/// Looks for secrets in the memory of other processes and in files, in the forms they could be left in.
enum MemoryScan {
    /// Its middle is enough to be found: the first bytes of a freed block belong to the allocator. Whole groups of
    /// base64 at each of three offsets, so that what stands before and after does not show. Percent-encoding leaves
    /// letters and digits as they are.
    static func forms(of secret: String) -> [[UInt8]] {
        let bytes = Array(secret.utf8)
        let middle = Array(bytes[(bytes.count / 4)..<(bytes.count * 3 / 4)])
        var forms = [middle]
        for digits in ["0123456789abcdef", "0123456789ABCDEF"] {
            let digits = Array(digits.utf8)
            forms.append(middle.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
        }
        for offset in 0..<3 {
            let text = Data(bytes.dropFirst(offset)).base64EncodedString().utf8
            forms.append(Array(text.dropFirst(4).prefix(20)))
        }
        return forms
    }

    /// Where one of `needles` stands in the readable memory of a process; nil where it cannot be read.
    static func regions(of pid: Int32, with needles: [[UInt8]]) -> [String]? {
        guard let memory = try? FileDescriptor.open("/proc/\(pid)/mem", .read) else { return nil }
        let maps = Shell.text(of: "/proc/\(pid)/maps")
        guard !maps.isEmpty else { return nil }
        var found: [String] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 20)
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            let ends = fields[0].split(separator: "-").compactMap { UInt64($0, radix: 16) }
            guard ends.count == 2, fields[1].hasPrefix("r"), !line.contains("[v") else { continue }
            var at = ends[0]
            while at < ends[1] {
                let count = Int(min(UInt64(chunk.count), ends[1] - at))
                let got = unsafe pread(memory.number, &chunk, count, off_t(Int64(bitPattern: at)))
                if got <= 0 { break }
                if contains(any: needles, chunk, count: got) {
                    found.append("\(fields.count > 5 ? String(fields[5]) : "anonymous") at \(String(at, radix: 16))")
                }
                // Overlapping, so that nothing hides on a border.
                at += UInt64(at + UInt64(got) < ends[1] && got > 128 ? got - 128 : got)
            }
        }
        return found
    }

    static func contains(any needles: [[UInt8]], _ bytes: [UInt8], count: Int) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            needles.contains { needle in
                unsafe outside_contains(bytes.baseAddress!, count, needle, needle.count) != 0
            }
        }
    }

    static func threads(of pid: Int32) -> Int {
        let line = Shell.text(of: "/proc/\(pid)/status").split(separator: "\n").first { $0.hasPrefix("Threads:") }
        return line.flatMap { Int($0.dropFirst(8).filter(\.isNumber)) } ?? 0
    }
}
