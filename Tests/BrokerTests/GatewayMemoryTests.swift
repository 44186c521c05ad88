import Rules
import Testing
import Vault

@testable import Broker

/// Platforms, 1.9, 2.9, 4.9: limits are per method and per workspace, tenant or organisation.
@Suite struct `A wish to wait` {
    private func key(
        app: Int64 = 1, installation: Int64 = 2, _ method: String = "POST im/v1/messages/om_1/reply"
    ) -> AskedToWait.Key {
        let lease = Lease(
            id: "ls_\(Int64.random(in: 0 ..< .max))", service: 1, app: app, installation: installation, leg: .tenant,
            grant: 1, delivery: .gateway, methods: ["*"], scope: [], createdAt: 0, expiresAt: 60_000, bootID: "",
            bootExpires: 60_000, version: 0)
        return AskedToWait.Key(lease, method)
    }

    @Test func `is about one method, whatever it is called for, one app and one installation`() {
        let wishes = AskedToWait()
        wishes.note(key(), until: 61_000, now: 1000)
        #expect(wishes.seconds(key(), now: 1000) == 60)
        #expect(wishes.seconds(key("POST im/v1/messages/om_2/reply"), now: 1000) == 60)
        for other in [
            key(app: 3), key(installation: 3), key("GET im/v1/messages/om_1/reply"), key("POST im/v1/messages"),
            key("POST im/v1/messages/om_1/urgent_app"), key("chat.postMessage"),
        ] { #expect(wishes.seconds(other, now: 1000) == nil, "\(other)") }
    }

    @Test func `is over when its time is, not before, and no shorter one ends it`() {
        let wishes = AskedToWait()
        wishes.note(key(), until: 61_000, now: 1000)
        wishes.note(key(), until: 5000, now: 2000)
        for (now, left) in [(2000, 59), (60_000, 1), (60_999, 1), (61_000, nil), (2000, nil)] as [(Int64, Int64?)] {
            #expect(wishes.seconds(key(), now: now) == left, "\(now)")
        }
        wishes.note(key(), until: 65_000, now: 62_000)
        #expect(wishes.seconds(key(), now: 62_000) == 3)
    }

    @Test func `that ends first is forgotten where there are too many`() {
        let wishes = AskedToWait()
        for app in 1...4106 as ClosedRange<Int64> { wishes.note(key(app: app), until: 100_000 + app, now: 0) }
        for app in 1...10 as ClosedRange<Int64> { #expect(wishes.seconds(key(app: app), now: 0) == nil) }
        for app in [11, 4106] as [Int64] { #expect(wishes.seconds(key(app: app), now: 0) != nil) }
        // What is over makes room.
        wishes.note(key(app: 5000), until: 300_000, now: 200_000)
        for app in 6000...6100 as ClosedRange<Int64> { wishes.note(key(app: app), until: 300_000, now: 200_000) }
        #expect(wishes.seconds(key(app: 5000), now: 200_000) == 100)
    }
}

@Suite struct `The warnings of a month` {
    /// How far the process found the app, the counts that its calls have seen, and what each told; of 10 calls.
    @Test(
        arguments: [
            (0, [7, 8, 9, 10, 11], [nil, .most, nil, .all, nil]),
            // One commit counts many calls, also the very first.
            (7, [9, 9, 10], [.most, nil, .all]), (0, [9], [.most]), (0, [12, 13], [.all, nil]),
            // What the process before has told is told.
            (8, [9, 10], [nil, .all]), (10, [11], [nil]),
            // Calls that end at once tell it in any order.
            (7, [10, 8, 11, 9], [.all, nil, nil, nil]),
        ] as [(Int64, [Int64], [QuotaWarnings.Level?])])
    func `are given once each, by whichever process gets there`(
        _ found: Int64, _ counts: [Int64], _ told: [QuotaWarnings.Level?]
    ) {
        let warnings = QuotaWarnings()
        #expect(!warnings.knows(1))
        warnings.found(1, found, of: 10, month: "2026-11")
        #expect(warnings.knows(1) && !warnings.knows(2))
        // Others find it later, when it has been counted here.
        warnings.found(1, 10, of: 10, month: "2026-11")
        #expect(counts.map { warnings.reached(1, $0, of: 10, month: "2026-11") } == told)
    }

    @Test func `begin anew with the month, and with a limit that was raised`() {
        let warnings = QuotaWarnings()
        warnings.found(1, 10, of: 10, month: "2026-11")
        #expect(warnings.reached(1, 8, of: 10, month: "2026-12") == .most)
        #expect(warnings.reached(1, 9, of: 20, month: "2026-12") == nil)
        #expect(warnings.reached(1, 16, of: 20, month: "2026-12") == .most)
    }
}
