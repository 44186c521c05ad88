/// One figure, measured once a round.
package struct Series: Sendable {
    package private(set) var values: [Double] = []

    /// One value a round.
    package init(_ values: [Double] = []) { self.values = values }

    /// The next round's value.
    package mutating func add(_ value: Double) { values.append(value) }

    package var median: Double { quantile(0.5) }
    package var low: Double { values.min() ?? .nan }
    package var high: Double { values.max() ?? .nan }

    /// Between the two nearest values in proportion; not a number when there are none.
    package func quantile(_ fraction: Double) -> Double {
        guard !values.isEmpty else { return .nan }
        let sorted = values.sorted()
        let place = fraction * Double(sorted.count - 1)
        let below = Int(place)
        guard below + 1 < sorted.count else { return sorted[below] }
        return sorted[below] + (sorted[below + 1] - sorted[below]) * (place - Double(below))
    }

    /// Round by round, so that what slows a whole round down cancels out.
    package static func / (a: Series, b: Series) -> Series { Series(zip(a.values, b.values).map { $0 / $1 }) }

    /// Round by round.
    package static func + (a: Series, b: Series) -> Series { Series(zip(a.values, b.values).map { $0 + $1 }) }

    /// Round by round.
    package static func - (a: Series, b: Series) -> Series { Series(zip(a.values, b.values).map { $0 - $1 }) }
}

/// What one contender did in one round.
package struct Outcome: Sendable {
    package var latencies = Histogram()
    package var seconds = 0.0
    /// Answers that were not what was asked for, and connections that ended.
    package var failures = 0

    /// Nothing measured yet.
    package init() {}

    package var perSecond: Double { seconds > 0 ? Double(latencies.count) / seconds : 0 }
}

/// Something to measure, again and again.
package struct Contender {
    package let name: String
    package let run: () throws -> Outcome

    /// A variant and how one round of it is run.
    package init(_ name: String, run: @escaping () throws -> Outcome) {
        self.name = name
        self.run = run
    }
}

/// A contender's rounds.
package struct Result {
    package let name: String
    package var throughput = Series()
    package var p50 = Series()
    package var p90 = Series()
    package var p99 = Series()
    package var failures = 0

    /// The rounds of one variant.
    package init(_ name: String) { self.name = name }

    /// The next round's outcome.
    package mutating func add(_ outcome: Outcome) {
        throughput.add(outcome.perSecond)
        p50.add(outcome.latencies.percentile(0.5))
        p90.add(outcome.latencies.percentile(0.9))
        p99.add(outcome.latencies.percentile(0.99))
        failures += outcome.failures
    }
}

/// Runs the contenders in turn, `rounds` times, after one turn that does not count; every other round in reverse, so
/// that none always follows the same.
package func interleave(_ contenders: [Contender], rounds: Int, progress: (Int) -> Void = { _ in }) throws -> [Result] {
    var results = contenders.map { Result($0.name) }
    for round in 0...rounds {
        progress(round)
        let order = Array(contenders.indices)
        for index in round.isMultiple(of: 2) ? order : order.reversed() {
            let outcome = try contenders[index].run()
            if round > 0 { results[index].add(outcome) }
        }
    }
    return results
}
