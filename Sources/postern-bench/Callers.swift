import FoundationEssentials
import Glibc
import Linux
import Rules
import Synchronization

/// Many callers that ask the same at one moment: threads of one process, or a process each.
///
/// `postern-bench callers SOCKET COUNT threads|processes PATH BODY` runs them in a process of its own, which has no
/// thread yet when it forks.
enum Callers {
    /// What a crowd got.
    struct Outcome: Codable {
        /// Each caller's `access_token`, or nothing.
        var tokens: [String?]
        /// The codes of those that got none.
        var problems: [String: Int]
        /// From the word go to the last answer.
        var seconds: Double
        /// When the median caller had its answer.
        var medianSeconds: Double
    }

    /// One caller's answer on its way to who counts.
    private struct Line: Codable {
        var token: String?
        var problem: String?
        var nanoseconds: Int64
    }

    /// Starts the program and reads what it says.
    static func run(
        _ socket: String, count: Int, inProcesses: Bool, path: String, body: String
    ) throws -> Outcome {
        let output = try SocketPair(.stream)
        let child = try ChildProcess.start(
            Program.path,
            ["callers", socket, String(count), inProcesses ? "processes" : "threads", path, body],
            descriptors: [1: output.far.number])
        let said = try output.split { near, far in
            _ = consume far
            return try near.readToEnd(atMost: 1 << 26)
        }
        guard try child.wait() == .exited(0) else { throw Problem(.internal, "the callers failed") }
        return try JSONDecoder().decode(Outcome.self, from: Data(said))
    }

    /// The program.
    static func main(_ arguments: [String]) throws {
        guard let count = Int(arguments[1]) else { throw Options.usage("callers is a number") }
        let request = Array(
            """
            POST \(arguments[3]) HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
            Content-Length: \(arguments[4].utf8.count)\r\n\r\n\(arguments[4])
            """.utf8)
        let lines =
            arguments[2] == "threads"
            ? try threads(count, arguments[0], request) : try processes(count, arguments[0], request)
        let times = Series(lines.map { Double($0.nanoseconds) * 1e-9 })
        let outcome = Outcome(
            tokens: lines.map(\.token),
            problems: lines.reduce(into: [:]) { counts, line in
                if let problem = line.problem { counts[problem, default: 0] += 1 }
            }, seconds: times.high, medianSeconds: times.median)
        write(String(decoding: try JSONEncoder().encode(outcome), as: UTF8.self) + "\n", to: 1)
    }

    private static func ask(_ connection: borrowing Connection, _ request: [UInt8], since begun: Int64) -> Line {
        let answer = connection.answer(to: request)
        let took = Clock.monotonicNanoseconds - begun
        guard let answer, let told = Told(answer.body) else {
            return Line(token: nil, problem: "no answer", nanoseconds: took)
        }
        let token = told["access_token"]?.text
        return Line(
            token: token, problem: token == nil ? told["code"]?.text ?? "status \(answer.status)" : nil,
            nanoseconds: took)
    }

    private static func threads(_ count: Int, _ socket: String, _ request: [UInt8]) throws -> [Line] {
        let ready = Gate(0)
        let go = Gate<Int64?>(nil)
        let lines = Mutex<[Line]>([])
        let crew = try (0..<count).map { _ in
            try Thread.start(name: "caller") {
                let connection = Connection(path: socket)
                ready.withLock { $0 += 1 }
                ready.wakeAll()
                guard let begun = go.wait({ $0 }) else { return }
                let line =
                    if let connection { ask(connection, request, since: begun) } else {
                        Line(token: nil, problem: "not connected", nanoseconds: 0)
                    }
                lines.withLock { $0.append(line) }
            }
        }
        _ = ready.wait(until: .after(seconds: 60)) { $0 == count ? true : nil }
        go.withLock { $0 = Clock.monotonicNanoseconds }
        go.wakeAll()
        for one in crew { one.join() }
        return lines.withLock { $0 }
    }

    private static func processes(_ count: Int, _ socket: String, _ request: [UInt8]) throws -> [Line] {
        let gate = try Pipe()
        let ready = try Pipe()
        let said = try Pipe()
        var crew: [ChildProcess] = []
        for _ in 0..<count {
            crew.append(
                try ChildProcess.fork {
                    gate.closeIn()
                    let connection = Connection(path: socket)
                    ready.write([0])
                    let begun = gate.readInteger()
                    var line = Line(token: nil, problem: "not connected", nanoseconds: 0)
                    if let connection { line = ask(connection, request, since: begun) }
                    // Shorter than PIPE_BUF, so that lines stay whole.
                    said.write(((try? JSONEncoder().encode(line)).map { Array($0) } ?? []) + [0x0A])
                    return 0
                })
        }
        said.closeIn()
        for _ in 0..<count { ready.readByte() }
        let begun = Clock.monotonicNanoseconds
        for _ in 0..<count { gate.write(integer: begun) }
        let text = said.readToEnd()
        for one in crew { try one.wait() }
        return try text.split(separator: 0x0A).map { try JSONDecoder().decode(Line.self, from: Data($0)) }
    }
}

/// A pipe(2) that forked copies share.
private struct Pipe {
    private let out: Int32
    private let into: Int32

    init() throws {
        var ends: [Int32] = [0, 0]
        guard unsafe pipe(&ends) == 0 else { throw SystemError("pipe", errno) }
        (out, into) = (ends[0], ends[1])
    }

    /// In who only reads, so that the end can come.
    func closeIn() { close(into) }

    func write(_ bytes: [UInt8]) { _ = unsafe Glibc.write(into, bytes, bytes.count) }

    func write(integer: Int64) {
        var integer = integer
        _ = unsafe Glibc.write(into, &integer, 8)
    }

    func readByte() {
        var byte: UInt8 = 0
        _ = unsafe read(out, &byte, 1)
    }

    /// Eight bytes come whole: they were written whole.
    func readInteger() -> Int64 {
        var integer: Int64 = 0
        _ = unsafe read(out, &integer, 8)
        return integer
    }

    func readToEnd() -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let got = unsafe read(out, &chunk, chunk.count)
            guard got > 0 else { return bytes }
            bytes += chunk[..<got]
        }
    }
}
