import Platforms
import Rules
import Testing
import Vault

@testable import Broker

@Suite struct `Events that wait to be acted on` {
    private let ground: Ground
    private let other: App

    init() throws {
        ground = try Ground()
        let key = AppKey(.slack, try #require(AppID("A0FAKE0002")))
        let tenant = ground.app.tenant
        other = try ground.vault.change(always: { transaction throws(Problem) in
            try transaction.addApp(
                key, tenant: tenant, profile: "slack", claim: .proven, fields: [:], redirectURIs: [])
        })
    }

    private func event(_ app: App, _ number: Int64 = 0) -> EventInbox.Event {
        .init(
            app: app, news: .life(.uninstalled(Place(teamID: "T0FAKE", name: nil), at: nil), isWeak: false),
            since: number)
    }

    @Test func `are 32 of an app at most, those put off among them, and another app's are its own`() {
        let inbox = EventInbox()
        let taken = (0..<40).map { inbox.add(event(ground.app), later: $0 % 2 == 0) }
        #expect(taken == (0..<40).map { $0 < EventInbox.most })
        #expect(inbox.add(event(other)))
        _ = inbox.next()
        #expect(inbox.add(event(ground.app)) && !inbox.add(event(ground.app)))
    }

    @Test func `take turns by app, the oldest of each first`() {
        let inbox = EventInbox()
        for number in 0..<3 { _ = inbox.add(event(ground.app, Int64(number))) }
        for number in 10..<12 { _ = inbox.add(event(other, Int64(number))) }
        var order: [Int64] = []
        while let next = inbox.next() { order.append(next.since) }
        #expect(order == [0, 10, 1, 11, 2])
        #expect(inbox.isEmpty)
    }

    @Test func `come back once a round begins, not before`() {
        let inbox = EventInbox()
        _ = inbox.add(event(ground.app), later: true)
        #expect(inbox.next() == nil && !inbox.isEmpty)
        inbox.beginRound()
        #expect(inbox.next() != nil && inbox.isEmpty)
    }

    @Test func `and are too many are dropped on the record`() throws {
        let broker = ground.broker
        for _ in 0..<EventInbox.most { #expect(broker.inbox.add(event(ground.app), later: true)) }
        let text =
            #"{"type":"event_callback","api_app_id":"A0FAKE0001","team_id":"T0FAKE0001","event":{"type":"app_uninstalled"}}"#
        broker.act(on: Array(text.utf8), of: ground.app, isWeak: false)
        var filter = AuditFilter()
        filter.action = "event.drop"
        let dropped = try ground.vault.audit(filter)
        #expect(dropped.map(\.entry.reason) == ["too_many"])
        #expect(try #require(try ground.vault.installation(ground.place.id)).state == .active)
    }
}
