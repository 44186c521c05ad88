import Errands
import Linux
import Platforms
import Rules
import Sealing
import Testing
import Vault

@testable import Broker

@Suite struct `An answer to a refresh` {
    private let ground: Ground

    init() throws { ground = try Ground() }

    /// Puts an answer aside as a courier would, and lets the broker find it.
    private func putAside(_ ticket: String) throws {
        let reply = ErrandReply.answer(ErrandAnswer(status: 200, body: Ground.answer.body))
        let plain = try SpooledAnswer(ticket: ticket, frame: try reply.frame()).bytes()
        let sealed = SealedBox.seal(plain.span, to: try #require(Digest32(hex: ground.vault.spoolKey)))
        let folder = "\(ground.path)/vault/spool"
        let file = try FileDescriptor.open("\(folder)/answer", .write, creating: 0o644)
        try file.write(sealed)
        ground.broker.use(SpoolFolder(path: folder, directory: try Directory.open(folder)))
        #expect(try FileStatus.of("\(folder)/answer") == nil, "it was looked at")
    }

    @Test func `that was put aside is written`() throws {
        try putAside(try ground.broker.prove(try ground.begin()))
        #expect(try ground.token == "xoxe.xoxb-fake-new")
        #expect(try ground.leg.inFlight == nil)
    }

    /// The spool key is public, and whoever is in the courier's place can make files.
    @Test(arguments: ["", "/", "/forged-forged-forged-forged-forged-forged-forge"])
    func `that somebody else made is none`(_ proof: String) throws {
        try putAside(try ground.begin().text + proof)
        #expect(try ground.token == "xoxe.xoxb-fake-old")
        #expect(try ground.leg.inFlight != nil)
    }

    @Test func `that nobody waits for is none`() throws {
        try putAside(try ground.broker.prove(RefreshTicket(try ground.leg)))
        #expect(try ground.token == "xoxe.xoxb-fake-old")
    }

    @Test func `counts its life from when it was asked for`() throws {
        let ticket = try ground.begin(ago: 3_000_000)
        let began = try #require(try ground.leg.inFlightAt)
        _ = try ground.broker.conclude(ticket, ground.place, ground.app, .answered(Ground.answer), for: .next())
        #expect(try ground.leg.issuedAt == began)
        #expect(try ground.leg.expiresAt == began + 43_200_000)
    }

    @Test func `to what was disconnected meanwhile is ended at the platform`() throws {
        let ticket = try ground.begin()
        try ground.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.end(installation: ground.place.id)
        })
        #expect(try ground.vault.revocations(of: ground.app.id).isEmpty)
        _ = try ground.broker.conclude(ticket, ground.place, ground.app, .answered(Ground.answer), for: .next())
        let queued = try ground.vault.revocations(of: ground.app.id)
        #expect(queued.map(\.state) == [.pending])
        #expect(try ground.leg.state == .revoked)
        #expect(try ground.token == nil)
    }

    @Test func `that says how long to wait holds every leg of the app`() throws {
        let ticket = try ground.begin()
        let answer = PlatformAnswer(
            status: 429, headers: [HeaderField("retry-after", "30")], body: Array(#"{"ok":false}"#.utf8))
        _ = try ground.broker.conclude(ticket, ground.place, ground.app, .answered(answer), for: .next())
        try ground.change { leg, now in
            leg.healed(at: now)
            leg.expiresAt = now - 1
        }
        #expect(try ground.decision() == .fail(Problem(.platformUnreachable, "")))
    }
}

@Suite struct `A decision about a token` {
    private let ground: Ground

    init() throws { ground = try Ground() }

    @Test func `does not serve what the platform itself called dead`() throws {
        #expect(try ground.decision() == .serve)
        let failure = PlatformFailure(.reauth, "token_revoked", "the token was revoked")
        try ground.broker.noteRefused(try ground.leg, ground.app, failure, .next())
        #expect(try ground.decision() == .fail(Problem(.needsReauthorization, "")))
        #expect(try !ground.leg.canRefresh)
    }

    @Test func `serves to its own end what can only not be refreshed any more`() throws {
        try ground.change { leg, now in leg.died("REAUTH", "invalid_refresh_token", at: now) }
        #expect(try ground.decision() == .serve)
    }

    @Test func `makes a machine token again where its place is in use again`() throws {
        let place = ground.place
        try ground.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.storeLeg(
                .app, of: place, token: SecretBox("fake-machine-token"), refreshToken: nil, scope: [], expiresAt: nil,
                by: "test")
            _ = try transaction.end(installation: place.id)
        })
        #expect(try ground.decision(.app) == .fail(Problem(.needsReauthorization, "")))
        #expect(try ground.decision(.bot) == .fail(Problem(.needsReauthorization, "")))
        try ground.vault.change(always: { transaction throws(Problem) in
            _ = try transaction.installation(
                app: place.app, tenant: place.tenant, enterpriseID: "", teamID: place.teamID, teamName: "Acme",
                isEnterprise: false, userID: "", botUserID: place.botUserID)
        })
        #expect(try ground.decision(.app) == .renew)
        #expect(try ground.decision(.bot) == .fail(Problem(.needsReauthorization, "")))
    }
}
