import Errands
import FoundationEssentials
import Linux
import Rules
import Sealing
import Testing

/// An answer that can be had only once, and a keeper that does not say that it has it.
@Suite struct `An answer that must not be lost` {
    private let platform: LoopbackPlatform
    private let scratch: Scratch
    private let courier: LiveCourier
    private let slots = KeySlots()
    private let key: BoxKey

    init() throws {
        platform = try LoopbackPlatform()
        scratch = try Scratch()
        try Directory.make(scratch.file("spool"), mode: 0o700)
        courier = try LiveCourier(spool: scratch.file("spool"))
        key = slots.addBoxKey()
    }

    private var files: [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: scratch.file("spool"))) ?? []
    }

    private func errand(_ path: String = "/bytes?n=20", ticket: String = "13/bot/4") -> Errand {
        var errand = Errand(method: "GET", url: platform.url(path), timeoutSeconds: 10)
        errand.spool = Errand.Spool(publicKey: key.publicKey.hex, ticket: ticket)
        return errand
    }

    private func opened(_ name: String) throws -> SpooledAnswer {
        let sealed = try FileDescriptor.open(scratch.file("spool/\(name)"), .read).readToEnd(atMost: 1 << 20)
        let slab = Slab()
        slab.reserve(sealed.count)
        try slots.openBox(sealed.span, with: key, into: slab)
        return try SpooledAnswer([UInt8](copying: slab.span))
    }

    @Test func `is forgotten when the keeper has kept it`() throws {
        courier.keeper.attempt(errand()) { outcome in outcome.answer?.status == 200 }
        // The next errand comes after it on the same courier; nothing was put aside meanwhile.
        #expect(courier.get(platform.url("/bytes?n=1")).answer?.status == 200)
        #expect(files == [])
    }

    @Test func `is put aside, sealed to the vault, when the keeper has not`() throws {
        courier.keeper.attempt(errand()) { _ in false }
        #expect(eventually { !courier.log.split(separator: "answer_put_aside").dropFirst().isEmpty })
        let name = try #require(files.first)
        #expect(files.count == 1)
        let answer = try opened(name)
        #expect(answer.ticket == "13/bot/4")
        guard case .answer(let reply) = try ErrandReply(answer.reply) else { throw NotThere() }
        #expect(reply.status == 200 && reply.body == [UInt8](repeating: 0x61, count: 20))
        let bytes = try FileDescriptor.open(scratch.file("spool/\(name)"), .read).readToEnd(atMost: 1 << 20)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("aaaa"))
        #expect(try FileStatus.of(scratch.file("spool/\(name)"))?.mode == 0o644)
    }

    @Test func `is put aside when the keeper is gone, and only then the courier ends`() throws {
        let asked = try Thread.start(name: "keeper") { courier.keeper.attempt(errand("/slow")) { _ in false } }
        #expect(eventually { platform.requests.contains { $0.contains("/slow") } })
        courier.keeper.stop()
        asked.join()
        #expect(try courier.newest.wait() == .exited(0))
        let answer = try opened(try #require(files.first))
        guard case .answer(let reply) = try ErrandReply(answer.reply) else { throw NotThere() }
        #expect(reply.status == 200)
    }

    @Test func `says so when the platform could not be reached`() throws {
        var lost = errand()
        lost.url = "http://127.0.0.1:1/"
        courier.keeper.attempt(lost) { _ in false }
        #expect(eventually { files.count == 1 && courier.log.contains("answer_put_aside") })
        guard case .unreachable(.connect) = try ErrandReply(try opened(try #require(files.first)).reply) else {
            throw NotThere()
        }
    }

    @Test func `is left alone when it may be lost`() throws {
        var plain = errand()
        plain.spool = nil
        courier.keeper.attempt(plain) { _ in false }
        #expect(courier.get(platform.url("/bytes?n=1")).answer?.status == 200)
        #expect(files == [])
    }
}

/// Something that is not there.
private struct NotThere: Error {}
