import Linux
import Testing

@testable import postern_sim

@Suite struct `Five thousand connections` {
    @Test(.enabled(if: Shell.isRoot, "\(needsRoot)"))
    func `of one user leave room for the others, and are refused by name`() throws {
        Hardening.raiseDescriptorLimit(to: 16_384)
        let stand = try Stand().start()
        try stand.furnish()
        var held: [Wire] = []
        var refused = 0
        for _ in 0..<5000 {
            // One that is turned away may find the door closed already.
            guard let wire = try? Wire(stand.brokerSocket, uid: 1002) else {
                refused += 1
                continue
            }
            held.append(wire)
        }
        // The service whose user does not crowd is served all the while.
        #expect(try stand.read("signing_secret").status == 200)
        #expect(try stand.admin("GET", "status").status == 200)
        var codes: [String: Int] = [:]
        for wire in held.suffix(500) {
            let reply = try? wire.call("GET", "/v1/self")
            codes[reply?.code ?? "closed", default: 0] += 1
        }
        #expect(codes["denied", default: 0] == 0, "\(codes)")
        #expect(refused + codes["too_many_connections", default: 0] + codes["closed", default: 0] > 0, "\(codes)")
        for wire in held { wire.hangUp() }
        held = []
        #expect(try eventually { try stand.broker("GET", "self", uid: 1002).code == "denied" })
    }
}
