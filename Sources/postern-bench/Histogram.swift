/// Durations in nanoseconds, counted in buckets no wider than 1/128 of their value: a percentile is off by less than 1 %,
/// and counting costs no allocation.
package struct Histogram: Sendable {
    private static let steps = 128
    private var counts = [UInt32](repeating: 0, count: steps * 40)
    package private(set) var count = 0
    package private(set) var longest: Int64 = 0

    /// No measurements yet.
    package init() {}

    /// Counts one measurement.
    package mutating func add(_ nanoseconds: Int64) {
        counts[Self.bucket(nanoseconds)] += 1
        count += 1
        longest = max(longest, nanoseconds)
    }

    /// Counts all of another's.
    package mutating func add(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        longest = max(longest, other.longest)
    }

    /// The duration that `fraction` of all do not exceed, in nanoseconds; 0 when there are none.
    package func percentile(_ fraction: Double) -> Double {
        guard count > 0 else { return 0 }
        let wanted = max(1, Int((Double(count) * fraction).rounded(.up)))
        var seen = 0
        for (index, inBucket) in counts.enumerated() where inBucket > 0 {
            seen += Int(inBucket)
            if seen >= wanted { return min(Self.middle(index), Double(longest)) }
        }
        return Double(longest)
    }

    /// Below 128 ns a bucket a nanosecond; above, 128 buckets for each doubling.
    private static func bucket(_ value: Int64) -> Int {
        guard value >= steps else { return Int(max(0, value)) }
        let octave = 63 - value.leadingZeroBitCount - 7
        return min(steps * (octave + 1) + Int(value >> Int64(octave)) - steps, steps * 40 - 1)
    }

    private static func middle(_ bucket: Int) -> Double {
        guard bucket >= steps else { return Double(bucket) }
        let octave = bucket / steps - 1
        return (Double(bucket % steps + steps) + 0.5) * Double(1 << octave)
    }
}
