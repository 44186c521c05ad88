/// The names the log has defined since this process began, each by the seq of its record.
///
/// Bounded, so that whoever can choose names cannot make it grow: when full it starts anew, which only means that a
/// name is defined a second time.
struct NameTable {
    static let limit = 4096
    private(set) var seqs: [String: Int64] = [:]
    /// Names defined by the request that is being written, taken back if it fails.
    private var fresh: [String] = []

    subscript(name: String) -> Int64? { seqs[name] }

    mutating func define(_ name: String, seq: Int64) {
        if seqs.count >= Self.limit {
            seqs.removeAll(keepingCapacity: true)
            fresh.removeAll()
        }
        seqs[name] = seq
        fresh.append(name)
    }

    mutating func keep() {
        if !fresh.isEmpty { fresh.removeAll(keepingCapacity: true) }
    }

    mutating func takeBack() {
        for name in fresh { seqs[name] = nil }
        fresh.removeAll(keepingCapacity: true)
    }
}
