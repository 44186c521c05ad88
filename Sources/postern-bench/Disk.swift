import Linux

/// Appends and syncs on the file system of a directory: the price of one durable record when nobody shares it.
final class Disk {
    private let file: FileDescriptor
    private let record = [UInt8](repeating: 0x5a, count: 4096)

    init(in directory: String) throws {
        file = try FileDescriptor.open(directory + "/sync", .append, creating: 0o600)
    }

    func run(seconds: Double) throws -> Outcome {
        var outcome = Outcome()
        let begun = Clock.monotonicNanoseconds
        var now = begun
        while now - begun < Int64(seconds * 1e9) {
            try file.write(record)
            let written = Clock.monotonicNanoseconds
            try file.syncData()
            now = Clock.monotonicNanoseconds
            outcome.latencies.add(now - written)
        }
        outcome.seconds = Double(now - begun) / 1e9
        return outcome
    }
}
