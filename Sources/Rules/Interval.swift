/// A length of time in whole seconds, written by people as `90s`, `15m`, `24h` or `7d`.
package struct Interval: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let seconds: Int64

    /// So many whole seconds.
    package init(seconds: Int64) { self.seconds = seconds }

    /// Reads a whole number with one of the units s, m, h, d; a bare number is refused, since nobody can tell its unit.
    package init?(_ text: some StringProtocol) {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let last = text.last, let unit = units[last], let count = Int64(text.dropLast()), count >= 0 else {
            return nil
        }
        let (seconds, overflow) = count.multipliedReportingOverflow(by: unit)
        guard !overflow, seconds <= 10 * 365 * 86400 else { return nil }
        self.seconds = seconds
    }

    package var milliseconds: Int64 { seconds * 1000 }

    /// The shorter one is less.
    package static func < (a: Interval, b: Interval) -> Bool { a.seconds < b.seconds }

    /// The largest unit that divides it, so that what was typed is what is shown.
    package var description: String {
        for (unit, size) in [("d", 86400), ("h", 3600), ("m", 60)] as [(String, Int64)]
        where seconds >= size && seconds % size == 0 {
            return "\(seconds / size)\(unit)"
        }
        return "\(seconds)s"
    }
}
