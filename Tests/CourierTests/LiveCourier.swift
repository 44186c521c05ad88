import Errands
import Glibc
import Linux
import Rules
import Synchronization

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

    /// - Parameter environment: `NAME=value` entries besides ours.
    init(
        callbacks: String = "off", environment: [String] = [],
        answer: @escaping Courier.Answer = { _ in .page(CallbackPage(.failed)) }
    ) throws {
        scratch = try Scratch()
        let log = scratch.file("log")
        let children = children
        keeper = Courier(
            start: { () throws(Problem) in
                do throws(SystemError) {
                    let log = try FileDescriptor.open(log, .append, creating: 0o600)
                    let pair = try SocketPair(.messages)
                    let child = try ChildProcess.start(
                        Program.sibling("postern-courier"), ["--callback-listen", callbacks],
                        environment: Environment.all + environment, descriptors: [2: log.number, 3: pair.far.number])
                    children.add(child)
                    return pair.split { near, _ in Courier.Started(control: near, pid: child.pid) }
                } catch { throw error.problem(.courierUnavailable, doing: "start postern-courier") }
            }, answer: answer)
        try keeper.begin()
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
