import Glibc
import Linux
import Rules

/// The command line: a subcommand, then `--name value`.
struct Options {
    var rounds = 7
    var seconds = 0.7
    var clients: [Int]?
    /// A small vault and a large one.
    var tenants = [10, 1000]
    var secrets = [1000, 100_000]
    /// Audit records there are before reads are measured.
    var records = 100_000
    /// Where vaults and sockets are made; decides the file system that is measured.
    var directory = Environment.value(of: "TMPDIR") ?? "/tmp"
    /// How many leases there are before the daemon is killed.
    var leases = 100_000
    /// How many ask at once in a storm.
    var callers = 1000
    /// How many watch at once.
    var watchers = 1000
    /// Those of a storm or exchange, all when not said.
    var platforms: [String]?
    /// Whether the vendors' SDKs are measured beside.
    var comparesSDKs = true
    var json = false
    var quiet = false

    init(_ arguments: ArraySlice<String>) throws(Problem) {
        var rest = arguments
        while let name = rest.popFirst() {
            if name == "--quiet" {
                quiet = true
                continue
            }
            if name == "--no-sdks" {
                comparesSDKs = false
                continue
            }
            guard let value = rest.popFirst() else { throw Self.usage("\(name) needs a value") }
            switch name {
            case "--rounds": rounds = try Self.read(name, value) { Int($0) }
            case "--seconds": seconds = try Self.read(name, value) { Double($0) }
            case "--clients": clients = try Self.read(name, value, Self.numbers)
            case "--tenants": tenants = try Self.read(name, value, Self.pair)
            case "--secrets": secrets = try Self.read(name, value, Self.pair)
            case "--records": records = try Self.read(name, value) { Int($0) }
            case "--leases": leases = try Self.read(name, value) { Int($0) }
            case "--watchers":
                watchers = try Self.read(name, value) { (1...1000).contains(Int($0) ?? 0) ? Int($0) : nil }
            case "--callers": callers = try Self.read(name, value) { Int($0) }
            case "--platforms":
                platforms = value.split(separator: ",").map(String.init)
            case "--dir": directory = value
            case "-o": json = try Self.read(name, value) { $0 == "json" ? true : $0 == "table" ? false : nil }
            default: throw Self.usage("there is no option \(name)")
            }
        }
        guard rounds > 0, seconds > 0, callers > 0, leases > 0 else {
            throw Self.usage("rounds, seconds, callers and leases are above 0")
        }
    }

    private static func numbers(_ text: String) -> [Int]? {
        let numbers = text.split(separator: ",").map { Int($0) ?? 0 }
        return numbers.isEmpty || numbers.contains { $0 <= 0 } ? nil : numbers
    }

    private static func pair(_ text: String) -> [Int]? {
        numbers(text).flatMap { $0.count == 2 ? $0 : nil }
    }

    /// Progress, on standard error.
    func note(_ text: String) {
        if !quiet { write(text + "\n", to: 2) }
    }

    private static func read<Value>(_ name: String, _ text: String, _ parse: (String) -> Value?) throws(Problem)
        -> Value
    {
        guard let value = parse(text) else { throw usage("\(text) is not a value of \(name)") }
        return value
    }

    static func usage(_ reason: String) -> Problem { Problem(.badRequest, reason, advice: "postern-bench --help") }
}

func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
}

/// A directory for one run.
struct TemporaryDirectory {
    let path: String

    init(in base: String) throws {
        var template = Array("\(base)/postern-bench-XXXXXX".utf8CString)
        guard let made = unsafe mkdtemp(&template) else { throw SystemError("mkdtemp", errno) }
        path = unsafe String(cString: made)
        // Other users must reach the sockets below.
        unsafe chmod(path, 0o711)
    }

    /// With all that is in it; whoever uses it has stopped.
    func remove() { try? shell("rm -rf \(path)") }
}
