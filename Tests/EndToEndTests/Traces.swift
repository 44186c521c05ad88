import Testing

@testable import postern_sim

/// Secrets that pass through a stand's keeper and courier, and what is left of them where nothing may be (design,
/// section 3).
struct Traces {
    private let stand: Stand
    private let courier: Int32
    /// How many threads each process has when nothing is under way.
    private let idle: (keeper: Int, courier: Int)
    private(set) var secrets: [(name: String, value: String)] = []

    /// Before the first secret passes.
    init(of stand: Stand) throws {
        self.stand = stand
        var pid: Int64?
        _ = try eventually {
            if case .integer(let number)? = try stand.must("GET", "status")["courier"]?["pid"] { pid = number }
            // Its listeners' threads start after its first word to the keeper.
            return pid != nil && stand.log.contains("courier_ready")
        }
        courier = Int32(try #require(pid, "no courier: \(stand.log.suffix(1000))"))
        idle = (MemoryScan.threads(of: stand.pid), MemoryScan.threads(of: courier))
    }

    /// One of which nothing may be left; long and random enough that it is nowhere by chance.
    mutating func add(_ name: String, _ value: String?) throws {
        secrets.append((name, try #require(value, "\(name)")))
    }

    /// Waits until each process has only the threads it had.
    func isQuiet() -> Bool {
        eventually {
            MemoryScan.threads(of: stand.pid) <= idle.keeper + 1 && MemoryScan.threads(of: courier) <= idle.courier
        }
    }

    /// What stands in the memory of the two processes now; nothing where we may not look.
    func inMemory() -> [String] {
        guard Shell.isRoot else { return [] }
        let all = secrets.flatMap { MemoryScan.forms(of: $0.value) }
        var found: [String] = []
        for (process, pid) in [("posternd", stand.pid), ("postern-courier", courier)]
        where MemoryScan.regions(of: pid, with: all) != [] {
            for (name, value) in secrets {
                let regions = MemoryScan.regions(of: pid, with: MemoryScan.forms(of: value))
                if regions != [] { found.append("\(name) in \(process): \(regions?.prefix(3) ?? ["unreadable"])") }
            }
        }
        return found
    }

    /// What stands in the stand's files, its log and the export of its audit log.
    func inFiles() throws -> [String] {
        let export = try stand.records().map { String(decoding: $0.bytes, as: UTF8.self) }.joined()
        try #require(export.utf8.count > 1000)
        var places = [("audit export", Array(export.utf8))]
        let files = try Shell.run("/usr/bin/find", [stand.path, "-type", "f", "-not", "-name", "ballast"]).output
        for path in files.split(separator: "\n").map(String.init) { places.append((path, Shell.bytes(of: path))) }
        for place in ["vault.db", "vault.db-wal", "anchors", "log"] {
            try #require(places.contains { $0.0.hasSuffix("/\(place)") && !$0.1.isEmpty }, "no \(place)")
        }
        return places.flatMap { place, bytes in
            secrets.compactMap { name, value in
                MemoryScan.contains(any: MemoryScan.forms(of: value), bytes, count: bytes.count)
                    ? "\(name) in \(place)" : nil
            }
        }
    }
}
