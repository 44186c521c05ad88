import Testing

@testable import Broker

@Suite struct `What a service makes of the daemon` {
    private let calls = ServiceCalls()
    private let second: Int64 = 1_000_000_000

    private func goesOn(_ service: Int64 = 1, rate: Int64 = 0, at now: Int64) -> Bool {
        if case .goOn = calls.begin(service, rate: rate, now: now) { true } else { false }
    }

    @Test func `is 1024 calls at once and not one more, each service for itself`() {
        for _ in 0..<1024 { #expect(goesOn(at: 0)) }
        guard case .tooManyAtOnce = calls.begin(1, rate: 0, now: 0) else {
            Issue.record("the 1025th went on")
            return
        }
        #expect(goesOn(2, at: 0))
        calls.end(1)
        calls.endMinute(now: 0)
        #expect(goesOn(at: 0))
        #expect(!goesOn(at: 0))
    }

    @Test(arguments: [1, 2, 7, 50, 1000] as [Int64])
    func `is its rate a second, however they come`(_ rate: Int64) {
        let start = 100 * second
        var taken: Int64 = 0
        // All at once, then as soon as may be for ten seconds.
        for step in 0..<(10 * 100) as Range<Int64> {
            let now = start + step * second / 100
            for _ in 0..<(rate / 50 + 3) where goesOn(rate: rate, at: now) {
                taken += 1
                calls.end(1)
            }
        }
        // What may come at once is one second's; then it is the rate.
        #expect((10 * rate...11 * rate).contains(taken), "\(taken)")
        // Another service, all of whose second is taken.
        for _ in 0..<rate { #expect(goesOn(2, rate: rate, at: start)) }
        guard case .tooFast(let seconds) = calls.begin(2, rate: rate, now: start) else {
            Issue.record("one more went on")
            return
        }
        #expect(seconds == 1)
    }
}
