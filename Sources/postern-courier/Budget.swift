/// How often one address may reach the keeper: a bucket of `burst` that fills by one a second. Bounded, so that many
/// addresses cost no memory; those that do not fit share one bucket.
struct Budget {
    private struct Bucket {
        var left: Double
        var at: Int64
    }

    private let burst: Double
    private let addresses: Int
    private var buckets: [String: Bucket] = [:]
    private var others: Bucket

    init(burst: Int = 60, addresses: Int = 4096) {
        self.burst = Double(burst)
        self.addresses = addresses
        others = Bucket(left: self.burst, at: 0)
    }

    /// Takes one from the address's bucket at `now` (milliseconds of a clock that never goes back); false when empty.
    mutating func take(_ address: String, now: Int64) -> Bool {
        if buckets[address] == nil, buckets.count >= addresses {
            buckets = buckets.filter { filled($0.value, now) < burst }
            guard buckets.count < addresses else { return Self.take(from: &others, filledTo: filled(others, now), now) }
        }
        var bucket = buckets[address] ?? Bucket(left: burst, at: now)
        defer { buckets[address] = bucket }
        return Self.take(from: &bucket, filledTo: filled(bucket, now), now)
    }

    private func filled(_ bucket: Bucket, _ now: Int64) -> Double {
        min(burst, bucket.left + Double(max(0, now - bucket.at)) / 1000)
    }

    private static func take(from bucket: inout Bucket, filledTo left: Double, _ now: Int64) -> Bool {
        bucket = Bucket(left: left >= 1 ? left - 1 : left, at: now)
        return left >= 1
    }
}
