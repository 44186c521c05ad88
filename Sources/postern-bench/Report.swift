import FoundationEssentials

/// What a subcommand found, printed as a table or as JSON.
package struct Report: Encodable {
    /// One measured quantity over the rounds.
    package struct Figure: Encodable {
        package let what: String
        package let unit: String
        package let median: Double
        package let low: Double
        package let high: Double

        /// The median and spread of a series, times `scale`.
        package init(_ what: String, unit: String, _ series: Series, scale: Double = 1) {
            self.what = what
            self.unit = unit
            median = series.median * scale
            low = series.low * scale
            high = series.high * scale
        }
    }

    /// A ratio that was promised.
    package struct Goal: Encodable {
        package let what: String
        package let median: Double
        package let low: Double
        package let high: Double
        package let bound: String
        package let met: Bool

        /// A bound from below, met or not.
        package init(_ what: String, _ series: Series, atLeast bound: Double) {
            self.init(what, series, ">= \(number(bound))", series.median >= bound)
        }

        /// A bound from above, met or not.
        package init(_ what: String, _ series: Series, atMost bound: Double) {
            self.init(what, series, "<= \(number(bound))", series.median <= bound)
        }

        /// A count that must be this one.
        package init(_ what: String, _ count: Int, exactly bound: Int) {
            self.init(what, Series([Double(count)]), "= \(bound)", count == bound)
        }

        private init(_ what: String, _ series: Series, _ bound: String, _ met: Bool) {
            self.what = what
            median = series.median
            low = series.low
            high = series.high
            self.bound = bound
            self.met = met
        }
    }

    package let schema = 1
    package let title: String
    package let rounds: Int
    package var figures: [Figure] = []
    package var goals: [Goal] = []
    /// Rows of cells, the first of them their names: results that are no series.
    package var table: [[String]] = []
    package var notes: [String] = []
    private var failures = 0

    /// Whether all goals are met, and no request failed: one that fails is not slow, so it would make a ratio better.
    package var isMet: Bool { failures == 0 && goals.allSatisfy(\.met) }

    private enum CodingKeys: CodingKey { case schema, title, rounds, figures, goals, table, notes }

    /// An empty report of so many rounds.
    package init(title: String, rounds: Int) {
        self.title = title
        self.rounds = rounds
    }

    /// Throughput and latency of one result, with a count of failures when there were any.
    package mutating func add(_ result: Result) {
        figures.append(Figure("\(result.name), throughput", unit: "/s", result.throughput))
        figures.append(Figure("\(result.name), p50", unit: "us", result.p50, scale: 0.001))
        figures.append(Figure("\(result.name), p99", unit: "us", result.p99, scale: 0.001))
        note(failures: result.failures, of: result.name)
    }

    /// Says how many requests of `name` failed; with any, no goal counts as met.
    package mutating func note(failures count: Int, of name: String) {
        failures += count
        if count > 0 { notes.append("\(name): \(count) requests failed") }
    }

    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        guard let bytes = try? encoder.encode(self) else { return "{}" }
        return String(decoding: bytes, as: UTF8.self)
    }

    package var text: String {
        var lines = ["\(title): medians of \(rounds) interleaved rounds, lowest and highest in brackets"]
        let rows = figures.map { figure in
            [
                figure.what, "\(number(figure.median)) \(figure.unit)",
                "[\(number(figure.low)) .. \(number(figure.high))]",
            ]
        }
        lines += aligned(rows)
        lines += aligned(table)
        if !goals.isEmpty { lines.append("") }
        lines += aligned(
            goals.map { goal in
                [
                    goal.what, number(goal.median), "[\(number(goal.low)) .. \(number(goal.high))]", goal.bound,
                    goal.met ? "met" : "NOT MET",
                ]
            })
        return (lines + notes.map { "note: \($0)" }).joined(separator: "\n")
    }
}

/// Three significant digits or, from 100 on, whole numbers.
package func number(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    let digits = value.magnitude >= 100 ? 0 : value.magnitude >= 10 ? 1 : value.magnitude >= 1 ? 2 : 3
    let scale = [1.0, 10, 100, 1000][digits]
    let scaled = Int64((value.magnitude * scale).rounded())
    let whole = scaled / Int64(scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard digits > 0 else { return sign + String(whole) }
    let rest = String(scaled % Int64(scale))
    return "\(sign)\(whole)." + String(repeating: "0", count: digits - rest.count) + rest
}

/// Columns as wide as their widest cell, the first to the left and the others to the right.
package func aligned(_ rows: [[String]]) -> [String] {
    var widths: [Int] = []
    for row in rows {
        for (column, cell) in row.enumerated() {
            if column == widths.count { widths.append(0) }
            widths[column] = max(widths[column], cell.count)
        }
    }
    return rows.map { row in
        "  "
            + row.enumerated().map { column, cell in
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + padding : padding + cell
            }.joined(separator: "  ")
    }
}
