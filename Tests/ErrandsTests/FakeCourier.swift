import Linux
import Rules
import Synchronization

@testable import Errands

/// Speaks the courier's side of the protocol on real sockets, from threads of the test.
final class FakeCourier: Sendable {
    /// What it does with an errand; nil ends the whole courier without an answer.
    typealias Carry = @Sendable (Errand) -> ErrandReply?

    let control: FileDescriptor
    private let carry: Carry
    private let ended = Mutex(false)
    private let passages = Mutex<[PassageStream]>([])
    /// Streams for calls through the gateway so far.
    var streams: Int { passages.withLock { $0.count } }

    private init(_ control: consuming FileDescriptor, _ carry: @escaping Carry) {
        self.control = control
        self.carry = carry
    }

    /// Makes one, shows it to `keep`, and returns what the keeper gets of it.
    static func start(
        _ carry: @escaping Carry, keep: (FakeCourier) -> Void
    ) throws(Problem) -> Courier.Started {
        do throws(SystemError) {
            let pair = try SocketPair(.messages)
            return try pair.split { near, far throws(SystemError) in
                let fake = FakeCourier(far, carry)
                try Thread.start(name: "fake") { fake.run() }
                keep(fake)
                return Courier.Started(control: near, pid: 4711)
            }
        } catch { throw error.problem(.courierUnavailable, doing: "start a fake courier") }
    }

    /// As if killed: everything it holds is closed.
    func die() {
        ended.withLock { $0 = true }
        control.shutDown()
    }

    /// Asks the keeper as the callback listener would.
    func ask(_ request: CallbackRequest) throws -> CallbackAnswer {
        let pair = try SocketPair(.stream)
        try Control.callback.send(on: control, with: pair.far.number)
        return try pair.split { near, far in
            _ = consume far
            try request.frame().send(on: near, until: .after(seconds: 30))
            return try CallbackAnswer(Frame.receive(on: near, until: .after(seconds: 60)))
        }
    }

    private func run() {
        do {
            try Control.ready(CourierReport(landlock: 4, seccomp: true)).send(on: control)
            while var received = try Control.receive(on: control) {
                guard let number = received.stream.take()?.release() else { return }
                let isPassage = received.control == .passage
                try Thread.start(name: "fake errand") {
                    if isPassage {
                        self.pass(FileDescriptor(owning: number))
                    } else {
                        self.serve(FileDescriptor(owning: number))
                    }
                }
            }
        } catch {}
    }

    /// Calls through the gateway: the URL's path says what comes of them. Like the courier, it reads no further call after
    /// one that failed or whose body it did not want; unlike it, it leaves the stream open.
    private func pass(_ stream: consuming FileDescriptor) {
        let stream = PassageStream(stream)
        passages.withLock { $0.append(stream) }
        do {
            while true {
                let ask = try PassageAsk(stream.receive(maxBody: Frame.maxBody, until: .never).head)
                let word = ask.url.split(separator: "/").last ?? ""
                let reply: PassageReply =
                    word == "closed"
                    ? .unreachable(.closed) : .answer(status: Int(word) ?? 200, headers: [], isWhole: true)
                try stream.send(Frame(head: reply.head), until: .after(seconds: 30))
                guard case .answer = reply, ask.body == .whole else { return }
            }
        } catch {}
    }

    private func serve(_ stream: consuming FileDescriptor) {
        do {
            let errand = try Errand(Frame.receive(on: stream, until: .after(seconds: 30)))
            try Taken.send(on: stream, until: .after(seconds: 30))
            guard let reply = carry(errand) else { return die() }
            guard !ended.withLock({ $0 }) else { return }
            try reply.frame().send(on: stream, until: .after(seconds: 30))
        } catch {}
    }
}

/// A keeper with fakes behind it, and a count of how many were started.
final class Household: Sendable {
    let courier: Courier
    private let fakes: Gate<[FakeCourier]>

    init(
        answer: @escaping Courier.Answer = { _ in .page(CallbackPage(.failed)) }, carry: @escaping FakeCourier.Carry
    ) {
        let fakes = Gate<[FakeCourier]>([])
        self.fakes = fakes
        courier = Courier(
            start: { () throws(Problem) in
                try FakeCourier.start(carry) { fake in
                    fakes.withLock { $0.append(fake) }
                    fakes.wakeAll()
                }
            }, answer: answer)
    }

    deinit { courier.stop() }

    var starts: Int { fakes.withLock { $0.count } }
    var newest: FakeCourier { fakes.withLock { $0[$0.count - 1] } }

    /// False when fewer than `count` were started within 10 s.
    func waitForStarts(_ count: Int) -> Bool {
        fakes.wait(until: .after(seconds: 30)) { $0.count >= count ? true : nil } ?? false
    }

    /// Errands and callbacks are plain functions that block; this runs some at once.
    static func atOnce<Value: Sendable>(_ count: Int, _ work: @escaping @Sendable (Int) -> Value) throws -> [Value] {
        let results = Gate<[Int: Value]>([:])
        for index in 0..<count {
            try Thread.start(name: "test \(index)") {
                let value = work(index)
                results.withLock { $0[index] = value }
                results.wakeAll()
            }
        }
        let all = results.wait(until: .after(seconds: 60)) { $0.count == count ? $0 : nil } ?? [:]
        return all.sorted { $0.key < $1.key }.map(\.value)
    }
}
