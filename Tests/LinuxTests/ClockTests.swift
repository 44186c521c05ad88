import Testing

@testable import Linux

@Suite struct `A moment` {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"), (1_795_147_920_123, "2026-11-20T04:12:00.123Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (253_402_300_800_000, "10000-01-01T00:00:00.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] as [(Int64, String)])
    func `is written as RFC 3339`(_ milliseconds: Int64, _ text: String) {
        #expect(Clock.text(ofMilliseconds: milliseconds) == text)
    }

    @Test func `passes`() {
        #expect(Deadline.after(milliseconds: -1).hasPassed && !Deadline.never.hasPassed)
        #expect(!Deadline.after(seconds: 3600).hasPassed)
        #expect(Clock.bootMilliseconds <= Clock.bootMilliseconds && Clock.wallMilliseconds > 1_700_000_000_000)
    }
}
