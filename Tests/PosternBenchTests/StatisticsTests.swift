import Testing

@testable import postern_bench

@Suite struct `A histogram` {
    @Test(arguments: [0, 1, 127, 128, 129, 1000, 65_535, 1_000_000, 123_456_789, 30_000_000_000] as [Int64])
    func `is off by less than one in a hundred`(_ value: Int64) {
        var histogram = Histogram()
        for _ in 0..<3 { histogram.add(value) }
        let error = (histogram.percentile(0.5) - Double(value)).magnitude
        #expect(error <= Double(value) * 0.01)
        #expect(histogram.longest == value && histogram.count == 3)
    }

    @Test func `has its percentiles where they belong, added up or not`() {
        var all = Histogram()
        for part in 0..<4 {
            var own = Histogram()
            for value in 1...250 { own.add(Int64(part * 250 + value) * 1000) }
            all.add(own)
        }
        for (fraction, want) in [(0.001, 1000.0), (0.5, 500_000), (0.9, 900_000), (0.99, 990_000), (1, 1_000_000)] {
            #expect((all.percentile(fraction) - want).magnitude <= want * 0.01)
        }
        #expect(Histogram().percentile(0.5) == 0)
    }
}

@Suite struct `A series` {
    @Test(arguments: [([3], 3), ([1, 9], 5), ([9, 1, 5], 5), ([4, 1, 3, 2], 2.5)] as [([Double], Double)])
    func `has the median of its rounds`(_ values: [Double], _ median: Double) {
        #expect(Series(values).median == median)
        #expect(Series(values).low == values.min() && Series(values).high == values.max())
    }

    @Test func `is divided round by round`() {
        #expect((Series([2, 30]) / Series([1, 10])).values == [2, 3])
        #expect((Series([2, 30]) + Series([1, 10])).values == [3, 40])
        #expect(Series().median.isNaN)
    }

    @Test func `of interleaved contenders leaves out the first round and goes forth and back`() throws {
        var order = ""
        let contenders = ["a", "b"].map { name in
            Contender(name) {
                order += name
                var outcome = Outcome()
                outcome.seconds = 1
                for _ in 0..<order.count { outcome.latencies.add(1) }
                return outcome
            }
        }
        let results = try interleave(contenders, rounds: 2)
        #expect(order == "abbaab")
        #expect(results[0].throughput.values == [4, 5] && results[1].throughput.values == [3, 6])
    }
}

@Suite struct `A report` {
    @Test(
        arguments: [
            (0, "0.000"), (0.1234, "0.123"), (1.005, "1.00"), (12.34, "12.3"), (123.4, "123"), (99_999.5, "100000"),
            (-1.5, "-1.50"), (9.999, "10.00"), (.nan, "-"),
        ] as [(Double, String)])
    func `writes numbers short`(_ value: Double, _ text: String) { #expect(number(value) == text) }

    @Test func `says which goal is met, as a table and as JSON`() {
        var report = Report(title: "t", rounds: 3)
        report.figures.append(Report.Figure("read", unit: "us", Series([1000, 2000, 3000]), scale: 0.001))
        report.goals.append(Report.Goal("good", Series([0.5]), atLeast: 0.35))
        report.goals.append(Report.Goal("bad", Series([2]), atMost: 1.5))
        #expect(report.text.contains("read  2.00 us  [1.00 .. 3.00]"))
        #expect(report.text.contains("<= 1.50  NOT MET") && report.text.contains(">= 0.350      met"))
        #expect(report.json.contains("\"met\" : true") && report.json.contains("\"met\" : false"))
    }
}
