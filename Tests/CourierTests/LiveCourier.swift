import Errands
import Glibc
import Linux
import Rules
import Synchronization
import Testing

/// The real program on a real control channel, with the test as its keeper.
final class LiveCourier: Sendable {
    let keeper: Courier
    private let scratch: Scratch
    private let children = Children()

    /// The processes started so far.
    final class Children: Sendable {
        private let list = Mutex<[ChildProcess]>([])

        func add(_ child: ChildProcess) { list.withLock { $0.append(child) } }
        var all: [ChildProcess] { list.withLock { $0 } }
    }

    /// - Parameters:
    ///   - environment: `NAME=value` entries before ours: the first of a name counts.
    ///   - user: who it runs as; needs root. nil is who we are.
    ///   - spool: the directory it puts answers aside in.
    init(
        callbacks: String = "off", environment: [String] = [], user: String? = nil,
        spool: String? = nil,
        answer: @escaping Courier.Answer = { _ in .page(CallbackPage(.failed)) }
    ) throws {
        scratch = try Scratch()
        let (log, output) = (scratch.file("log"), scratch.file("output"))
        let call = try Self.call(scratch, user) + ["--callback-listen", callbacks] + (spool == nil ? [] : ["--spool"])
        let children = children
        keeper = Courier(
            start: { () throws(Problem) in
                do throws(SystemError) {
                    let log = try FileDescriptor.open(log, .append, creating: 0o600)
                    let pair = try SocketPair(.messages)
                    let output = try FileDescriptor.open(output, .append, creating: 0o600)
                    var descriptors: [Int32: Int32] = [1: output.number, 2: log.number, 3: pair.far.number]
                    let directory = try spool.map { path throws(SystemError) in try Directory.open(path).release() }
                    defer { if let directory { _ = FileDescriptor(owning: directory) } }
                    if let directory { descriptors[4] = directory }
                    let child = try ChildProcess.start(
                        call[0], Array(call.dropFirst()), environment: environment + Environment.all,
                        descriptors: descriptors)
                    children.add(child)
                    return pair.split { near, _ in Courier.Started(control: near, pid: child.pid) }
                } catch { throw error.problem(.courierUnavailable, doing: "start postern-courier") }
            }, answer: answer)
        try keeper.begin()
        // Its listeners' threads start after its first word.
        try #require(eventually { self.log.contains("courier_ready") })
    }

    /// The program and who runs it; another user gets a copy where it can reach it.
    private static func call(_ scratch: Scratch, _ user: String?) throws -> [String] {
        let program = Program.sibling("postern-courier")
        guard let user else { return [program] }
        Shell.run("/bin/chmod", ["755", scratch.path])
        Shell.run("/bin/cp", [program, scratch.file("postern-courier")])
        return [
            "/usr/bin/setpriv", "--reuid=\(user)", "--regid=nogroup", "--clear-groups", "--",
            scratch.file("postern-courier"),
        ]
    }

    deinit {
        keeper.stop()
        for child in children.all {
            child.send(signal: SIGKILL)
            _ = try? child.wait()
        }
    }

    var starts: Int { children.all.count }
    var newest: ChildProcess { children.all[starts - 1] }
    /// All it has written to standard error.
    var log: String { scratch.text("log") }
    /// All it has written to standard output.
    var output: String { scratch.text("output") }
    /// Where its callback listener answers.
    var callback: String { keeper.report?.callback ?? "" }

    func get(_ url: String, limit: Int = Frame.maxBody) -> Courier.Outcome {
        keeper.attempt(Errand(method: "GET", url: url, timeoutSeconds: 10, maxAnswerBytes: limit))
    }
}

extension Courier.Outcome {
    var answer: ErrandAnswer? {
        if case .answered(let answer) = self { return answer }
        return nil
    }

    /// The reason of an unreachable platform, in the words of `Unreachable`.
    var unreachable: Unreachable? {
        guard case .failed(let problem, _) = self, problem.code == .platformUnreachable else { return nil }
        return Unreachable.allCases.first { problem.reason.contains($0.reason) }
    }
}
