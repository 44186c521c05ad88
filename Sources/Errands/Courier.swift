package import Linux
package import Rules
internal import Synchronization

/// The keeper's end of the one process that talks to the network: starts it, hands it errands, hears its callbacks.
///
/// When the courier dies, errands under way fail with `.courierUnavailable`; a new one is started at once, because its
/// callback listener serves people who wait for no errand of ours.
package final class Courier: Sendable {
    /// A courier process that was just started.
    package struct Started: ~Copyable, Sendable {
        /// Our end of its SEQPACKET pair.
        let control: FileDescriptor
        let pid: Int32

        /// A courier that was started: our end of its control channel, and its process.
        package init(control: consuming FileDescriptor, pid: Int32) {
            self.control = control
            self.pid = pid
        }
    }

    /// Starts a courier, or throws `.courierUnavailable`. Called on any thread, never twice at once.
    package typealias Start = @Sendable () throws(Problem) -> Started
    /// Judges one callback; called on a thread of its own, at most `maxCallbacks` at once.
    package typealias Answer = @Sendable (CallbackRequest) -> CallbackAnswer

    /// More callbacks than this at once are answered "too many" without asking `Answer`.
    package static let maxCallbacks = 64
    /// More errands than this at once end as `.rateLimited`.
    package static let maxErrands = 1024
    /// Of those, calls through the gateway: they last as long as a platform and a client like, and a refresh that waited
    /// behind them would be late.
    package static let maxPassages = 768
    /// Of those, one service's.
    package static let maxPassagesOfOne = 256

    /// One courier process, from its start to its end.
    final class Link: Sendable {
        let control: FileDescriptor
        let pid: Int32
        let report: CourierReport
        let lanes = Lanes()

        init(control: consuming FileDescriptor, pid: Int32, report: CourierReport) {
            self.control = control
            self.pid = pid
            self.report = report
        }
    }

    private struct State {
        var link: Link?
        var stopped = false
        /// Calls through the gateway included.
        var errands = 0
        /// Calls through the gateway, by service.
        var passages: [Int64: Int] = [:]
        var callbacks = 0
    }

    private let start: Start
    private let answer: Answer
    private let gateway: GatewayDesk?
    private let state = Gate(State())
    private let starts = Mutex(StartHistory())

    /// Nothing is started yet; `begin` or the first errand does. Without `gateway` no call of the loopback listener is
    /// answered.
    package init(start: @escaping Start, answer: @escaping Answer, gateway: GatewayDesk.Answer? = nil) {
        self.start = start
        self.answer = answer
        self.gateway = gateway.map(GatewayDesk.init)
    }

    /// Starts the first courier, so that the callback listener is there before the first errand. Throws
    /// `.courierUnavailable` when it does not come up.
    package func begin() throws(Problem) { _ = try link() }

    /// True while a courier that reported ready is there.
    package var isRunning: Bool { report != nil }

    /// The running courier's process id.
    package var pid: Int32? { state.withLock { $0.link?.pid } }

    /// What the running courier said about itself: listener, confinement, warnings.
    package var report: CourierReport? { state.withLock { $0.link?.report } }

    /// Ends the courier and starts no other. Errands under way fail.
    package func stop() {
        let last = state.withLock { state in
            state.stopped = true
            return state.link.take()
        }
        last?.control.shutDown()
        state.wakeAll()
    }
}

// MARK: Errands

extension Courier {
    /// One of the errands there may be at once, for as long as this lives.
    package final class Turn: Sendable {
        private let courier: Courier
        private let service: Int64?

        fileprivate init(_ courier: Courier, _ service: Int64?) {
            self.courier = courier
            self.service = service
        }

        deinit {
            courier.state.withLock { state in
                state.errands -= 1
                guard let service, let count = state.passages[service] else { return }
                state.passages[service] = count > 1 ? count - 1 : nil
            }
        }
    }

    /// A turn for a call of this service through the gateway. `rate_limited` where there are as many as there may be.
    package func turn(of service: Int64) throws(Problem) -> Turn { try turn(service) }

    private func turn(_ service: Int64? = nil) throws(Problem) -> Turn {
        let refusal: String? = state.withLock { state in
            guard state.errands < Self.maxErrands else { return Self.tooMany }
            if let service {
                let mine = state.passages[service] ?? 0
                guard mine < Self.maxPassagesOfOne else {
                    return "This service has \(mine) calls to platforms under way, which is all it may have at once."
                }
                guard state.passages.values.reduce(0, +) < Self.maxPassages else { return Self.tooMany }
                state.passages[service] = mine + 1
            }
            state.errands += 1
            return nil
        }
        if let refusal { throw Problem(.rateLimited, refusal, advice: "Try again.", retryAfter: 1) }
        return Turn(self, service)
    }

    private static let tooMany = "Too many requests to platforms are under way."

    /// Lets streams go that no call has used for a while, and answers whose client is gone: called once a second.
    package func prunePassages() {
        state.withLock { $0.link }?.lanes.prune()
        gateway?.prune()
    }

    /// How an errand ended, for callers who spend something that can be spent once.
    package enum Outcome: Sendable {
        case answered(ErrandAnswer)
        /// `mayHaveBeenSent`: the platform may have acted although no answer came back.
        case failed(Problem, mayHaveBeenSent: Bool)
    }

    /// Carries one errand and waits for its answer. Problems: `.platformUnreachable`, `.courierUnavailable`,
    /// `.rateLimited`, `.tooLarge`, `.badRequest`. Many threads may call at once.
    package func carry(_ errand: Errand) throws(Problem) -> ErrandAnswer {
        switch attempt(errand) {
        case .answered(let answer): return answer
        case .failed(let problem, _): throw problem
        }
    }

    /// Like `carry`, and says whether a failed errand may have reached the platform.
    package func attempt(_ errand: Errand) -> Outcome {
        var ended: Outcome?
        attempt(errand) { outcome in
            ended = outcome
            return true
        }
        return ended ?? .failed(Self.ended, mayHaveBeenSent: true)
    }

    /// Carries one errand and calls `keep` once with how it ended. Until `keep` says true, the courier puts the answer of
    /// an errand with a spool aside where the next keeper finds it.
    package func attempt(_ errand: Errand, keeping keep: (Outcome) -> Bool) {
        let turn: Turn
        do throws(Problem) { turn = try self.turn() } catch {
            _ = keep(.failed(error, mayHaveBeenSent: false))
            return
        }
        defer { withExtendedLifetime(turn) {} }

        var sent = false
        var isTold = false
        do throws(Problem) {
            try exchange(errand, &sent) { reply in
                isTold = true
                switch reply {
                case .answer(let answer): return keep(.answered(answer))
                case .unreachable(let why):
                    return keep(.failed(why.problem, mayHaveBeenSent: why.mayHaveBeenSent))
                }
            }
        } catch {
            guard !isTold else { return }
            _ = keep(.failed(error.code == .stopping || !sent ? error : Self.ended, mayHaveBeenSent: sent))
        }
    }

    /// One errand over one stream; `sent` becomes true once the courier has taken it.
    private func exchange(
        _ errand: Errand, _ sent: inout Bool, _ keep: (ErrandReply) -> Bool
    ) throws(Problem) {
        let frame = try errand.frame()
        // The courier ends the errand by itself in time; the rest is for a courier that hangs.
        let deadline = Deadline.after(seconds: Int64(errand.timeoutSeconds) + 5)
        let stream: FileDescriptor
        do throws(Problem) { stream = try hand(frame, until: deadline) } catch {
            // A courier that takes the errand in the moment we give up goes on with it.
            sent = deadline.hasPassed
            throw error
        }
        sent = true
        // The courier counts its time from here.
        let answered = Deadline.after(seconds: Int64(errand.timeoutSeconds) + 5)
        let reply = try ErrandReply(try Frame.receive(on: stream, maxBody: errand.maxAnswerBytes, until: answered))
        guard keep(reply), errand.spool != nil else { return }
        try Kept.send(on: stream, until: .after(seconds: 5))
    }

    /// Hands the errand to the courier there is, or to the next one.
    private func hand(_ frame: Frame, until deadline: Deadline) throws(Problem) -> FileDescriptor {
        let first = try link()
        do throws(Problem) { return try hand(frame, to: first, until: deadline) } catch {
            // Not taken, so nothing was sent and trying again is safe: this courier is about to be known as dead.
            guard error.code == .courierUnavailable, hasEnded(first) else { throw error }
            return try hand(frame, to: try link(), until: deadline)
        }
    }

    /// Gives the courier one end of a fresh stream and the errand on it; returns once the courier says that it has the
    /// whole errand. Until it says so it does nothing, and it does nothing if nobody hears it say so.
    private func hand(_ frame: Frame, to link: Link, until deadline: Deadline) throws(Problem) -> FileDescriptor {
        let pair: SocketPair
        do { pair = try SocketPair(.stream) } catch {
            throw error.problem(.courierUnavailable, doing: "open a stream to the courier")
        }
        try Control.carry.send(on: link.control, with: pair.far.number)
        return try pair.split { near, far throws(Problem) in
            // Only the courier has it now, so that its end is seen here.
            _ = consume far
            try frame.send(on: near, until: deadline)
            try Taken.receive(on: near, until: deadline)
            return near
        }
    }

    /// Waits a moment for the end of a courier that did not take an errand; false when it lives on.
    func hasEnded(_ link: Link) -> Bool {
        state.wait(until: .after(seconds: 1)) { $0.link !== link ? true : nil } ?? false
    }

    private static let ended = Problem(
        .courierUnavailable, "The courier ended before the platform's answer was there.",
        advice: "Try again; a new courier is started.")
}

// MARK: One courier after another

extension Courier {
    /// The running courier, or a new one.
    func link() throws(Problem) -> Link {
        if let link = try running() { return link }
        return try starts.withLock { history throws(Problem) -> Link in
            if let link = try running() { return link }
            guard history.mayStart(now: Clock.bootMilliseconds) else {
                throw Problem(
                    .courierUnavailable, "The courier ended several times in a row.",
                    advice: "See the daemon's log for its last words; the next attempt is made within seconds.")
            }
            return try open()
        }
    }

    private func running() throws(Problem) -> Link? {
        let (link, stopped) = state.withLock { ($0.link, $0.stopped) }
        if stopped { throw Self.stopping }
        return link
    }

    /// Starts a courier, waits until it says that it is confined and ready, and listens to it from then on.
    private func open() throws(Problem) -> Link {
        let started = try start()
        let pid = started.pid
        let control = started.control
        guard let first = try Control.receive(on: control, until: .after(seconds: Self.readySeconds)),
            case .ready(let report) = first.control
        else { throw Self.stillborn }
        let link = Link(control: control, pid: pid, report: report)
        // Known before it is listened to: its end must find it here.
        let stopped = state.withLock { state in
            if !state.stopped { state.link = link }
            return state.stopped
        }
        if stopped { throw Self.stopping }
        do throws(SystemError) {
            try Thread.start(name: "courier") { self.listen(to: link) }
        } catch {
            bury(link)
            throw error.problem(.courierUnavailable, doing: "start a thread for the courier")
        }
        return link
    }

    private static let stopping = Problem(.stopping, "The daemon is stopping.")

    /// Time for a courier to bind, read the CA store and confine itself.
    private static let readySeconds: Int64 = 10

    private static let stillborn = Problem(
        .courierUnavailable, "The courier ended while it was starting.",
        advice: "See the daemon's log for its last words.")

    /// Hears callbacks and gateway calls until the courier ends, then sees to the next one.
    private func listen(to link: Link) {
        do throws(Problem) {
            while var received = try Control.receive(on: link.control) {
                guard let stream = received.stream.take() else { break }
                if received.control == .callback {
                    hear(stream)
                } else if received.control == .gateway, let gateway {
                    gateway.hear(stream)
                } else {
                    break
                }
            }
        } catch {}
        bury(link)
        var pause: Int64 = 500
        while true {
            do throws(Problem) {
                _ = try self.link()
                return
            } catch {
                let stopped = state.wait(until: .after(milliseconds: pause)) { $0.stopped ? true : nil }
                if stopped == true { return }
                pause = min(pause * 2, 30_000)
            }
        }
    }

    /// Forgets a courier that is gone; one that is only confused sees its channel end and exits.
    private func bury(_ link: Link) {
        state.withLock { if $0.link === link { $0.link = nil } }
        state.wakeAll()
        link.control.shutDown()
    }
}

// MARK: Callbacks

extension Courier {
    /// Time for a frame of a callback to cross.
    private static let callbackSeconds: Int64 = 10

    /// Takes one callback to a thread of its own, or says that there are too many.
    private func hear(_ stream: consuming FileDescriptor) {
        let room = state.withLock { state in
            guard state.callbacks < Self.maxCallbacks else { return false }
            state.callbacks += 1
            return true
        }
        guard room else { return reply(.page(CallbackPage(.rateLimited)), on: stream) }
        let number = stream.release()
        do throws(SystemError) {
            try Thread.start(name: "callback") {
                self.serve(FileDescriptor(owning: number))
                self.leave()
            }
        } catch {
            reply(.page(CallbackPage(.rateLimited)), on: FileDescriptor(owning: number))
            leave()
        }
    }

    private func leave() { state.withLock { $0.callbacks -= 1 } }

    private func serve(_ stream: consuming FileDescriptor) {
        do throws(Problem) {
            let frame = try Frame.receive(on: stream, maxBody: 0, until: .after(seconds: Self.callbackSeconds))
            reply(answer(try CallbackRequest(frame)), on: stream)
        } catch {
            reply(.page(CallbackPage(.failed)), on: stream)
        }
    }

    /// Nobody is told when the courier is gone: the browser has its page from there, or none.
    private func reply(_ answer: CallbackAnswer, on stream: consuming FileDescriptor) {
        do throws(Problem) {
            try answer.frame().send(on: stream, until: .after(seconds: Self.callbackSeconds))
        } catch {}
    }
}
