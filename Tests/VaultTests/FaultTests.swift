import DurabilityVFS
import FoundationEssentials
import Glibc
import Linux
import Rules
import Synchronization
import Testing

@testable import Vault

/// A disk that fails or is full: nothing is acknowledged that is not there, and the vault goes on afterwards.
@Suite struct `When the disk` {
    private let disk = Disk()
    private let place: Place

    init() throws { place = try Place.new() }

    private func head(_ vault: Vault) -> VaultState { vault.core.committed.withLock { $0 } }

    private enum Fault: Sendable { case write, sync }

    @Test(
        arguments: [
            (.write, 1), (.write, 2), (.write, 3), (.write, 4), (.write, 6), (.write, 9), (.sync, 1),
        ] as [(Fault, Int)])
    private func `fails at the n-th call the whole group fails and the next one works`(
        _ fault: Fault, _ count: Int
    ) throws {
        do {
            let vault = try place.open(.init(vfs: disk.name))
            #expect(try vault.record(note()))
            let before = head(vault)
            let lost = (0..<12).map { index in
                index % 3 == 0
                    ? WriteJob.change { transaction throws(Problem) in
                        _ = try transaction.addTenant(slug("lost-\(index)"), title: "")
                        try transaction.record(note("lost"))
                    } : .record(note("lost"))
            }
            switch fault {
            case .write: disk.failWrite(count)
            case .sync: disk.failSync(count)
            }
            vault.core.commit(lost)
            for job in lost { #expect(job.failure?.code == .auditUnavailable) }
            #expect(vault.trouble?.code == .auditUnavailable)
            #expect(head(vault) == before)
            #expect(vault.policy.tenants.isEmpty)

            let next = [WriteJob.record(note("next")), .record(note("next"))]
            vault.core.commit(next)
            for job in next { #expect(job.isDone) }
            #expect(vault.trouble == nil)
            #expect(try vault.verifyAudit().damage == nil)
            disk.cutPower(losing: .all)
        }
        disk.restorePower()
        let vault = try place.open()
        try vault.checkTables()
        #expect(try vault.verifyAudit().damage == nil)
        let actions = try vault.events().map(\.entry.action)
        #expect(actions.filter { $0 == "next" }.count == 2)
        #expect(!actions.contains("lost"))
    }

    @Test func `fails for good everything is refused by name, and reading goes on`() throws {
        let vault = try place.open(.init(vfs: disk.name))
        let tenant = try vault.change(always: { transaction throws(Problem) in
            try transaction.addTenant(slug("acme"), title: "")
        })
        disk.failSync(1, lasting: true)
        for _ in 0..<3 {
            let problem = #expect(throws: Problem.self) { _ = try vault.record(note()) }
            #expect(problem?.code == .auditUnavailable)
            let revoking = #expect(throws: Problem.self) {
                try vault.change(
                    isRevoking: true,
                    always: { transaction throws(Problem) in
                        try transaction.setStanding(.suspended, of: tenant.id)
                    })
            }
            #expect(revoking?.code == .auditUnavailable)
        }
        #expect(vault.policy.tenants[tenant.id]?.tenant.state == .active)
        #expect(try vault.events().count == 1)
        disk.failSync(0)
        // The revocations have spent the reserve; until it is made again only they are recorded.
        vault.keepHouse(minute: false)
        #expect(try vault.record(note()))
    }

    /// In one group: what gives is refused, what takes away is carried out on its own and in what room there is.
    @Test func `is full what takes away still goes through and the ballast is given up`() throws {
        let vault = try place.open(.init(vfs: disk.name))
        let tenant = try vault.change(always: { transaction throws(Problem) in
            try transaction.addTenant(slug("acme"), title: "")
        })
        #expect(vault.hasBallast)
        let epoch = vault.policy.epoch
        disk.setSpace(60_000)
        let large = String(repeating: "x", count: 200_000)
        let group = [
            WriteJob.record(), .record(note(large)),
            .change(isRevoking: true) { transaction throws(Problem) in
                try transaction.setStanding(.suspended, of: tenant.id)
                try transaction.record(note("tenant.suspend"))
            },
            .change(isRevoking: true) { _ throws(Problem) in throw Problem(.notFound, "nothing to revoke") },
        ]
        vault.core.commit(group)
        #expect(group[0].failure?.code == .auditUnavailable)
        #expect(group[1].failure?.code == .auditUnavailable)
        #expect(group[2].isDone)
        #expect(group[3].failure?.code == .notFound)
        #expect(!vault.hasBallast)
        #expect(vault.policy.epoch > epoch)
        #expect(vault.policy.tenants[tenant.id]?.tenant.state == .suspended)
        disk.setSpace(nil)
        vault.keepHouse(minute: false)
        #expect(try vault.record(note("room")))
        #expect(vault.trouble == nil)
        #expect(vault.hasBallast)
        #expect(try vault.verifyAudit().damage == nil)
        #expect(try vault.events().map(\.entry.action).suffix(2) == ["tenant.suspend", "room"])
    }
}

/// A file system of 40 MB, for a disk that is really full.
@Suite(.enabled(if: getuid() == 0, "mounting a small file system needs root"))
struct `A full file system` {
    @Test func `still lets revocations through, and everything once there is room`() throws {
        let small = try Mount(megabytes: 40)
        let place = try Place.new(in: small.path + "/state")
        let vault = try place.open()
        let (service, grants) = try vault.change(always: { transaction throws(Problem) in
            let service = try transaction.addService(slug("bridge"), selectors: [.uid(1001)])
            var grants: [Int64] = []
            for _ in 0..<20 {
                let pattern = GrantPattern(tenant: nil, platform: nil, appID: nil)
                grants.append(
                    try transaction.addGrant(
                        to: service.id, pattern: pattern, actions: [.deliverToken], methods: [], scope: [],
                        maxTTL: Interval(seconds: 60), by: "uid:0"
                    ).id)
            }
            return (service, grants)
        })
        try small.fill()
        var refused: Problem?
        for _ in 0..<100_000 where refused == nil {
            do throws(Problem) { _ = try vault.record(note(String(repeating: "y", count: 3000))) } catch {
                refused = error
            }
        }
        #expect(refused?.code == .auditUnavailable)
        #expect(vault.trouble?.code == .auditUnavailable)
        #expect(vault.hasBallast)
        for grant in grants {
            let removed = try vault.change(
                isRevoking: true,
                always: { transaction throws(Problem) in
                    try transaction.record(note("grant.remove"))
                    return try transaction.removeGrant(grant)
                })
            #expect(removed.id == grant)
        }
        #expect(vault.policy.grants[service.id] == nil)
        try small.empty()
        vault.keepHouse(minute: false)
        #expect(try vault.record(note("room")))
        #expect(vault.hasBallast)
        #expect(try vault.verifyAudit().damage == nil)
        try vault.checkTables()
        #expect(try vault.events().filter { $0.entry.action == "grant.remove" }.count == 20)
    }
}

/// A tmpfs for as long as a test lasts.
private final class Mount {
    let path: String

    init(megabytes: Int) throws {
        var template = Array("/tmp/postern-mount-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { fatalError("no temporary folder") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try #require(unsafe mount("tmpfs", path, "tmpfs", 0, "size=\(megabytes)m") == 0)
    }

    deinit {
        // Connections to files in it may live a moment longer.
        _ = unsafe umount2(path, Int32(MNT_DETACH))
        unsafe rmdir(path)
    }

    /// Takes all the room that is left.
    func fill() throws {
        let file = try FileDescriptor.open(path + "/filler", .write, creating: 0o600, followingLinks: false)
        let block = [UInt8](repeating: 1, count: 64 * 1024)
        while (try? file.write(block)) != nil {}
    }

    func empty() throws { try FileManager.default.removeItem(atPath: path + "/filler") }
}
